"""What is left of a Compose stack whose harness ends without removing it: nothing."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from loadtests.environments.compose import watchdog
from loadtests.environments.guards import watching
from loadtests.environments.protocol import Say
from loadtests.model import errors
from loadtests.tools import proc, procfs, temporary
from tests.checkout import CHECKOUT
from tests.loadtests.fakes import engine_server
from tests.loadtests.fakes.engine_server import EngineServer

PROJECT = "twofold-a-run-00000000-1"
OTHER = "twofold-another-00000000-2"

HARNESS = f"""
import sys
from pathlib import Path
from loadtests.environments.compose import watchdog
from loadtests.environments.protocol import Say
from loadtests.tools import proc

with watchdog.guard("{PROJECT}", log=Path(sys.argv[1]) / "watchdog.log") as guard:
    with proc.Service(("sleep", "60"), log=Path(sys.argv[1]) / "compose.log") as compose:
        guard.mind(compose.pid)
        print(compose.pid, guard._child.pid, flush=True)
        sys.stdin.read()
    if "removed" in sys.argv:
        guard.note_gone()
"""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineServer]:
    with (
        tempfile.TemporaryDirectory(prefix="engine-") as folder,
        engine_server.serving(Path(folder)) as served,
    ):
        monkeypatch.setenv("DOCKER_HOST", served.address)
        monkeypatch.setattr(watchdog, "AGAIN_S", 0.01)
        monkeypatch.setattr(watchdog, "CALM_S", 0.0)
        served.add_project(PROJECT)
        served.add_project(OTHER)
        yield served


@contextmanager
def harness(folder: Path, *words: str) -> Iterator[tuple[proc.Child, int]]:
    """A harness with a watchdog, and the id of the program that it minds; both end."""
    argv = (sys.executable, "-c", HARNESS, str(folder), *words)
    log = folder / "harness.log"
    with proc.Child(argv, log=log, env=python_path(), cwd=CHECKOUT) as child:
        program, watching_pid = map(int, child.receive(30).split())
        yield child, program
    # One that has removed everything waits for what might still appear.
    facts = procfs.facts_of(watching_pid)
    if facts is not None:
        os.kill(watching_pid, signal.SIGKILL)


def projects(engine: EngineServer) -> set[str]:
    names = {*engine.containers, *engine.networks}
    return {PROJECT for name in names if PROJECT in name} | {
        OTHER for name in names if OTHER in name
    }


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_the_project_of_a_harness_that_was_killed_is_removed_and_only_this(
    engine: EngineServer, number: signal.Signals, tmp_path: Path
) -> None:
    with harness(tmp_path) as (child, compose):
        child.signal(number)

        proc.wait_until(
            lambda: projects(engine) == {OTHER},
            limit_s=20,
            failure=(tmp_path / "watchdog.log").read_text,
        )
    log = tmp_path / "watchdog.log"
    assert f"The harness ended without removing {PROJECT}" in log.read_text()
    assert procfs.facts_of(compose) is None or not proc.alive(compose)


def test_a_project_that_the_harness_removed_is_not_looked_for(
    engine: EngineServer, tmp_path: Path
) -> None:
    with harness(tmp_path, "removed") as (child, _):
        pass
    assert child.code == 0
    assert engine.asked == []
    assert (tmp_path / "watchdog.log").read_text() == ""


def test_a_harness_that_could_not_remove_its_project_leaves_it_to_the_watchdog_at_once(
    engine: EngineServer, tmp_path: Path
) -> None:
    engine.hangs.set()
    with harness(tmp_path) as (child, _):
        child.close()
        assert child.code == 0
        assert projects(engine) == {PROJECT, OTHER}

        engine.hangs.clear()
        engine.goes_on.set()

        proc.wait_until(
            lambda: projects(engine) == {OTHER}, limit_s=20, failure="it is still there"
        )


# -- one by one --------------------------------------------------------------------------------


def said_to(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(watching, "watch", lambda: lines)


def test_what_appears_late_is_removed_too(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said_to(monkeypatch)
    monkeypatch.setattr(watchdog, "CALM_S", 0.3)
    removed = watchdog._removed
    looks = iter(range(1000))

    def removed_and_late(project: str, say: Say) -> bool:
        was_gone = removed(project, say)
        if next(looks) == 2:
            engine.add_project(PROJECT)
        return was_gone

    monkeypatch.setattr(watchdog, "_removed", removed_and_late)

    assert watchdog.main(PROJECT) == errors.EXIT_YES
    assert projects(engine) == {OTHER}
    assert f"Removed {PROJECT}" in capsys.readouterr().err


def test_an_engine_that_fails_for_a_while_is_asked_again_and_logged_once(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said_to(monkeypatch)
    engine.failing = 9

    assert watchdog.main(PROJECT) == errors.EXIT_YES
    assert projects(engine) == {OTHER}
    assert 1 <= capsys.readouterr().err.count("the engine is ill") <= 2


def test_an_engine_that_never_answers_again_is_given_up_with_a_message(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said_to(monkeypatch)
    engine.failing = 10**9
    monkeypatch.setattr(watchdog, "LIMIT_S", 0.1)

    assert watchdog.main(PROJECT) == errors.EXIT_ENVIRONMENT
    assert "twofold down" in capsys.readouterr().err


@pytest.mark.parametrize("failing", [0, 10**9], ids=["removed", "given up"])
def test_the_temporary_folders_of_a_killed_harness_go_too(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: int
) -> None:
    said_to(monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(watchdog, "LIMIT_S", 0.1)
    engine.failing = failing
    left = tmp_path / f"{temporary.PREFIX}gate-1"
    left.mkdir(mode=0o700)

    watchdog.main(PROJECT)

    assert not left.exists()


@pytest.mark.parametrize("same", [True, False], ids=["the same program", "another with its id"])
def test_a_program_is_ended_only_if_its_id_is_still_its_own(tmp_path: Path, *, same: bool) -> None:
    with proc.Service(("sleep", "60"), log=tmp_path / "log") as compose:
        facts = procfs.facts_of(compose.pid)
        assert facts is not None
        started = facts.started if same else "1"

        watchdog._end_programs([f"program {compose.pid} {started}", "program x", "nonsense"])

        if same:
            proc.wait_until(lambda: compose.code is not None, limit_s=5, failure="it lives")
        assert (compose.code is None) is not same


def test_a_watchdog_that_was_killed_does_not_end_the_run(
    engine: EngineServer, tmp_path: Path
) -> None:
    with watchdog.guard(PROJECT, log=tmp_path / "logs" / "log") as guard:
        os.kill(guard._child.pid, signal.SIGKILL)
        proc.wait_until(lambda: guard._child.code is not None, limit_s=5, failure="it lives")

        guard.mind(os.getpid())
        guard.note_gone()


def test_a_ci_job_that_is_cancelled_does_not_end_the_watchdog(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RUNNER_TRACKING_ID", "github_1")

    with watchdog.guard(PROJECT, log=tmp_path / "log") as guard:
        environment = Path(f"/proc/{guard._child.pid}/environ").read_bytes().split(b"\0")
        assert b"RUNNER_TRACKING_ID=" in environment
        guard.note_gone()
