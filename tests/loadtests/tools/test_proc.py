import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure, Interrupted, ProcessFailure
from loadtests.tools import proc, signals
from loadtests.tools.proc import programs
from loadtests.tools.proc.command import not_started_message

LONG = "sleep 60"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "POLL_S", 0.005)


@pytest.fixture
def ctrl_c_soon() -> Iterator[Callable[[], None]]:
    """Sends SIGINT to this process a moment after it is called."""
    timers: list[threading.Timer] = []

    def send_soon() -> None:
        timers.append(threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGINT)))
        timers[-1].start()

    with signals.handled():
        yield send_soon
        for timer in timers:
            timer.join()


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, also where nobody has asked for its exit code yet."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> None:
    proc.wait_until(lambda: is_gone(pid), limit_s=5.0, failure=f"{pid} is still there")


# -- run ---------------------------------------------------------------------------------------


def test_a_program_gives_its_code_and_both_streams() -> None:
    done = proc.run(("sh", "-c", "echo out; echo err >&2; exit 3"), check=False)

    assert (done.code, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert done.argv == ("sh", "-c", "echo out; echo err >&2; exit 3")


def test_a_failure_is_told_with_the_command_and_its_last_words() -> None:
    with pytest.raises(ProcessFailure, match=r"`sh -c .*` ended with code 3: no space") as failure:
        proc.run(("sh", "-c", "echo no space >&2; exit 3"))

    assert failure.value.output == "no space"
    assert failure.value.exit_code == 4


def test_only_the_end_of_a_long_output_is_kept() -> None:
    with pytest.raises(ProcessFailure) as failure:
        proc.run(("sh", "-c", "seq 100000 >&2; exit 1"))

    assert len(failure.value.output) == proc.TAIL_CHARS
    assert failure.value.output.endswith("100000")


def test_words_go_in_by_standard_input_and_variables_are_added() -> None:
    done = proc.run(("sh", "-c", 'cat; echo "$MARK$HOME"'), input_text="in\n", env={"MARK": "x"})

    assert done.stdout == f"in\nx{os.environ['HOME']}\n"


def test_standard_input_is_empty_where_nothing_is_given() -> None:
    assert proc.run(("cat",)).stdout == ""


def test_a_missing_program_is_named_with_a_way_out() -> None:
    with pytest.raises(ProcessFailure, match=r"'no-such-program' was not found\. Install it"):
        proc.run(("no-such-program", "--version"))


def test_a_program_that_the_system_has_no_room_for_is_not_said_to_lack_permissions() -> None:
    with pytest.raises(ProcessFailure, match="too long for this system") as failure:
        proc.run(("true", "x" * 200_000))
    assert "permissions" not in str(failure.value)

    full = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    assert "ulimit -a" in not_started_message("true", full)


def test_a_file_that_is_no_program_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_text("")

    with pytest.raises(ProcessFailure, match=r"program' cannot be run \(Permission denied\)"):
        proc.run((str(file),))


@pytest.mark.parametrize("on_line", [None, lambda _: None])
def test_a_program_that_takes_too_long_is_ended_with_its_children(
    on_line: Callable[[str], None] | None, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    script = f"{LONG} & echo $! > {note}; wait"

    with pytest.raises(ProcessFailure, match=r"did not end in 0\.1 s and was killed"):
        proc.run(("sh", "-c", script), timeout_s=0.1, on_line=on_line)

    wait_until_gone(int(note.read_text()))


def test_lines_are_told_as_they_come_and_kept_for_the_failure() -> None:
    lines: list[str] = []

    with pytest.raises(ProcessFailure, match="Step 2 failed") as failure:
        proc.run(("sh", "-c", "echo Step 1; echo Step 2 failed >&2; exit 1"), on_line=lines.append)

    assert lines == ["Step 1", "Step 2 failed"]
    assert failure.value.output == "Step 1\nStep 2 failed"


def test_lines_and_input_go_together() -> None:
    lines: list[str] = []

    proc.run(("cat",), input_text="one\ntwo\n", on_line=lines.append)

    assert lines == ["one", "two"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert proc.run(("printf", r"\377")).stdout == "\ufffd"


@pytest.mark.parametrize("on_line", [None, lambda _: None])
def test_a_signal_ends_the_wait_and_the_program(
    ctrl_c_soon: Callable[[], None], on_line: Callable[[str], None] | None, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    ctrl_c_soon()

    with pytest.raises(Interrupted):
        proc.run(("sh", "-c", f"echo $$ > {note}; {LONG}"), on_line=on_line)

    wait_until_gone(int(note.read_text()))


# -- wait_until --------------------------------------------------------------------------------


def test_a_condition_that_holds_at_once_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "sleep", lambda _: pytest.fail("waited"))

    proc.wait_until(lambda: True, limit_s=0.0, failure="never")


def test_a_condition_is_looked_at_until_it_holds() -> None:
    looks = iter((False, False, True))

    proc.wait_until(lambda: next(looks), limit_s=5.0, failure="never")

    assert list(looks) == []


@pytest.mark.parametrize("failure", ["it never came", lambda: "it never came"])
def test_a_condition_that_never_holds_is_told_at_the_limit(
    failure: str | Callable[[], str],
) -> None:
    with pytest.raises(EnvironmentFailure, match="it never came"):
        proc.wait_until(lambda: False, limit_s=0.02, failure=failure)


# -- Child -------------------------------------------------------------------------------------


def test_a_child_answers_line_by_line(log: Path) -> None:
    with proc.Child(("cat",), log=log) as child:
        child.send("first")
        child.send("second")

        assert [child.receive(5.0), child.receive(5.0)] == ["first\n", "second\n"]
        assert child.code is None
    assert child.code == 0


def test_a_childs_errors_go_to_its_log(log: Path) -> None:
    with proc.Child(("sh", "-c", "echo trouble >&2; cat"), log=log) as child:
        child.send("x")
        child.receive(5.0)

    assert log.read_text() == "trouble\n"


def test_a_child_that_is_silent_is_told_with_its_log(log: Path) -> None:
    with (
        proc.Child(("cat",), log=log) as child,
        pytest.raises(ProcessFailure, match=r"`cat` did not answer in 0.01 s.*a\.log"),
    ):
        child.receive(0.01)


def test_a_first_line_that_cannot_come_is_not_waited_for(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "ASK_EVERY_S", 0.01)
    reasons = iter([None, "The engine is gone."])
    with (
        proc.Child(("cat",), log=log, hopeless=lambda: next(reasons)) as child,
        pytest.raises(ProcessFailure, match=r"The engine is gone\. `cat` was given up"),
    ):
        child.receive(60.0)


def test_after_its_first_line_a_child_has_all_its_time(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "ASK_EVERY_S", 0.01)
    asked: list[None] = []
    script = "echo one; sleep 0.3; echo two"
    with proc.Child(("sh", "-c", script), log=log, hopeless=lambda: asked.append(None)) as child:
        assert child.receive(60.0) == "one\n"
        before = len(asked)
        assert child.receive(60.0) == "two\n"
    assert len(asked) == before


def test_a_child_that_ended_is_told_with_its_code_and_log(log: Path) -> None:
    with proc.Child(("sh", "-c", "exit 7"), log=log) as child:
        for _ in range(2):
            with pytest.raises(ProcessFailure, match=r"ended with code 7\. Its log: .*a\.log"):
                child.receive(5.0)


def test_what_a_child_said_before_it_ended_is_heard(log: Path) -> None:
    with proc.Child(("echo", "last words"), log=log) as child:
        assert child.receive(5.0) == "last words\n"
        with pytest.raises(ProcessFailure, match="ended with code 0"):
            child.receive(5.0)


def test_nobody_listens_to_a_child_that_ended(log: Path) -> None:
    with proc.Child(("true",), log=log) as child:
        wait_until_gone(child.pid)
        with pytest.raises(ProcessFailure, match="ended with code 0"):
            child.send("hello?")


def test_a_child_that_will_not_end_is_killed_with_its_children(log: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = proc.Child(("sh", "-c", f"{LONG} & echo $! > {note}; echo up; wait"), log=log)
    child.receive(5.0)

    child.close(grace_s=0.02)

    assert child.code == -signal.SIGKILL
    wait_until_gone(int(note.read_text()))


def test_a_child_ends_with_its_block_whatever_happens(log: Path) -> None:
    with pytest.raises(KeyError), proc.Child(("cat",), log=log) as child:
        raise KeyError

    assert child.code == 0


def test_a_signal_ends_the_wait_for_a_child(ctrl_c_soon: Callable[[], None], log: Path) -> None:
    ctrl_c_soon()

    with pytest.raises(Interrupted), proc.Child(("cat",), log=log) as child:
        child.receive(30.0)

    assert child.code == 0


# -- Service -----------------------------------------------------------------------------------


def test_a_service_writes_its_log_and_ends_with_its_block(log: Path) -> None:
    with proc.Service(("sh", "-c", f"echo up; exec {LONG}"), log=log) as service:
        proc.wait_until(lambda: log.read_text() == "up\n", limit_s=5.0, failure="silent")
        assert service.code is None

    assert service.code == -signal.SIGTERM


def test_a_service_that_does_not_hear_is_killed_with_its_children(
    log: Path, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    script = f"trap '' TERM; {LONG} & echo $! > {note}; echo up; wait"
    service = proc.Service(("sh", "-c", script), log=log)
    proc.wait_until(lambda: log.read_text() == "up\n", limit_s=5.0, failure="silent")

    service.close(grace_s=0.02)

    assert service.code == -signal.SIGKILL
    wait_until_gone(int(note.read_text()))


def test_a_service_that_ended_by_itself_is_told_with_the_end_of_its_log(log: Path) -> None:
    with proc.Service(("sh", "-c", "echo no such port; exit 1"), log=log) as service:
        proc.wait_until(lambda: service.code is not None, limit_s=5.0, failure="lives on")

        assert service.ended_message().endswith(f"code 1. Its log: {log}\nno such port")


# -- small things ------------------------------------------------------------------------------


def test_a_living_process_is_told_from_a_dead_one(log: Path) -> None:
    with proc.Service(("sh", "-c", LONG), log=log) as service:
        assert proc.alive(service.pid)
    assert not proc.alive(service.pid)


def test_a_number_that_no_process_can_have_is_of_none() -> None:
    assert not proc.alive(10**30)


def test_programs_are_found_on_path() -> None:
    assert proc.which("sh")
    assert proc.which("no-such-program") is None


def test_the_clock_for_durations_and_own_cpu_never_go_back() -> None:
    assert proc.monotonic_s() <= proc.monotonic_s()
    assert proc.own_cpu_s() <= proc.own_cpu_s()
