"""What the kernel notes of a connection: when data arrived, and how much the other side received.

Only Linux is asked; elsewhere, data arrives when it is read, and nobody knows the rest.
"""

from __future__ import annotations

import socket
import struct
import sys
from time import monotonic, time
from typing import Any

IS_LINUX = sys.platform == "linux"

TIMESTAMP = 35
"""SO_TIMESTAMPNS of <asm/socket.h> (Linux): when data arrived, by ``time.time()``'s clock."""
TIMESPEC = struct.Struct("ll")
STAMP_MOST_S = 10.0
"""No unread answer is older than this; a larger age means that the clock was set."""
STAMP_BYTES = socket.CMSG_SPACE(TIMESPEC.size)

TCP_INFO = 11
"""The option of <linux/tcp.h> with a connection's counters (tcp(7))."""
BYTES_ACKED = struct.Struct("=120xQ")
"""Its ``tcpi_bytes_acked`` (since Linux 4.1): how many sent bytes the other side has received."""
SYN_BYTES = 1
"""The kernel counts the opening of a connection as a byte that was sent."""


def arrived_at(notes: list[tuple[int, int, bytes]]) -> float:
    """Return when the kernel received the data, by the monotonic clock; now without a note."""
    now = monotonic()
    for _, kind, stamp in notes:
        if kind == TIMESTAMP:
            seconds, nanoseconds = TIMESPEC.unpack(stamp)
            age_s: float = time() - seconds - nanoseconds * 1e-9
            # If the clock was set meanwhile, the answer must not seem to come from the future.
            return now - min(age_s, STAMP_MOST_S) if age_s > 0.0 else now
    return now


def may_have_received(connection: Any, sent: int) -> bool:
    """Return whether the other side's kernel may have received more than the first ``sent`` bytes.

    ``connection`` is a socket. What its kernel has not received, nobody there has read.
    """
    if not IS_LINUX:
        return True
    info = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, BYTES_ACKED.size)
    if len(info) < BYTES_ACKED.size:
        return True
    (acked,) = BYTES_ACKED.unpack(info)
    return bool(acked > sent + SYN_BYTES)
