"""What the threads of a process wait for, as the kernel sees it (Linux).

``/proc/<pid>/task/<tid>/syscall`` (proc(5)) has the system call that a thread is in, with its
arguments. Of a wait for a file descriptor, the descriptor says for which socket or file. Reading it
needs the same right as a debugger: the same user with ``ptrace`` allowed, or root.
"""

from __future__ import annotations

import contextlib
import os
import platform
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.profiles.records import LOCAL_SOCKET, KernelWait, Waiting
from loadtests.tools.procfs import connections
from loadtests.tools.procfs.interpreter_lock import Interpreter
from loadtests.tools.procfs.kernel_files import text_of

X86_64 = {
    0: "read",
    1: "write",
    7: "poll",
    17: "read",
    18: "write",
    19: "read",
    20: "write",
    23: "select",
    35: "sleep",
    42: "socket",
    43: "socket",
    44: "socket",
    45: "socket",
    46: "socket",
    47: "socket",
    61: "child",
    72: "lock_file",
    73: "lock_file",
    74: "file",
    75: "file",
    202: "futex",
    230: "sleep",
    232: "epoll",
    247: "child",
    257: "file",
    270: "select",
    271: "poll",
    281: "epoll",
    288: "socket",
    299: "socket",
    307: "socket",
    441: "epoll",
}
"""The system calls that a thread may wait in, by number (Linux, ``asm/unistd_64.h``)."""

AARCH64 = {
    22: "epoll",
    25: "lock_file",
    32: "lock_file",
    56: "file",
    63: "read",
    64: "write",
    65: "read",
    66: "write",
    67: "read",
    68: "write",
    72: "select",
    73: "poll",
    82: "file",
    83: "file",
    95: "child",
    98: "futex",
    101: "sleep",
    115: "sleep",
    202: "socket",
    203: "socket",
    206: "socket",
    207: "socket",
    211: "socket",
    212: "socket",
    242: "socket",
    243: "socket",
    260: "child",
    269: "socket",
    441: "epoll",
}
"""The same on ARM (``asm-generic/unistd.h``)."""

CALLS = {"x86_64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}

FUTEX_WAIT = 0

FUTEX_WAITS = (FUTEX_WAIT, 9)
"""FUTEX_WAIT and FUTEX_WAIT_BITSET (futex(2)), without flags. The second one's time limit is a
moment, not a length."""

FUTEX_COMMAND = 0x7F

PTHREAD_ID = 720
"""Where glibc keeps a thread's id in ``struct pthread`` on x86-64, in bytes."""

POLLFD = struct.Struct("=ihh")
"""``struct pollfd`` (poll(2)): the descriptor, and two masks."""

TIMESPEC = struct.Struct("=qq")
"""``struct timespec`` (timespec(3)) where addresses have 64 bits: seconds and nanoseconds."""

MOST_DESCRIPTORS = 64
"""So many descriptors of one wait are looked at; a request waits for one or two."""

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class ThreadNow:
    """A thread at one moment; ``mark`` is the same as long as it stays in the same wait."""

    thread: int
    wait: KernelWait
    mark: str


def threads_now(pid: int) -> Mapping[int, ThreadNow] | None:
    """Return what each thread of a process does, by thread id; None where that may not be seen.

    A thread of a container has a second id, its own in there; it is found by both.
    """
    calls = CALLS.get(platform.machine())
    process = _Process(pid)
    found: dict[int, ThreadNow] = {}
    try:
        tasks = [path.name for path in (PROC / f"{pid}/task").iterdir()]
    except OSError:
        return None
    for task in tasks:
        try:
            mark = text_of(PROC / f"{pid}/task/{task}/syscall").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue  # this thread has just ended, or the kernel has no such file
        except OSError:
            return None
        wait = process.wait_of(mark, calls) if calls else KernelWait(kind=Waiting.UNKNOWN)
        found[int(task)] = ThreadNow(thread=int(task), wait=wait, mark=mark)
    return _with_inner_ids(process, found) or None


def id_at(pid: int, pthread: int) -> int | None:
    """Return the id of the thread whose pthread is at an address; None where it cannot be told.

    py-spy knows no ids of Python before 3.11 from outside. glibc has it in its own record of the
    thread (``struct pthread``, x86-64); what is found there must be the id of a thread.
    """
    if platform.machine() != "x86_64" or not pthread:
        return None
    process = _Process(pid)
    data = process.memory(pthread + PTHREAD_ID, 4)
    found = int.from_bytes(data, "little") if len(data) == 4 else 0
    try:
        tasks = [path.name for path in (PROC / f"{pid}/task").iterdir()]
    except OSError:
        return None
    inner = (inner_ids(process.read(f"task/{task}/status"))[-1:] for task in tasks)
    return found if found in {number for ids in inner for number in ids} else None


def _with_inner_ids(process: _Process, found: Mapping[int, ThreadNow]) -> Mapping[int, ThreadNow]:
    """Return the threads by the ids that they have in their own namespace, too."""
    if len(inner_ids(process.read("status"))) < 2:
        return found
    inner = {
        inner_ids(process.read(f"task/{thread}/status"))[-1:]: now for thread, now in found.items()
    }
    return {**found, **{ids[0]: now for ids, now in inner.items() if ids}}


def inner_ids(status: str) -> tuple[int, ...]:
    """Parse the ids of a process or thread from ``status`` (NSpid, proc(5)), outermost first."""
    lines = (line.split() for line in status.splitlines() if line.startswith("NSpid:"))
    return tuple(int(word) for word in next(lines, ["NSpid:"])[1:])


class _Process:
    """One process, with what is looked up only once for all its threads."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peers: dict[str, str] | None = None
        self._interpreter: Interpreter | None = None

    def wait_of(self, mark: str, calls: Mapping[int, str]) -> KernelWait:
        """Return what a thread waits for, from its line in ``syscall``."""
        words = mark.split()
        if words == ["running"]:
            return KernelWait(kind=Waiting.CPU)
        numbers = [int(word, 0) for word in words]
        if len(numbers) < 7:
            return KernelWait(kind=Waiting.UNKNOWN)
        number, *arguments = numbers
        return self._in_call(calls.get(number, ""), arguments)

    def _in_call(self, call: str, arguments: list[int]) -> KernelWait:
        match call:
            case "futex":
                return KernelWait(kind=self._futex(arguments))
            case "sleep":
                return KernelWait(kind=Waiting.SLEEP)
            case "child":
                return KernelWait(kind=Waiting.CHILD)
            case "lock_file":
                return KernelWait(kind=Waiting.FILE_LOCK, peer=self._file(arguments[0]))
            case "file":
                return KernelWait(kind=Waiting.FILE)
            case "read" | "write" | "socket":
                return self._descriptors([arguments[0]])
            case "poll":
                return self._descriptors(self._polled(arguments[0], arguments[1]))
            case "epoll":
                return self._descriptors(list(self._epolled(arguments[0])))
            case "select":
                return self._descriptors(self._selected(arguments[0], arguments[1:4]))
        return KernelWait(kind=Waiting.UNKNOWN)

    def _futex(self, arguments: list[int]) -> Waiting:
        """Return what lock it is; behind the call's arguments are the stack and the program."""
        address, command, stack = arguments[0], arguments[1] & FUTEX_COMMAND, arguments[-2]
        if command not in FUTEX_WAITS:
            return Waiting.UNKNOWN
        if self._interpreter is None:
            self._interpreter = Interpreter.of(self.read("maps"))
        limit_ns = None
        if self._interpreter.on_musl and command == FUTEX_WAIT and arguments[3]:
            limit_ns = self._limit_ns(arguments[3])
        return self._interpreter.kind_of(address, stack=stack, limit_ns=limit_ns)

    def _limit_ns(self, address: int) -> int | None:
        data = self.memory(address, TIMESPEC.size)
        if len(data) < TIMESPEC.size:
            return None
        seconds, nanoseconds = TIMESPEC.unpack(data)
        return int(seconds * 10**9 + nanoseconds)

    def _descriptors(self, descriptors: list[int]) -> KernelWait:
        """Return a wait for descriptors: a socket's peer first, for it can be named."""
        if not descriptors:
            return KernelWait(kind=Waiting.SLEEP)
        links = [self._link(descriptor) for descriptor in descriptors]
        for link in links:
            if link.startswith("socket:"):
                return KernelWait(kind=Waiting.SOCKET, peer=self._peer(link))
        if any(link.startswith("pipe:") for link in links):
            return KernelWait(kind=Waiting.PIPE)
        if any(link.startswith("/") for link in links):
            return KernelWait(kind=Waiting.FILE, peer=next(x for x in links if x.startswith("/")))
        return KernelWait(kind=Waiting.UNKNOWN)

    def _polled(self, address: int, count: int) -> list[int]:
        count = min(count, MOST_DESCRIPTORS)
        data = self.memory(address, POLLFD.size * count)
        entries = POLLFD.iter_unpack(data[: len(data) // POLLFD.size * POLLFD.size])
        return [descriptor for descriptor, _, _ in entries] or [-1] * bool(count)

    def _epolled(self, descriptor: int) -> Iterator[int]:
        words = self.read(f"fdinfo/{descriptor}").split()
        found = [int(words[at + 1]) for at, word in enumerate(words[:-1]) if word == "tfd:"]
        yield from found[:MOST_DESCRIPTORS] or [-1]

    def _selected(self, count: int, sets: list[int]) -> list[int]:
        size = (min(count, 1024) + 7) // 8
        found = []
        for address in sets:
            bits = int.from_bytes(self.memory(address, size), "little") if address else 0
            found += [bit for bit in range(count) if bits >> bit & 1]
        return found[:MOST_DESCRIPTORS]

    def memory(self, address: int, size: int) -> bytes:
        """Return memory of the process; fewer bytes where it may not be read."""
        with contextlib.suppress(OSError, OverflowError, ValueError):
            handle = os.open(PROC / f"{self._pid}/mem", os.O_RDONLY)
            try:
                return os.pread(handle, size, address)
            finally:
                os.close(handle)
        return b""

    def _link(self, descriptor: int) -> str:
        try:
            return str((PROC / f"{self._pid}/fd/{descriptor}").readlink())
        except OSError:
            return ""

    def _file(self, descriptor: int) -> str:
        link = self._link(descriptor)
        return link if link.startswith("/") else ""

    def read(self, name: str) -> str:
        """Return one of the process's files in ``/proc``; "" where it may not be read."""
        try:
            return text_of(PROC / f"{self._pid}/{name}")
        except OSError:
            return ""

    def _peer(self, link: str) -> str:
        if self._peers is None:
            self._peers = {}
            for table in ("tcp", "tcp6", "udp", "udp6"):
                self._peers |= peers(self.read(f"net/{table}"))
            self._peers |= dict.fromkeys(unix_inodes(self.read("net/unix")), LOCAL_SOCKET)
        return self._peers.get(link.removeprefix("socket:[").removesuffix("]"), "")


def peers(table: str) -> dict[str, str]:
    """Parse ``/proc/net/tcp`` or the like (proc(5)): the peer ``host:port`` of each inode."""
    return {inode: connections.shown(peer) for inode, _, peer in connections.rows(table)}


def unix_inodes(table: str) -> list[str]:
    """Parse ``/proc/net/unix`` (proc(5)): the inodes of the sockets of this machine's programs."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [fields[6] for fields in rows if len(fields) > 6]
