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
    count = "1 replica" if finding.replicas_to == 1 else f"{finding.replicas_to} replicas"
    likely = "" if finding.certain else "probably "
    begun = (
        f"At {count}, a request spends {likely}{ms(line.ms.estimate)} of its"
        f" {ms(finding.application_ms)} ms in the application in {place(line)},"
        f" {_part(line)}{doing(line)}"
    )
    if finding.before_ms is None or finding.before_application_ms is None:
        return f"{begun}."
    return (
        f"{begun}; at {finding.replicas_from} it was {ms(finding.before_ms)} of"
        f" {ms(finding.before_application_ms)} ms."
    )


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
