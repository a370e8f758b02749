"""The one program that reads stacks from outside."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.errors import ProcessFailure
from loadtests.model.profiles.records import Frame
from loadtests.tools import proc, py_spy

DUMP = json.dumps(
    [
        {
            "pid": 7,
            "thread_id": 140244,
            "thread_name": "MainThread",
            "os_thread_id": 8,
            "active": True,
            "owns_gil": False,
            "frames": [
                {"name": "inner", "filename": "/srv/a.py", "line": 3, "locals": None},
                {"name": "__init__", "filename": "__init__", "line": 0, "locals": None},
                {"name": "<module>", "filename": "/srv/b.py", "line": 9, "locals": None},
            ],
        },
        {
            "thread_id": 9,
            "os_thread_id": None,
            "active": False,
            "owns_gil": False,
            "frames": [],
        },
    ]
)


def test_frames_come_with_the_outermost_first_and_without_cpythons_own() -> None:
    first, second = py_spy.parse_dump(DUMP)

    assert first == py_spy.Thread(
        thread=8,
        frames=(
            Frame(file="/srv/b.py", line=9, name="<module>"),
            Frame(file="/srv/a.py", line=3, name="inner"),
        ),
        owns_gil=False,
        address=140244,
    )
    assert (second.thread, second.address, second.frames) == (None, 9, ())


def test_it_looks_without_stopping_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "which", lambda _: "/usr/bin/taskset")

    assert py_spy.dump_argv("py-spy", 7) == (
        *("py-spy", "dump", "--json", "--nonblocking", "--pid", "7"),
    )
    assert py_spy.dump_argv("py-spy", 7, cores=(0, 2))[:3] == (
        "/usr/bin/taskset",
        "--cpu-list",
        "0,2",
    )


def test_samples_are_those_of_the_thread_that_holds_the_lock() -> None:
    argv = py_spy.record_argv("py-spy", 7, Path("/tmp/7.raw"), rate_hz=500, seconds=3)

    assert argv[:4] == ("py-spy", "record", "--gil", "--nonblocking")
    assert argv[4:] == (
        *("--full-filenames", "--format", "raw", "--rate", "500", "--duration", "3"),
        *("--output", "/tmp/7.raw", "--pid", "7"),
    )


def test_recorded_stacks_are_counted_with_the_outermost_frame_first() -> None:
    text = (
        "<module> (/srv/b.py:9);rank (/srv/shop (2)/search.py:31) 12\n"
        "<module> (/srv/b.py:9);<shim> (<shim>);rank (/srv/shop (2)/search.py:31) 3\n"
        "no stack at all\n"
        "[frozen] 4\n"
    )

    assert py_spy.parse_record(text) == {
        (
            Frame(file="/srv/b.py", line=9, name="<module>"),
            Frame(file="/srv/shop (2)/search.py", line=31, name="rank"),
        ): 15
    }


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("Permission Denied: Try running again with elevated permissions", "ptrace"),
        ("Error: Operation not permitted (os error 1)", "ptrace"),
        ("Error: Failed to find python version from target process", "PyPy"),
        ("Error: No such process (os error 3)", "No such process (os error 3)"),
    ],
)
def test_why_a_process_cannot_be_read_is_told_with_the_way_out(output: str, told: str) -> None:
    assert told in py_spy.why_not(ProcessFailure("`py-spy` ended with code 1", output=output))


def test_of_a_failure_what_py_spy_states_is_told_and_not_its_own_stack() -> None:
    output = (
        "Error: Failed to get process executable name. Check that the process is running.\n\n"
        "Caused by:\n    0: No such file or directory (os error 2)\n\n"
        "Stack backtrace:\n   0: py_spy::get_interpreter_address\n  10: main\n"
    )

    told = py_spy.why_not(ProcessFailure("`py-spy` ended with code 1", output=output))

    assert told == (
        "py-spy cannot read the process: Failed to get process executable name. Check that the"
        " process is running."
    )


def test_what_is_no_json_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    done = proc.Completed(argv=(), code=0, stdout="no JSON", stderr="")
    monkeypatch.setattr(proc, "run", lambda *_, **__: done)

    with pytest.raises(ProcessFailure, match="no JSON"):
        py_spy.dump("py-spy", 7)


@pytest.mark.skipif(py_spy.find_program() is None, reason="py-spy is not here")
def test_a_real_process_is_read_down_to_its_line(tmp_path: Path) -> None:
    program = py_spy.find_program()
    assert program is not None
    script = tmp_path / "asleep.py"
    script.write_text(
        "import time\n\n\ndef nap():\n    print('up', flush=True)\n    time.sleep(60)\n\n\nnap()\n"
    )
    with subprocess.Popen((sys.executable, str(script)), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.2)
            try:
                (thread,) = py_spy.dump(program, process.pid)
            except ProcessFailure as error:
                if py_spy.why_not(error) == py_spy.NO_RIGHT:
                    pytest.skip("no right to look into other processes")
                raise
        finally:
            process.kill()

    assert thread.thread == process.pid
    assert [(frame.name, frame.line) for frame in thread.frames] == [("<module>", 9), ("nap", 6)]
    assert not thread.owns_gil


def test_the_program_beside_this_interpreter_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert py_spy.find_program() == shutil.which("py-spy")

    (tmp_path / "py-spy").touch()
    assert py_spy.find_program() == str(tmp_path / "py-spy")


@pytest.mark.parametrize(
    ("user", "told"), [(12345, py_spy.AS_ROOT), (0, py_spy.NO_RIGHT), (None, py_spy.NO_RIGHT)]
)
def test_of_another_users_process_only_root_is_told_as_the_way_out(
    monkeypatch: pytest.MonkeyPatch, user: int | None, told: str
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise ProcessFailure("`py-spy` ended with code 1", output="Permission Denied")

    own = os.geteuid() if user is None else user
    monkeypatch.setattr(proc, "run", refused)
    monkeypatch.setattr(os, "geteuid", lambda: own)

    with pytest.raises(ProcessFailure) as failed:
        py_spy.dump("py-spy", os.getpid())

    assert py_spy.why_not(failed.value) == told
    assert ("ptrace_scope" in told) is (told == py_spy.NO_RIGHT)
