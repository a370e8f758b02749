"""A finding in a sentence. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from loadtests.analysis.profiles.shares import dominant, kind_ms
from loadtests.model.profiles.records import Waiting
from loadtests.model.profiles.results import LineTime, ProfileFinding

DOES: Mapping[Waiting, str] = MappingProxyType(
    {
        Waiting.CPU: "on the CPU or waiting for its turn",
        Waiting.GIL: "waiting for the interpreter's lock (GIL)",
        Waiting.LOCK: "waiting for a lock",
        Waiting.STORE: "waiting for the store",
        Waiting.DNS: "waiting for a name's address (DNS)",
        Waiting.SOCKET: "waiting for another service",
        Waiting.FILE_LOCK: "waiting for a lock on a file",
        Waiting.FILE: "waiting for a file",
        Waiting.SLEEP: "sleeping",
        Waiting.CHILD: "waiting for a program that it started",
        Waiting.PIPE: "waiting for a pipe",
        Waiting.UNKNOWN: "waiting for something that the kernel does not name",
    }
)
"""What a thread does, as the end of a sentence."""

NAMED = frozenset({Waiting.LOCK, Waiting.UNKNOWN})
"""Kinds whose peer says what is waited for, where it is known."""

IN_A_LOOP = (
    "Await an asynchronous call there, or make this one in a thread: by asyncio.to_thread, or in an"
    " endpoint that the framework runs in one (FastAPI's `def`)."
)
"""What to do about a blocking call in an event loop."""

AMONG_GREENLETS = "Make a call there that gives way to other greenlets."
"""The same of greenlets."""


def doing(line: LineTime) -> str:
    """Return what a line's requests do, with whom they wait for."""
    if line.kind in NAMED and line.peer:
        return f"waiting for {line.peer}"
    peer = f" at {line.peer}" if line.peer else ""
    return f"{DOES[line.kind]}{peer}"


def place(line: LineTime) -> str:
    """Return a line with what it calls: ``shop/db.py:88 lock_row (psycopg execute)``."""
    return f"{line} ({line.callee})" if line.callee else str(line)


def sentence(finding: ProfileFinding) -> str:
    """Return a finding in a sentence: how long, where, doing what, and how long it was before."""
    line = finding.line
    likely = "" if finding.certain else "probably "
    begun = (
        f"At {_replicas(finding)}, a request spends {likely}{ms(line.ms.estimate)} of its"
        f" {ms(finding.application_ms)} ms in the application in {place(line)},"
        f" {_part(line)}{doing(line)}"
    )
    if finding.before_ms is None or finding.before_application_ms is None:
        return f"{begun}."
    return (
        f"{begun}; at {finding.replicas_from} it was {ms(finding.before_ms)} of"
        f" {ms(finding.before_application_ms)} ms."
    )


def held_up(finding: ProfileFinding, share_ratio: float, *, of_greenlets: bool) -> str:
    """Return in sentences which line holds up the thread in which requests take turns.

    ``share_ratio`` is for how much of the time.
    """
    return (
        f"At {_replicas(finding)}, a blocking call holds up the one thread in which the requests of"
        f" a process take turns, {100 * share_ratio:.0f} % of the time: {place(finding.line)},"
        f" {doing(finding.line)}. {AMONG_GREENLETS if of_greenlets else IN_A_LOOP}"
    )


def _replicas(finding: ProfileFinding) -> str:
    return "1 replica" if finding.replicas_to == 1 else f"{finding.replicas_to} replicas"


def _part(line: LineTime) -> str:
    """Return how long a line does what grew, where that is the smaller part of its time."""
    spent_ms = kind_ms(line.kinds, line.kind)
    is_most = spent_ms >= kind_ms(line.kinds, dominant(line.kinds))
    return "" if is_most else f"of which {ms(spent_ms)} ms "


def ms(value: float) -> str:
    """Return milliseconds with two digits, without an exponent."""
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"
