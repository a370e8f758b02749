"""TCP's counters of a network namespace (``/proc/net/snmp`` and ``/proc/net/netstat``).

Source: RFC 4022 for ``OutSegs`` and ``RetransSegs``; the kernel's ``snmp_counter.rst`` for
``TCPTimeouts``, which counts retransmission timers that ran out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from loadtests.tools.procfs.kernel_files import text_of

PROC = Path("/proc")

FILES = ("net/snmp", "net/netstat")

WANTED = ("Tcp:", "TcpExt:")


@dataclass(frozen=True, kw_only=True)
class Tcp:
    """Segments that were sent, those of them sent again, and timers that ran out; all only grow."""

    segments: int
    retransmitted: int
    timeouts: int


def tcp_of(pid: int, *, root: Path = PROC) -> Tcp | None:
    """Return the counters of a process's network namespace; None where it is gone."""
    try:
        return parse_tcp("".join(text_of(root / str(pid) / name) for name in FILES))
    except OSError:
        return None


def parse_tcp(text: str) -> Tcp | None:
    """Parse both files; None without the counters.

    Each group of counters has two lines: names, and values.
    """
    groups: dict[str, dict[str, int]] = {}
    lines = [line.split() for line in text.splitlines() if line.strip()]
    for names, values in pairwise(lines):
        if names[0] == values[0] in WANTED and values[1].lstrip("-").isdecimal():
            groups[names[0]] = dict(zip(names[1:], map(int, values[1:]), strict=False))
    tcp, more = (groups.get(name) for name in WANTED)
    if tcp is None or more is None:
        return None
    return Tcp(
        segments=tcp.get("OutSegs", 0) + tcp.get("RetransSegs", 0),
        retransmitted=tcp.get("RetransSegs", 0),
        timeouts=more.get("TCPTimeouts", 0),
    )
