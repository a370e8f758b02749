"""Facts of processes: start time, children, CPU time and memory, and the sockets that listen.

On Linux they come from ``/proc`` and each process's CPU clock, elsewhere from ``ps``.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.tools import proc
from loadtests.tools.procfs.kernel_files import text_of

PROC = Path("/proc")

PS_FIELDS = "pid=,ppid=,pgid=,state=,rss=,time=,lstart="

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

INODE = 9
"""The column of a socket's inode in ``/proc/net/tcp``."""

LOCK_FILE = 4
"""The column of ``major:minor:inode`` in a line of ``/proc/locks``, without its number."""

LISTENING = "0A"
"""The state of a socket that listens, as the kernel writes it (TCP_LISTEN)."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One process; ``started`` distinguishes it from a later process with the same id."""

    pid: int
    parent: int
    group: int
    started: str
    cpu_s: float
    memory_bytes: int


@dataclass(frozen=True, kw_only=True, order=True)
class Listener:
    """A TCP socket that listens, with its port and its own address."""

    port: int
    address: str

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of the same network namespace reach it."""
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return (
            f"[{self.address}]:{self.port}"
            if ":" in self.address
            else f"{self.address}:{self.port}"
        )


def listeners_of(pid: int) -> tuple[Listener, ...] | None:
    """Return the listening sockets of a process's network namespace; None where it is gone."""
    try:
        tables = text_of(PROC / f"{pid}/net/tcp")
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            tables += text_of(PROC / f"{pid}/net/tcp6")
    except OSError:
        return None
    return parse_listeners(tables)


def listen_overflows(pid: int | str) -> int | None:
    """Return how many connections met a full listen queue in a process's network namespace.

    ``pid`` may be ``self``. The count begins with the namespace; None where it cannot be read.
    """
    try:
        text = text_of(PROC / str(pid) / "net/netstat")
    except OSError:
        return None
    lines = [line.split() for line in text.splitlines() if line.startswith("TcpExt:")]
    if len(lines) != 2:
        return None
    value = dict(zip(lines[0], lines[1], strict=False)).get("ListenOverflows")
    return int(value) if value is not None else None


def network_of(pid: int | str) -> str | None:
    """Return an identity of a process's network namespace; None where it cannot be read."""
    try:
        return str((PROC / str(pid) / "ns/net").readlink())
    except OSError:
        return None


def listening(pid: int) -> tuple[str, ...] | None:
    """Return the ``host:port`` on which a process and its descendants listen; None if unknown."""
    if sys.platform != "linux":
        return None
    sockets = {link for member in family(pid) for link in _links(member.pid)}
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in text_of(PROC / f"net/{table}").splitlines():
                fields = line.split()
                if len(fields) > INODE and f"socket:[{fields[INODE]}]" in sockets:
                    found |= set(parse_listeners(line))
    return tuple(str(listener) for listener in sorted(found))


def links_of(pid: int) -> frozenset[str]:
    """Return what the open files of a process are, such as ``socket:[4711]``."""
    return frozenset(_links(pid))


def _links(pid: int) -> Iterator[str]:
    """Yield what the open files of a process are, such as ``socket:[4711]``."""
    with contextlib.suppress(OSError):  # the process has ended, or is another user's
        for path in (PROC / f"{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # this file has just been closed
                yield str(path.readlink())


def parse_listeners(text: str) -> tuple[Listener, ...]:
    """Parse ``/proc/net/tcp``, ``tcp6`` or both (proc(5)) into the sockets that listen, sorted."""
    found = set()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == LISTENING:
            address, _, port = fields[1].rpartition(":")
            found.add(Listener(port=int(port, 16), address=address_of(address)))
    return tuple(sorted(found))


def address_of(digits: str) -> str:
    """Return an address that the kernel wrote as 32-bit numbers in the machine's byte order."""
    words = [digits[at : at + 8] for at in range(0, len(digits), 8)]
    address = ipaddress.ip_address(
        b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    )
    # An IPv6 socket may have an IPv4 address.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def catches(pid: int, number: int) -> bool | None:
    """Return whether a process has a handler for a signal (proc(5), SigCgt); None: not known."""
    try:
        lines = text_of(PROC / f"{pid}/status").splitlines()
    except OSError:
        return None
    masks = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")]
    return bool(masks[0] >> (number - 1) & 1) if masks else None


def facts_of(pid: int) -> Facts | None:
    """Return the facts of a process; None if it does not exist, or is a zombie."""
    if sys.platform != "linux":
        return _listed().get(pid)
    try:
        return parse_stat(text_of(PROC / f"{pid}/stat"), cpu_s=_cpu_clock_s(pid))
    except OSError:
        return None


def family(pid: int) -> tuple[Facts, ...]:
    """Return a process and its descendants: itself first, then by their ids; () if it is gone."""
    first = facts_of(pid)
    if first is None:
        return ()
    if sys.platform == "linux":
        children = sorted(_children(pid))
    else:
        children = sorted(process.pid for process in _listed().values() if process.parent == pid)
    return (first, *(member for child in children for member in family(child)))


def everyone() -> tuple[Facts, ...]:
    """Return all running processes."""
    if sys.platform != "linux":
        return tuple(_listed().values())
    processes = (facts_of(int(path.name)) for path in PROC.iterdir() if path.name.isdigit())
    return tuple(process for process in processes if process is not None)


@dataclass(frozen=True, kw_only=True)
class FileLock:
    """A lock on a file that is held for writing; ``waiting`` are the processes blocked by it.

    ``identity`` is ``major:minor:inode``.
    """

    pid: int
    identity: str
    waiting: int = 0

    @property
    def inode(self) -> int:
        """The file's number in its file system."""
        return int(self.identity.rpartition(":")[2])


def file_locks() -> tuple[FileLock, ...]:
    """Return all locks for writing that processes of this machine hold; () where unknown."""
    try:
        return parse_locks(text_of(PROC / "locks"))
    except OSError:
        return ()


def parse_locks(text: str) -> tuple[FileLock, ...]:
    """Parse ``/proc/locks`` (proc(5)): the locks for writing, each with who waits for it."""
    held: dict[str, tuple[int, str]] = {}
    waiting: dict[str, int] = {}
    for line in text.splitlines():
        number, *fields = line.split()
        if fields and fields[0] == "->":
            waiting[number] = waiting.get(number, 0) + 1
        elif len(fields) > LOCK_FILE and fields[2] == "WRITE" and int(fields[3]) > 0:
            held[number] = int(fields[3]), fields[LOCK_FILE]
    return tuple(
        FileLock(pid=pid, identity=identity, waiting=waiting.get(number, 0))
        for number, (pid, identity) in held.items()
    )


def path_of(pid: int, inode: int) -> str | None:
    """Return the path of a file that a process has open, as it sees it; None if unknown."""
    with contextlib.suppress(OSError):  # the process has ended, or is another user's
        for entry in (PROC / f"{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # this file has just been closed
                if entry.stat().st_ino == inode:
                    return str(entry.readlink())
    return None


def modes_of(pid: int) -> tuple[int, int]:
    """Return the ticks that a process ran outside and inside of the kernel; 0 where unknown."""
    try:
        text = text_of(PROC / f"{pid}/stat")
    except OSError:
        return 0, 0
    user, kernel = text.rpartition(")")[2].split()[11:13]  # proc(5): the 14th and 15th field
    return int(user), int(kernel)


def threads_of(pid: int) -> int:
    """Return how many threads a process has; 1 where that cannot be read."""
    try:
        return len(list((PROC / f"{pid}/task").iterdir()))
    except OSError:
        return 1


def command_of(pid: int) -> str:
    """Return a process's command line with blanks between its words; "" if it is gone."""
    try:
        return (PROC / f"{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        if sys.platform == "linux":
            return ""
        done = proc.run(("ps", "-o", "command=", "-p", str(pid)), check=False)
        return done.stdout.strip()


def pin(pid: int, cores: Collection[int]) -> None:
    """Pin all threads of a process, and whatever they start later, to these cores."""
    for task in (PROC / f"{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # this thread has just ended
            os.sched_setaffinity(int(task.name), cores)


def parse_stat(text: str, *, cpu_s: float) -> Facts | None:
    """Parse ``/proc/<pid>/stat`` (proc(5)); None for a zombie.

    ``cpu_s`` comes from the caller, because the CPU times in this file are too coarse (10 ms).
    """
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()  # the name may contain blanks and brackets
    if fields[0] in {"Z", "X"}:
        return None
    return Facts(
        pid=int(pid),
        parent=int(fields[1]),
        group=int(fields[2]),
        started=fields[19],
        cpu_s=cpu_s,
        memory_bytes=int(fields[21]) * PAGE_BYTES,
    )


def parse_ps(text: str) -> dict[int, Facts]:
    """Parse the output of ``ps -o PS_FIELDS``, in which sizes are in KiB."""
    processes = {}
    for line in text.splitlines():
        pid, parent, group, state, rss, cpu, started = line.split(maxsplit=6)
        if state.startswith("Z"):
            continue
        processes[int(pid)] = Facts(
            pid=int(pid),
            parent=int(parent),
            group=int(group),
            started=started.strip(),
            cpu_s=_seconds(cpu),
            memory_bytes=int(rss) * 1024,
        )
    return processes


def _seconds(text: str) -> float:
    """Parse ``[[days-]hours:]minutes:seconds``, the seconds with or without a fraction."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = 60 * total + float(part)
    return total + 86400 * int(days or 0)


def _listed() -> Mapping[int, Facts]:
    return parse_ps(proc.run(["ps", "-A", "-o", PS_FIELDS]).stdout)


def _cpu_clock_s(pid: int) -> float:
    # As clock_getcpuclockid(3) computes the clock's id: it counts in ns, /proc in steps of 10 ms.
    return time.clock_gettime((~pid << 3) | 2)


def _children(pid: int) -> list[int]:
    try:  # the main thread's children suffice: gunicorn and nginx start their workers there
        return [int(child) for child in text_of(PROC / f"{pid}/task/{pid}/children").split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN, or the process has ended
        return [process.pid for process in everyone() if process.parent == pid]


def environment_of(pid: int) -> Mapping[str, str]:
    """Return the variables that a process started with; {} where they may not be read."""
    try:
        data = (PROC / f"{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition("=") for entry in data.decode(errors="replace").split("\0"))
    return {name: value for name, equals, value in pairs if equals}
