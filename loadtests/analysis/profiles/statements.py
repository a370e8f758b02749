"""Statements of a store's sessions, and what the sessions waited for, in words. PURE."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from loadtests.model.profiles.records import StatementTime, StoreProfile, StoreSession, Totals

MOST_CHARS = 80
"""Of a statement in a sentence."""

MOST_TIMES = 20
"""So many statements are kept; the rest together took little of the store's time."""

_INNER_COMMENT = r"/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)"

_TOKEN = re.compile(
    r"(?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|''|\\.|'[^\S\n]*\n\s*')*'?)"
    r"|(?P<text>'(?:[^']|'')*'?)"
    r"|(?P<identifier>\"(?:[^\"]|\"\")*\"?)"
    r"|(?P<dollar>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))"
    rf"|(?P<comment>--[^\r\n]*|/\*(?:{_INNER_COMMENT}|[^*]|\*(?!/))*(?:\*/|\Z))"
    r"|(?P<number>(?<![\w$])-?\d\w*(?:\.\w*)?(?:(?<=[eE])[-+]\d+)?)",
    re.DOTALL,
)
"""What may hold a value, and what may look like one (PostgreSQL, *Lexical Structure*): the leftmost
counts, so no mark inside of another one does. Only ``E'…'`` has backslash escapes. A statement may
be cut off in any of them."""

_MYSQL_TOKEN = re.compile(
    r"(?P<text>'(?:[^'\\]|''|\\.)*'?|\"(?:[^\"\\]|\"\"|\\.)*\"?)"
    r"|(?P<identifier>`(?:[^`]|``)*`?)"
    r"|(?P<comment>--(?=\s|\Z)[^\r\n]*|\#[^\r\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<number>(?<![\w$])-?\d\w*(?:\.\w*)?(?:(?<=[eE])[-+]\d+)?)",
    re.DOTALL,
)
"""The same for MySQL (*Literal Values*, *Comments*): ``"…"`` is a text there, with escapes as all
texts have, and backticks are around identifiers."""

_OWN = re.compile(
    r"\bpg_(stat_activity|stat_statements|extension)\b|^SET LOCAL statement_timeout\b"
)
"""Statements of the looks themselves."""

_WORDS = r"[\w.]+(?: varying| precision)?(?:\(\?(?:,\s*\?)?\))?(?: with(?:out)? time zone)?"

_TYPE = rf"(?:\s*::\s*(?:\"[^\"]*\"|{_WORDS})(?:\[\])*)*"

_VALUE = rf"(?:\?|\$\d+|null|default|true|false){_TYPE}"
"""A value that was taken out, or the number of a parameter, with its type."""

_END = r"(?:\s*\)|\s*,?\s*\$?\Z)"
"""Of a list, which may be cut off."""

_LIST = re.compile(rf"\(\s*{_VALUE}(?:\s*,\s*{_VALUE})+{_END}", re.IGNORECASE)

_ROW = rf"\((?:\?, …\)|\s*{_VALUE}{_END})"

_ROWS = rf"{_ROW}(?:\s*,\s*{_ROW})*(?:\s*,\s*\(?\s*\$?\Z)?"

_LISTED = re.compile(
    rf"(?P<rows>\bvalues)\s*{_ROWS}|(?P<one_of>\bin)\s*(?:\(\s*{_ROWS}{_END}|{_ROW})",
    re.IGNORECASE,
)
"""Many rows, and lists of rows or of one value."""

_SELECT = re.compile(r"select\b", re.IGNORECASE)

_PART = re.compile(r"\"[^\"]*\"|`[^`]*`|[()]|(?P<from>\bfrom\b)", re.IGNORECASE)

ROW_LOCKS = frozenset({"transactionid", "tuple", "speculative token"})
"""Waits for a lock that another transaction holds on a row (PostgreSQL, *Wait Events of Type
Lock*)."""

WAITS = {
    "Lock": "a lock",
    "LWLock": "a lock inside of PostgreSQL",
    "IO": "its disk",
    "IPC": "another of its processes",
    "BufferPin": "a page that another session holds",
    "Client": "its client",
    "Timeout": "a time-out (a sleep or a delay)",
    "": "nothing (it ran)",
}
"""PostgreSQL's types of wait events, in words (*The Cumulative Statistics System*)."""

TABLE_LOCKS = frozenset({"relation", "extend", "advisory", "object", "page", "table", "GET_LOCK()"})
"""Other waits for locks, of which the last two are MySQL's."""


def shape_of(statement: str) -> str:
    """Return a statement without its values, for they may be secrets, on one line.

    Comments go, too. Lists of values become ``(?, …)``, and so do many rows of them, so that one
    statement has one shape.
    """
    return _shape(_TOKEN, statement)


def mysql_shape_of(statement: str) -> str:
    """Return the same of a statement of MySQL or MariaDB."""
    return _shape(_MYSQL_TOKEN, statement)


def _shape(tokens: re.Pattern[str], statement: str) -> str:
    # On one line first: each pattern would read a long run of blanks again from each of them.
    bare = " ".join(tokens.sub(_without_value, statement).split())
    return _LISTED.sub(_one_row, _LIST.sub("(?, …)", bare))


def _one_row(rows: re.Match[str]) -> str:
    return f"{rows['rows'] or rows['one_of']} (?, …)"


def _without_value(token: re.Match[str]) -> str:
    if token["identifier"]:
        return token["identifier"]
    return " " if token["comment"] else "?"


def between(before: Totals, after: Totals) -> tuple[StatementTime, ...]:
    """Return what took most of the store's time between two readings, the most first.

    What Twofold's own looks cost is left out. Statements of one shape count together.
    """
    counted: dict[str, tuple[int, float]] = {}
    for key, (calls, ms, statement) in after.items():
        old_calls, old_ms, _ = before.get(key, (0, 0.0, ""))
        more_calls, more_ms = calls - old_calls, ms - old_ms
        # Fewer calls than before: somebody has set the counters back.
        if more_calls <= 0 or more_ms < 0 or not statement or _OWN.search(statement):
            continue
        shape = shape_of(statement)
        have_calls, have_ms = counted.get(shape, (0, 0.0))
        counted[shape] = (have_calls + more_calls, have_ms + more_ms)
    whole = math.fsum(ms for _, ms in counted.values())
    if not whole:
        return ()
    ordered = sorted(counted.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(
        StatementTime(statement=shape, calls=calls, ms=round(ms, 3), share_ratio=ms / whole)
        for shape, (calls, ms) in ordered[:MOST_TIMES]
    )


def wait_of(session: StoreSession) -> str:
    """Return what a session waited for, such as ``a row lock``."""
    if session.wait_type == "Lock" and session.wait_event in ROW_LOCKS:
        return "a row lock"
    if session.wait_type == "Lock" and session.wait_event in TABLE_LOCKS:
        return f"a lock ({session.wait_event})"
    return WAITS.get(session.wait_type, f"{session.wait_type} {session.wait_event}")


def largest(store: StoreProfile | None) -> Sequence[tuple[str, str, float]]:
    """Return what sessions did, the most first: a wait in words, a statement, sessions at once."""
    if store is None or not store.looks:
        return []
    counts: dict[tuple[str, str], int] = {}
    for session in store.sessions:
        key = (wait_of(session), session.statement)
        counts[key] = counts.get(key, 0) + session.count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(wait, statement, count / store.looks) for (wait, statement), count in ordered]


def in_words(store: StoreProfile | None) -> str:
    """Return the store's side in a sentence; empty where no session was active."""
    rows = largest(store)
    if not rows:
        return ""
    whole = sum(sessions for _, _, sessions in rows)
    waits: dict[str, float] = {}
    for wait, _, sessions in rows:
        waits[wait] = waits.get(wait, 0.0) + sessions
    most = max(waits, key=lambda wait: waits[wait])
    statement, sessions = next((text, count) for wait, text, count in rows if wait == most)
    did = "ran" if most == WAITS[""] else f"waited for {most}"
    among = "" if sessions == waits[most] else f", {sessions:.1f} of them"
    return (
        f"Store: {waits[most]:.1f} of {whole:.1f} active sessions {did}{among} on"
        f" `{cut(statement)}`."
    )


def cut(statement: str) -> str:
    """Return the beginning of a long statement, without the columns that it selects.

    Those that an ORM writes fill a line before the table is named.
    """
    if len(statement) <= MOST_CHARS:
        return statement
    shown = _without_columns(statement)
    return shown if len(shown) <= MOST_CHARS else f"{shown[: MOST_CHARS - 1]}…"


def _without_columns(statement: str) -> str:
    depth = 0
    for part in _PART.finditer(statement) if _SELECT.match(statement) else ():
        if part["from"] and not depth:
            return f"SELECT … {statement[part.start() :]}"
        depth += {"(": 1, ")": -1}.get(part[0], 0)
    return statement
