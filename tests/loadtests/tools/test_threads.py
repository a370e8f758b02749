"""What threads wait for, as the kernel sees it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.model.profiles.records import KernelWait, Waiting
from loadtests.tools.procfs import connections, threads

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/syscall").exists(), reason="this kernel does not tell system calls"
)

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 0200000A:1538 01 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1
"""

UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 3313 /run/postgresql/.s.PGSQL.5432
0000000000000000: 00000003 00000000 00000000 0001 03 3314
"""


def test_a_socket_is_named_by_its_peer() -> None:
    assert threads.peers(TCP) == {"4711": "10.0.0.2:5432", "4712": "0.0.0.0:0"}
    assert threads.unix_inodes(UNIX) == ["3313", "3314"]


def test_a_thread_of_a_container_has_a_second_id() -> None:
    assert threads.inner_ids("Name:\tpython\nNSpid:\t4711\t8\nThreads:\t3\n") == (4711, 8)
    assert threads.inner_ids("Name:\tpython\n") == ()


@contextmanager
def running(lines: str) -> Iterator[int]:
    """Run Python code that prints a line once it is about to wait; provide its process id."""
    argv = (sys.executable, "-c", lines)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.3)
            yield process.pid
        finally:
            process.kill()


def wait_of(pid: int, *, main: bool = True) -> KernelWait:
    """Return what the main thread, or the only other one, waits for."""
    now = threads.threads_now(pid)
    if now is None:
        pytest.skip("no right to look into other processes")
    (wait,) = [thread.wait for number, thread in now.items() if (number == pid) is main]
    return wait


HEAD = (
    "import fcntl, select, socket, subprocess, sys, threading, time\n"
    "def up(): print('up', flush=True)\n"
)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("up(); time.sleep(60)", Waiting.SLEEP),
        ("up(); select.select([], [], [], 60)", Waiting.SLEEP),
        ("a = threading.Lock(); a.acquire(); up(); a.acquire()", Waiting.LOCK),
        ("a = threading.Lock(); a.acquire(); up(); a.acquire(timeout=60)", Waiting.LOCK),
        ("up(); sys.stdin.read()", Waiting.PIPE),
        ("a, b = socket.socketpair(); up(); a.recv(1)", Waiting.SOCKET),
        ("a, b = socket.socketpair(); a.settimeout(60); up(); a.recv(1)", Waiting.SOCKET),
        ("a, b = socket.socketpair(); up(); select.select([a], [], [])", Waiting.SOCKET),
        ("up(); subprocess.run(['sleep', '20'])", Waiting.CHILD),
    ],
)
def test_a_real_wait_is_told(code: str, kind: Waiting) -> None:
    with running(HEAD + code) as pid:
        assert wait_of(pid).kind is kind


def test_a_thread_that_computes_is_on_the_cpu() -> None:
    with running(f"{HEAD}up()\nwhile True: pass") as pid:
        assert wait_of(pid).kind is Waiting.CPU


def kind_in_a_while(pid: int) -> Waiting:
    """Return what the other thread waits for, 3 ms from now."""
    time.sleep(0.003)
    return wait_of(pid, main=False).kind


def test_a_wait_for_the_interpreters_lock_is_told_from_one_for_another_lock() -> None:
    # The main thread keeps the GIL in one long call; the other wants it back after its sleep, and
    # looks for a moment every 5 ms whether it is free. Looks in a row would see one moment.
    code = (
        f"{HEAD}threading.Thread(target=lambda: time.sleep(0.1), daemon=True).start()\n"
        "up(); sum(range(10 ** 10))"
    )
    with running(code) as pid:
        seen = Counter(kind_in_a_while(pid) for _ in range(100))

    assert set(seen) <= {Waiting.GIL, Waiting.CPU}
    assert seen[Waiting.GIL] > 50


STACK = 0x20000

ALPINE = """\
00010000-00011000 rw-p 00000000 fe:01 1 /usr/local/lib/libpython3.12.so.1.0
00012000-00013000 r-xp 00000000 fe:01 2 /lib/ld-musl-x86_64.so.1
"""


@pytest.mark.parametrize(
    ("limit_ns", "kind"),
    [(4_900_000, Waiting.GIL), (1_000_000_000, Waiting.LOCK), (None, Waiting.LOCK)],
)
def test_under_musl_a_wait_in_slices_on_the_stack_is_for_the_interpreters_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit_ns: int | None, kind: Waiting
) -> None:
    limit = STACK + 16
    process = tmp_path / "7"
    (process / "task/7").mkdir(parents=True)
    (process / "maps").write_text(ALPINE)
    (process / "mem").write_bytes(bytes(limit) + threads.TIMESPEC.pack(0, limit_ns or 0))
    address = 0 if limit_ns is None else limit
    words = (202, STACK + 80, 0x80, 2, address, 0, 0, STACK, 0x12345)  # futex(…), stack, program
    (process / "task/7/syscall").write_text(" ".join(map(hex, words)))
    monkeypatch.setattr(threads, "PROC", tmp_path)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    assert wait_of(7).kind is kind


def test_a_lock_on_a_file_has_its_path(tmp_path: Path) -> None:
    path = tmp_path / "shared.log"
    code = f"{HEAD}f = open({str(path)!r}, 'w')\nup(); fcntl.flock(f, fcntl.LOCK_EX)"
    with path.open("w") as held:
        import fcntl

        fcntl.flock(held, fcntl.LOCK_EX)
        with running(code) as pid:
            assert wait_of(pid) == KernelWait(kind=Waiting.FILE_LOCK, peer=str(path))


def test_a_peer_is_an_address_and_a_port() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with running(
            f"{HEAD}a = socket.create_connection(('127.0.0.1', {port}))\nup(); a.recv(1)"
        ) as pid:
            assert wait_of(pid) == KernelWait(kind=Waiting.SOCKET, peer=f"127.0.0.1:{port}")
            assert ("127.0.0.1", port) in connections.peers_of(pid)
            assert connections.peers_on([pid], [port]) == {f"127.0.0.1:{port}"}
            assert connections.is_same_from_here(pid, "127.0.0.1")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="glibc's record differs")
def test_a_thread_is_found_by_the_address_that_python_calls_it_by() -> None:
    code = "import threading, time; print(threading.get_ident(), flush=True); time.sleep(60)"
    with subprocess.Popen((sys.executable, "-c", code), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            address = int(process.stdout.readline())
            assert threads.id_at(process.pid, address) == process.pid
            assert threads.id_at(process.pid, address + 8) is None
            assert threads.id_at(process.pid, 0) is None
        finally:
            process.kill()


def test_a_process_that_is_gone_has_no_threads() -> None:
    process = subprocess.Popen((sys.executable, "-c", ""))
    process.wait()

    assert threads.threads_now(process.pid) is None
    assert threads.threads_now(os.getpid()) is not None
