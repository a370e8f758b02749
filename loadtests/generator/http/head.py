"""Parses the header of an answer from its bytes."""

from __future__ import annotations

import os

HEAD_END = b"\r\n\r\n"

INTERIM_AT = slice(9, 10)
INTERIM_DIGIT = b"1"
"""Position of the status's first digit in a status line, and its value in an interim answer."""

REPLICA_NAME = os.environ.get("TWOFOLD_REPLICA_HEADER", "X-Upstream-Addr")
"""The header that names the replica which answered: nginx's, or the one of a deployment.

Empty for a deployment whose answers name no replica: another proxy's means something else."""

REPLICA_HEADER = f"{REPLICA_NAME}: ".encode("latin-1", errors="replace")
LOWER_NAME = REPLICA_NAME.lower()
LOWER_HEADER = LOWER_NAME.encode("latin-1", errors="replace")


KNOWN_MAX = 1_000
KNOWN_BYTES = 2_048
"""How many heads are known at most, and how long each may be."""

_known: dict[bytes, tuple[int, int, bool]] = {}
"""Heads of whole answers that the parser has accepted: status, length of the body behind the head,
and whether the connection is kept.

The same bytes are parsed in the same way. So an answer with such a head, and as many bytes behind
it, needs no parser. Most answers of a trial are alike but for their date, which changes once a
second."""


def known_answer(data: bytes) -> tuple[int, bytes, bool] | None:
    """Return status, body and whether the connection is kept, if ``data`` has a known head.

    None unless ``data`` is the head and exactly its body.
    """
    end = data.find(HEAD_END)
    known = _known.get(data[:end]) if end > 0 else None
    if known is None:
        return None
    status, length, kept = known
    start = end + len(HEAD_END)
    return (status, data[start:], kept) if len(data) == start + length else None


def remember(data: bytes, status: int, body: bytes, *, kept: bool) -> None:
    """Make the head of a whole answer known, where ``body`` is all that follows it in ``data``."""
    end = data.find(HEAD_END)
    if end > KNOWN_BYTES or data[end + len(HEAD_END) :] != body:
        return  # it was sent in chunks, or behind an interim answer
    if len(_known) >= KNOWN_MAX:
        _known.clear()
    _known[data[:end]] = status, len(body), kept


def final_head(raw: bytes) -> bytes | None:
    """Return the header of the final answer in ``raw``; interim answers (1xx) are skipped.

    It includes the status line but not the empty line. None if it is not complete yet.
    """
    start = 0
    while True:
        end = raw.find(HEAD_END, start)
        if end < 0:
            return None
        head = raw[start:end]
        if head[INTERIM_AT] != INTERIM_DIGIT:
            return head
        start = end + len(HEAD_END)


def headers_of(head: bytes) -> dict[str, str]:
    """Return the fields of ``head`` by lower-case name; repeated fields are joined."""
    fields: dict[str, str] = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        key = name.strip().decode("latin-1").lower()
        text = value.strip().decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields


def cookie_lines(raw: bytes) -> list[str]:
    """Return the values of all ``Set-Cookie`` fields in the answer that begins with ``raw``."""
    lines = (final_head(raw) or b"").split(b"\r\n")[1:]
    parts = (line.partition(b":") for line in lines)
    return [
        value.strip().decode("latin-1")
        for name, _, value in parts
        if name.strip().lower() == b"set-cookie"
    ]


def ends_by_closing(head: bytes) -> bool:
    """Return whether the body ends when the connection closes (RFC 9112, 6.3)."""
    fields = headers_of(head)
    return "content-length" not in fields and "transfer-encoding" not in fields


def replica_of(raw: bytes) -> bytes | None:
    """Return the replica named in the answer that begins with ``raw``, or None."""
    if not REPLICA_NAME:
        return None
    if raw[INTERIM_AT] == INTERIM_DIGIT:
        raw = (final_head(raw) or b"") + HEAD_END
    end = raw.find(HEAD_END)
    if end < 0:
        return None
    start = raw.find(REPLICA_HEADER, 0, end)
    if start >= 0:
        start += len(REPLICA_HEADER)
        return raw[start : raw.find(b"\r\n", start)]
    if LOWER_HEADER in raw[:end].lower():
        replica = headers_of(raw[:end]).get(LOWER_NAME)
        return None if replica is None else replica.encode("latin-1")
    return None
