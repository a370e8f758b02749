import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from loadtests.tools import proc, procfs
from loadtests.tools.procfs import Facts, Listener
from tests.checkout import CHECKOUT

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# `ps -A -o pid=,ppid=,pgid=,state=,rss=,time=,lstart=` on macOS and on Debian.
PS = """\
    1     0     1 Ss    19328   1:02.50 Mon Nov  9 09:12:01 2026
  510     1   510 S      4096 1-02:03:04 Sun Nov 22 21:54:41 2026
  511   510   510 Z         0   0:00.00 Sun Nov 22 21:54:41 2026
"""

STAT = (
    "4711 (a (very) odd) name) S 12 4700 4700 0 -1 4194560 900 0 0 0 33 1 0 0 20 0 1 0 "
    "18234 12345678 250 18446744073709551615 1 1 0"
)


def test_a_name_with_blanks_and_brackets_is_no_obstacle() -> None:
    assert procfs.parse_stat(STAT, cpu_s=0.5) == Facts(
        pid=4711,
        parent=12,
        group=4700,
        started="18234",
        cpu_s=0.5,
        memory_bytes=250 * procfs.PAGE_BYTES,
    )


def test_a_process_of_which_only_its_exit_code_is_left_is_none() -> None:
    assert procfs.parse_stat(STAT.replace(") S ", ") Z "), cpu_s=0) is None
    assert 511 not in procfs.parse_ps(PS)


def test_ps_gives_the_same_facts() -> None:
    assert procfs.parse_ps(PS)[510] == Facts(
        pid=510,
        parent=1,
        group=510,
        started="Sun Nov 22 21:54:41 2026",
        cpu_s=86400 + 2 * 3600 + 3 * 60 + 4,
        memory_bytes=4096 * 1024,
    )
    assert procfs.parse_ps(PS)[1].cpu_s == 62.5


def test_without_proc_the_family_comes_from_ps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    listing = proc.Completed(argv=("ps",), code=0, stdout=PS, stderr="")
    monkeypatch.setattr(proc, "run", lambda argv: listing)

    assert [process.pid for process in procfs.family(1)] == [1, 510]
    assert [process.pid for process in procfs.everyone()] == [1, 510]
    assert procfs.facts_of(99) is None


SPIN_AND_FORK = (
    "import os, time\n"
    "while time.process_time() < 0.2: pass\n"
    "os.fork()\n"
    "print('ready', flush=True)\n"
    "time.sleep(30)\n"
)


@linux
def test_a_process_and_its_children_are_one_family_with_their_cpu_time(tmp_path: Path) -> None:
    with proc.Child((sys.executable, "-c", SPIN_AND_FORK), log=tmp_path / "log") as parent:
        parent.receive(10)
        parent.receive(10)
        first, second = procfs.family(parent.pid)
        os.killpg(parent.pid, signal.SIGKILL)

    assert first.pid == parent.pid
    assert second.parent == parent.pid
    assert first.group == second.group == parent.pid
    assert first.cpu_s >= 0.2
    assert second.cpu_s < 0.2
    assert procfs.family(parent.pid) == ()


@linux
def test_a_process_that_ends_is_not_there_any_more(tmp_path: Path) -> None:
    with proc.Child(("sleep", "30"), log=tmp_path / "log") as child:
        assert procfs.facts_of(child.pid) is not None
        assert child.pid in {process.pid for process in procfs.everyone()}
        child.signal(signal.SIGKILL)
        proc.wait_until(lambda: child.code is not None, limit_s=5, failure="it lives on")

    assert procfs.facts_of(child.pid) is None


@linux
def test_all_threads_of_a_process_are_bound_to_the_cores(tmp_path: Path) -> None:
    threads = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
        "print('ready', flush=True)\ntime.sleep(30)"
    )
    core = min(os.sched_getaffinity(0))
    with proc.Child((sys.executable, "-c", threads), log=tmp_path / "log") as child:
        child.receive(10)
        procfs.pin(child.pid, [core])
        tasks = [int(path.name) for path in Path(f"/proc/{child.pid}/task").iterdir()]
        bound = [os.sched_getaffinity(task) for task in tasks]
        os.killpg(child.pid, signal.SIGKILL)

    assert bound == [{core}, {core}]


# Of a container whose program listens on four ports, on a network with Docker's own DNS.
SOCKETS = CHECKOUT / "tests/data/procfs"


def test_the_listening_sockets_of_a_network_namespace_are_read() -> None:
    text = (SOCKETS / "net-tcp").read_text() + (SOCKETS / "net-tcp6").read_text()

    listeners = procfs.parse_listeners(text)

    assert [str(listener) for listener in listeners] == [
        "127.0.0.1:5000",
        "127.0.0.1:6000",
        "0.0.0.0:8000",
        "[::]:9090",
        "127.0.0.11:44205",
    ]
    assert [listener.port for listener in listeners if not listener.is_loopback] == [8000, 9090]


@linux
def test_a_socket_of_this_process_is_among_its_listeners() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert Listener(port=port, address="127.0.0.1") in (procfs.listeners_of(os.getpid()) or ())


@linux
def test_a_process_that_is_gone_has_no_listeners_to_read() -> None:
    assert procfs.listeners_of(2**22 + 1) is None


@linux
def test_the_sockets_on_which_a_process_listens_are_seen() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        own = server.getsockname()[1]

        assert f"127.0.0.1:{own}" in (procfs.listening(os.getpid()) or ())
        assert procfs.listening(1 << 22) == ()


@linux
def test_a_handler_of_a_signal_is_seen() -> None:
    before = signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        assert procfs.catches(os.getpid(), signal.SIGUSR2) is True
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert procfs.catches(os.getpid(), signal.SIGUSR2) is False
    assert procfs.catches(2**22 + 1, signal.SIGUSR2) is None


def test_the_ticks_of_a_process_are_those_outside_and_inside_of_the_kernel() -> None:
    user, kernel = procfs.modes_of(os.getpid())
    of_all_threads = os.times()

    assert user == pytest.approx(100 * of_all_threads.user, abs=10)
    assert kernel == pytest.approx(100 * of_all_threads.system, abs=10)
    assert procfs.modes_of(2**22 + 1) == (0, 0)


NAMED = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, b"caf\\xc3", 0, 0, 0)  # PR_SET_NAME
print("named", flush=True)
sys.stdin.read()
"""


@linux
def test_the_name_of_a_process_may_end_within_a_character(tmp_path: Path) -> None:
    with proc.Child((sys.executable, "-c", NAMED), log=tmp_path / "log") as named:
        named.receive(10)
        assert b"(caf\xc3)" in Path(f"/proc/{named.pid}/stat").read_bytes()

        facts = procfs.facts_of(named.pid)

        assert facts is not None
        assert facts.parent == os.getpid()
        assert named.pid in {process.pid for process in procfs.everyone()}
        assert named.pid in {process.pid for process in procfs.family(os.getpid())}
        assert procfs.catches(named.pid, signal.SIGUSR1) is False
