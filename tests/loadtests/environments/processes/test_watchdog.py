import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from loadtests.environments.guards import watching
from loadtests.environments.processes import leftovers, watchdog
from loadtests.tools import cgroup, proc, procfs, temporary
from tests import needs
from tests.loadtests.environments.processes.stack_to_kill import PHASES, ROOT

GONE_LIMIT_S = 10.0

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""All of them are heard by one handler (tests/loadtests/tools/test_signals.py), so each phase is
struck by one of them in turn; nothing handles SIGKILL, which strikes every phase."""

STRIKES = [
    (phase, number)
    for index, phase in enumerate(PHASES)
    for number in (signal.SIGKILL, HANDLED[index % len(HANDLED)])
]


def control_groups() -> set[Path]:
    """Every control group of a stack, wherever this machine has them."""
    found = set()
    for folder, names, _ in os.walk(cgroup.ROOT):  # unlike glob, it passes over what goes meanwhile
        found |= {Path(folder, name) for name in names if name.startswith("twofold-")}
    return found


def named(part: str | signal.Signals) -> str:
    """Name a phase or a signal in the name of a test."""
    return part if isinstance(part, str) else part.name


class Observed:
    """A harness that is about to be ended, and everything that was seen to belong to it."""

    def __init__(self, folder: Path, *module_and_arguments: str) -> None:
        self._temporary = folder / "temporary"
        self._temporary.mkdir()
        self.log = folder / "harness.log"
        self.child = proc.Child(
            (sys.executable, "-m", *module_and_arguments),
            log=self.log,
            env={"TMPDIR": str(self._temporary), **python_path()},
            cwd=ROOT,
        )

    def end(self, number: signal.Signals) -> int:
        """Send the signal; wait until nothing is left; give how many processes there were."""
        family = {(process.pid, process.started) for process in procfs.family(self.child.pid)}
        stacks = {folder.name for folder in self._temporary.iterdir()}
        groups = {group for group in control_groups() if group.name in stacks}
        self.child.signal(number)

        def left() -> list[object]:
            living = {(process.pid, process.started) for process in procfs.everyone()}
            return [*family & living, *groups & control_groups(), *self._temporary.iterdir()]

        proc.wait_until(
            lambda: self.child.code is not None and not left(),
            limit_s=GONE_LIMIT_S,
            failure=lambda: f"code {self.child.code}, left: {left()}; {self.log.read_text()}",
        )
        return len(family)


@needs.PROCESSES
@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(("phase", "number"), STRIKES, ids=named)
def test_nothing_is_left_of_a_harness_that_is_ended(
    phase: str, number: signal.Signals, tmp_path: Path
) -> None:
    module = "tests.loadtests.environments.processes.stack_to_kill"
    harness = Observed(tmp_path, module, phase, str(tmp_path))
    with harness.child:
        reached = harness.child.receive(30)
        processes = harness.end(number)

    assert reached.strip() == phase
    assert processes >= (1 if phase == "before-anything" else 2)
    assert harness.child.code == (-number if number is signal.SIGKILL else 128 + number)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="test-of-twofold-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@needs.STORE
@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("phase", ["first-replica-started", "replicas-started", "under-load"])
def test_nothing_is_left_of_a_store_whose_processes_are_groups_of_their_own(
    phase: str, number: signal.Signals, open_folder: Path
) -> None:
    module = "tests.loadtests.environments.processes.stack_to_kill"
    harness = Observed(open_folder, module, phase, str(open_folder), "store")
    with harness.child:
        reached = harness.child.receive(30)
        harness.end(number)

    assert reached.strip() == phase
    assert harness.child.code == (-number if number is signal.SIGKILL else 128 + number)


RUN = (
    *("tests.short_run", "run", "--backend", "processes", "--quick"),
    *("--rounds", "2", "--seed", "1"),
    *("--workload", "io", "--workers", "gthread", "--replicas", "1,2"),
)


@needs.PROCESSES
@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("Starting", signal.SIGTERM),
        ("Waiting", signal.SIGKILL),
        ("Calibrating users", signal.SIGTERM),
        ("Round 1", signal.SIGKILL),
    ],
    ids=named,
)
def test_nothing_is_left_of_a_run_that_is_ended(
    line: str, number: signal.Signals, tmp_path: Path
) -> None:
    harness = Observed(tmp_path, *RUN, "--out", str(tmp_path / "results"))
    with harness.child:
        proc.wait_until(
            lambda: line in harness.log.read_text(),
            limit_s=60,
            failure=lambda: f"no line {line!r} in: {harness.log.read_text()}",
        )
        processes = harness.end(number)

    assert processes >= 2
    assert harness.child.code == (-number if number is signal.SIGKILL else 128 + number)


def test_a_stack_whose_harness_lives_is_not_taken_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with watchdog.guard(log=tmp_path / "log") as folder:
        assert folder.is_dir()
        assert leftovers.abandoned() == ()

    assert not folder.exists()


def test_what_a_killed_watchdog_has_left_is_cleared_by_the_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with watchdog.guard(log=tmp_path / "log") as folder:
        for child in procfs.family(os.getpid())[1:]:
            os.kill(child.pid, signal.SIGKILL)

    assert not folder.exists()


def test_a_watchdog_removes_the_temporary_folders_of_a_killed_harness_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(watching, "watch", lambda: ())
    (tmp_path / f"{temporary.PREFIX}samples-1").mkdir(mode=0o700)

    assert watchdog.main(leftovers.make()) == 0

    assert list(tmp_path.iterdir()) == []
