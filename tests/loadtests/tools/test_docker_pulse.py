"""Docker's programs run for as long as the engine answers and something happens."""

from __future__ import annotations

import gc
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from requests.exceptions import ReadTimeout

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools.docker import pulse
from loadtests.tools.proc import command
from tests.loadtests.fakes import engine_server
from tests.loadtests.fakes.engine_server import EngineServer

LONG = ("sleep", "60")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineServer]:
    with (
        tempfile.TemporaryDirectory(prefix="engine-") as folder,
        engine_server.serving(Path(folder)) as served,
    ):
        monkeypatch.setenv("DOCKER_HOST", served.address)
        monkeypatch.setattr(command, "ASK_EVERY_S", 0.02)
        monkeypatch.setattr(pulse, "PING_LIMIT_S", 1)
        yield served


def test_an_engine_answers_or_does_not(engine: EngineServer) -> None:
    assert pulse.answers()

    engine.hangs.set()

    assert not pulse.answers(limit_s=1)


def test_no_engine_is_one_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Docker's library does not close it
        assert not pulse.answers()
        gc.collect()


def test_a_program_ends_as_it_does_while_the_engine_answers(engine: EngineServer) -> None:
    lines: list[str] = []

    done = pulse.run(("sh", "-c", "echo one; sleep 0.2; echo two"), on_line=lines.append)

    assert (done.code, lines) == (0, ["one", "two"])


def test_a_program_is_ended_when_the_engine_hangs(engine: EngineServer) -> None:
    engine.hangs.set()

    with pytest.raises(ProcessFailure, match=r"The Docker engine no longer answers\. `sleep 60`"):
        pulse.run(LONG)


def test_one_ping_that_fails_ends_nothing(engine: EngineServer) -> None:
    engine.failing = 1

    assert pulse.run(("sleep", "0.3")).code == 0


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("sleep 60", True),
        ("echo up; sleep 60", True),
        ("for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.1; done", False),
    ],
)
def test_a_program_that_falls_silent_is_ended(
    engine: EngineServer, script: str, *, ends: bool
) -> None:
    argv = ("sh", "-c", script)
    if not ends:
        assert pulse.run(argv, silence_limit_s=0.5).code == 0
        return
    with pytest.raises(ProcessFailure, match="Nothing has happened for"):
        pulse.run(argv, silence_limit_s=0.5)


def test_a_silent_program_goes_on_while_the_engine_creates_something(engine: EngineServer) -> None:
    counts = iter(range(10**6))

    done = pulse.run(("sleep", "1"), silence_limit_s=0.2, state=lambda: next(counts))

    assert done.code == 0


def test_only_the_first_line_of_a_builder_has_to_come_soon(engine: EngineServer) -> None:
    assert pulse.run(("sh", "-c", "echo 1; sleep 0.6"), first_line_limit_s=0.3).code == 0
    with pytest.raises(ProcessFailure, match="Nothing has happened for"):
        pulse.run(LONG, first_line_limit_s=0.3)


def test_a_state_that_cannot_be_read_ends_the_program(engine: EngineServer) -> None:
    def unreadable() -> None:
        raise EnvironmentFailure("The engine failed.")

    with pytest.raises(EnvironmentFailure, match=r"The engine failed\."):
        pulse.run(LONG, silence_limit_s=0.1, state=unreadable)


def test_a_question_that_no_engine_answers_is_no_failure_that_a_caller_may_do_without(
    engine: EngineServer,
) -> None:
    engine.hangs.set()

    with pytest.raises(EnvironmentFailure, match=r"answers\. Run `twofold down`") as raised:
        pulse.ask(LONG)

    assert not isinstance(raised.value, ProcessFailure)


def test_a_question_that_fails_by_itself_is_a_programs_failure(engine: EngineServer) -> None:
    with pytest.raises(ProcessFailure, match="code 3"):
        pulse.ask(("sh", "-c", "exit 3"))
    with pytest.raises(ProcessFailure):
        pulse.ask(LONG, timeout_s=0.2)
    assert pulse.ask(("cat",), input_text="asked").stdout == "asked"


def test_a_request_that_fails_is_the_engines_silence_where_it_is_silent(
    engine: EngineServer,
) -> None:
    late = ReadTimeout("timed out")
    with pytest.raises(ReadTimeout), pulse.heard():
        raise late

    engine.hangs.set()

    with pytest.raises(EnvironmentFailure, match="no longer answers"), pulse.heard():
        raise late


def test_an_engine_elsewhere_is_watched_by_its_own_name(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    watch = pulse.Watch(host=engine.address)

    assert watch.hopeless() is None
    engine.hangs.set()

    assert watch.hopeless() is None
    assert watch.hopeless() == f"The Docker engine at {engine.address} no longer answers."
