import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from loadtests.environment import leftovers, watchdog
from loadtests.tools import cgroup, gunicorn, proc, procfs
from tests.loadtests.environment.stack_to_kill import PHASES, ROOT

GONE_LIMIT_S = 10.0

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

needs_a_stack = pytest.mark.skipif(
    shutil.which("nginx") is None or bool(gunicorn.missing_modules()),
    reason="needs nginx, gunicorn, Flask and gevent here",
)


def control_groups() -> set[Path]:
    """Every control group of a stack, wherever this machine has them."""
    return {path for path in cgroup.ROOT.glob("**/twofold-*") if path.is_dir()}


def processes_of(pid: int) -> set[tuple[int, str]]:
    return {(one.pid, one.started) for one in procfs.family(pid)}


def living() -> set[tuple[int, str]]:
    return {(one.pid, one.started) for one in procfs.everyone()}


@needs_a_stack
@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("phase", PHASES)
def test_nothing_is_left_of_a_harness_that_is_ended(
    phase: str, number: signal.Signals, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    groups_before = control_groups()
    argv = (sys.executable, "-m", "tests.loadtests.environment.stack_to_kill")
    harness = proc.Child(
        (*argv, phase, str(tmp_path)),
        log=tmp_path / "harness.log",
        env={"TMPDIR": str(temporary), **watchdog.python_path()},
        cwd=ROOT,
    )
    try:
        reached = harness.receive(30)
        family = processes_of(harness.pid)
        own_groups = control_groups() - groups_before

        harness.signal(number)

        proc.wait_until(
            lambda: (
                harness.code is not None
                and not family & living()
                and not own_groups & control_groups()
                and not list(temporary.iterdir())
            ),
            limit_s=GONE_LIMIT_S,
            failure=lambda: (
                f"code {harness.code}, left: {family & living()}, {own_groups & control_groups()},"
                f" {list(temporary.iterdir())}; {(tmp_path / 'harness.log').read_text()}"
            ),
        )
    finally:
        harness.close(grace_s=0.1)

    assert reached.strip() == phase
    assert len(family) >= (1 if phase == "before-anything" else 2)
    assert harness.code == (-number if number is signal.SIGKILL else 128 + number)


def test_a_stack_whose_harness_lives_is_not_taken_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with watchdog.guard("twofold-alive", (), log=tmp_path / "log") as folder:
        assert folder.is_dir()
        assert leftovers.abandoned() == ()

    assert not folder.exists()


def test_what_a_killed_watchdog_has_left_is_cleared_by_the_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with watchdog.guard("twofold-alone", (), log=tmp_path / "log") as folder:
        for child in procfs.family(os.getpid())[1:]:
            os.kill(child.pid, signal.SIGKILL)

    assert not folder.exists()
