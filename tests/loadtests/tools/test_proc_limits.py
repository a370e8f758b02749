"""What a program may not do to the harness: hold its pipes, flood it, or lend it a reused id."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc
from loadtests.tools.proc import command, output
from tests.checkout import CHECKOUT
from tests.loadtests.tools.test_proc import LONG, is_gone, wait_until_gone

OnLine = Callable[[str], None] | None

both_ways = pytest.mark.parametrize("on_line", [None, lambda _: None], ids=["text", "lines"])


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[Callable[[], int]]:
    """The id of a process that left its session; it is ended after the test."""
    note = tmp_path / "orphan"
    yield lambda: int(note.read_text())
    if note.exists():
        os.kill(int(note.read_text()), signal.SIGKILL)


# -- pipes that stay open ----------------------------------------------------------------------


@both_ways
def test_a_program_ends_though_a_process_of_another_session_holds_its_pipe(
    on_line: OnLine, orphan: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "HELD_PIPE_LIMIT_S", 0.05)
    script = f"setsid sh -c 'echo $$ > {tmp_path}/orphan; exec {LONG}' & sleep 0.2; echo done"
    began_s = time.monotonic()

    done = proc.run(("sh", "-c", script), timeout_s=30.0, on_line=on_line)

    assert done.stdout == "done\n"
    assert time.monotonic() - began_s < 5.0
    assert proc.alive(orphan())


@both_ways
def test_a_limit_holds_though_a_process_of_another_session_holds_the_pipe(
    on_line: OnLine, orphan: Callable[[], int], tmp_path: Path
) -> None:
    script = f"setsid sh -c 'echo $$ > {tmp_path}/orphan; exec {LONG}' & {LONG}"
    began_s = time.monotonic()

    with pytest.raises(ProcessFailure, match=r"did not end in 0\.3 s and was killed"):
        proc.run(("sh", "-c", script), timeout_s=0.3, on_line=on_line)

    assert time.monotonic() - began_s < 5.0
    assert proc.alive(orphan())


@both_ways
def test_what_a_program_leaves_in_its_own_group_ends_with_it(
    on_line: OnLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "HELD_PIPE_LIMIT_S", 0.05)
    note = tmp_path / "pid"

    proc.run(("sh", "-c", f"{LONG} & echo $! > {note}"), on_line=on_line)

    wait_until_gone(int(note.read_text()))


def test_what_a_program_may_leave_goes_on_and_can_write(tmp_path: Path) -> None:
    note, sign = tmp_path / "pid", tmp_path / "sign"
    child = f"sleep 0.3; echo more; echo more >&2; touch {sign}; exec {LONG}"
    script = f"({child}) & echo $! > {note}; echo out; echo err >&2; exit 3"

    done = proc.run(("sh", "-c", script), check=False, may_leave=True)

    pid = int(note.read_text())
    try:
        assert (done.code, done.stdout, done.stderr) == (3, "out\n", "err\n")
        proc.wait_until(sign.exists, limit_s=5.0, failure="the child could not write")
        assert not is_gone(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("more", ["", "seq 100 >&2; "])
def test_a_program_that_empties_its_errors_keeps_its_earlier_lines(more: str) -> None:
    later = "".join(f"{number}\n" for number in range(1, 101)) if more else ""
    script = f"echo early >&2; sleep 0.3; echo late >/dev/stderr; {more}echo last >&2"

    done = proc.run(("sh", "-c", script), may_leave=True)

    assert done.stderr == f"early\nlate\n{later}last\n"


def test_bytes_that_nobody_wrote_are_no_part_of_a_text() -> None:
    script = "import os; os.ftruncate(2, 9); os.write(2, b'end')"

    assert proc.run((sys.executable, "-c", script), may_leave=True).stderr == "end"


def test_what_a_program_may_leave_ends_with_it_at_its_limit(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    with pytest.raises(ProcessFailure, match=r"did not end in 0\.3 s and was killed"):
        proc.run(("sh", "-c", f"{LONG} & echo $! > {note}; wait"), timeout_s=0.3, may_leave=True)

    wait_until_gone(int(note.read_text()))


def test_a_program_that_may_leave_others_is_told_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output, "MOST_CHARS", 1 << 20)
    flood = "while :; do seq 1000; done"

    with pytest.raises(ProcessFailure, match="wrote over 1 MiB"):
        proc.run(("sh", "-c", flood), timeout_s=60.0, may_leave=True)
    with pytest.raises(ProcessFailure, match="no-such-program"):
        proc.run(("no-such-program",), may_leave=True)


def test_a_large_output_is_read_to_its_end_though_the_program_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "HELD_PIPE_LIMIT_S", 0.0)

    done = proc.run(("seq", "200000"))

    assert done.stdout.endswith("\n200000\n")


def test_an_input_that_nobody_reads_does_not_hold_the_harness() -> None:
    assert proc.run(("true",), input_text="x" * 1_000_000).code == 0


# -- floods ------------------------------------------------------------------------------------


def test_of_a_program_that_never_stops_talking_only_the_last_lines_are_kept() -> None:
    with pytest.raises(ProcessFailure) as failure:
        proc.run(("sh", "-c", "seq 20000; exit 1"), on_line=lambda _: None)

    assert failure.value.output.endswith("20000")
    assert len(proc.run(("seq", "20000"), on_line=lambda _: None).stdout.splitlines()) == 1000


def test_an_output_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MOST_CHARS", 1 << 20)

    with pytest.raises(ProcessFailure, match="wrote over 1 MiB"):
        proc.run(("sh", "-c", "while :; do seq 1000; done"), timeout_s=60.0)


def test_a_line_without_end_comes_in_pieces() -> None:
    lines: list[str] = []

    proc.run(("head", "--bytes=200000", "/dev/zero"), on_line=lines.append)

    assert output.LINE_CHARS <= max(map(len, lines)) < 2 * output.LINE_CHARS
    assert sum(map(len, lines)) == 200_000


# -- the end -----------------------------------------------------------------------------------


def test_a_program_that_has_become_hopeless_is_ended_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ASK_EVERY_S", 0.0)
    note = tmp_path / "pid"

    with pytest.raises(ProcessFailure, match=r"The engine is silent\. `sh -c .*` was ended\."):
        proc.run(
            ("sh", "-c", f"echo $$ > {note}; {LONG}"),
            hopeless=lambda: "The engine is silent." if note.exists() else None,
        )

    wait_until_gone(int(note.read_text()))


def test_a_program_with_grace_may_clear_up(tmp_path: Path) -> None:
    cleared = tmp_path / "cleared"
    script = f"trap 'touch {cleared}; exit 1' TERM; while :; do sleep 0.02; done"

    with pytest.raises(ProcessFailure, match="did not end"):
        proc.run(("sh", "-c", script), timeout_s=0.3, grace_s=10.0)

    assert cleared.exists()


def test_the_id_of_a_started_program_is_told() -> None:
    pids: list[int] = []

    done = proc.run(("sh", "-c", "echo $$"), on_start=pids.append)

    assert [int(done.stdout)] == pids


# -- ids that may be another's -----------------------------------------------------------------


def test_a_program_that_ended_keeps_its_id_until_its_group_was_ended(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    service = proc.Service(("sh", "-c", f"{LONG} & echo $! > {note}"), log=tmp_path / "log")
    proc.wait_until(lambda: service.code is not None, limit_s=5.0, failure="it runs on")

    assert service.code == 0
    assert "\nState:\tZ" in Path(f"/proc/{service.pid}/status").read_text()
    service.close()
    wait_until_gone(int(note.read_text()))
    assert not proc.alive(service.pid)


def test_nothing_is_signalled_by_an_id_that_was_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = proc.Service(("true",), log=tmp_path / "log")
    proc.wait_until(lambda: service.code is not None, limit_s=5.0, failure="it runs on")
    service.close()
    signalled: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *given: signalled.append(given))
    monkeypatch.setattr(os, "killpg", lambda *given: signalled.append(given))

    service.signal(signal.SIGTERM)
    service.close()
    proc.signal_running(signal.SIGTERM)

    assert signalled == []
    assert service.code == 0


def test_all_programs_that_run_can_be_signalled_at_once(tmp_path: Path) -> None:
    with proc.Service(("sh", "-c", LONG), log=tmp_path / "log") as service:
        proc.signal_running(signal.SIGTERM)

        proc.wait_until(lambda: service.code is not None, limit_s=5.0, failure="it runs on")
    assert service.code == -signal.SIGTERM


def test_a_child_that_is_released_lives_on(tmp_path: Path) -> None:
    child = proc.Child(("sh", "-c", f"cat; exec {LONG}"), log=tmp_path / "log")
    child.release()
    try:
        proc.signal_running(signal.SIGKILL)
        assert proc.alive(child.pid)
        assert child.code is None
    finally:
        child.close(grace_s=0.0)


# -- starts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [proc.Child, proc.Service])
def test_a_program_that_is_not_there_is_one_message(
    kind: type[proc.Child | proc.Service], tmp_path: Path
) -> None:
    with pytest.raises(ProcessFailure, match="'no-such-program' was not found"):
        kind(("no-such-program",), log=tmp_path / "log")


@pytest.mark.parametrize("kind", [proc.Child, proc.Service])
def test_a_log_that_cannot_be_written_is_one_message(
    kind: type[proc.Child | proc.Service], tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentFailure, match=r"log cannot be written .* --out DIR"):
        kind(("true",), log=tmp_path / "missing" / "log")


def test_a_file_of_another_machine_is_one_message(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF?")
    program.chmod(0o755)

    with pytest.raises(ProcessFailure, match="program' cannot be run"):
        proc.run((str(program),))


# -- the end of the harness --------------------------------------------------------------------

TIED = """
import sys
from pathlib import Path
from loadtests.tools import proc
script = f"echo $$ > {sys.argv[1]}; exec sleep 600"
proc.run(proc.tied(("sh", "-c", script)), timeout_s=60)
"""


@pytest.mark.skipif(proc.which("setpriv") is None, reason="needs setpriv (util-linux)")
def test_a_program_that_is_tied_ends_with_a_harness_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    argv = (sys.executable, "-c", TIED, str(note))
    with proc.Service(argv, log=tmp_path / "log", cwd=CHECKOUT) as harness:
        proc.wait_until(
            lambda: note.exists() and note.read_text().endswith("\n"),
            limit_s=20.0,
            failure="it did not start",
        )
        os.kill(harness.pid, signal.SIGKILL)
        wait_until_gone(int(note.read_text()))


def test_without_setpriv_a_command_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    assert proc.tied(["docker", "build"]) == ("docker", "build")
