"""The history of gates, and the total change since the last release. PURE.

Ten merges that each lose 2 % all pass; together they lose 18 %. The history has one line per gate,
and the changes since the last release are multiplied.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from loadtests.gate.model import GateResult, GateVerdict


@dataclass(frozen=True, kw_only=True)
class Merge:
    """One gate in the history.

    ``changes`` are performance ratios − 1, by ``worker endpoint``; ``levels`` are head's own
    figures. ``release`` is the name of the release, if the version is one.
    """

    gate_id: str
    at: str
    commit: str | None
    verdict: GateVerdict
    release: str | None = None
    changes: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)


_MERGE = TypeAdapter(Merge)


def merge_of(result: GateResult, *, release: str | None = None) -> Merge:
    """Return the history entry of a gate."""
    estimated = [endpoint for endpoint in result.endpoints if endpoint.change.estimate is not None]
    return Merge(
        gate_id=result.facts.gate_id,
        at=result.facts.started_at,
        commit=result.head.commit,
        verdict=result.verdict,
        release=release,
        changes={
            f"{endpoint.worker} {endpoint.endpoint}": endpoint.change.estimate or 0.0
            for endpoint in estimated
        },
        levels={
            f"{endpoint.worker} {endpoint.endpoint}": endpoint.head
            for endpoint in estimated
            if endpoint.head is not None
        },
    )


def line(merge: Merge) -> str:
    """Return a history entry as one line of ``history.jsonl``."""
    return _MERGE.dump_json(merge).decode() + "\n"


def read(lines: Sequence[str]) -> tuple[Merge, ...]:
    """Read the lines of a history."""
    return tuple(_MERGE.validate_json(text_line) for text_line in lines)


def since_release(history: Sequence[Merge]) -> tuple[Merge, ...]:
    """Return the merges after the last release, or all merges if there is no release."""
    last = max((i for i, merge in enumerate(history) if merge.release), default=-1)
    return tuple(history[last + 1 :])


def total(merges: Sequence[Merge]) -> dict[str, float]:
    """Return the total change over all merges, as a ratio − 1, by ``worker endpoint``."""
    logs: dict[str, float] = {}
    for merge in merges:
        for name, change in merge.changes.items():
            logs[name] = logs.get(name, 0.0) + math.log1p(change)
    return {name: math.expm1(log) for name, log in logs.items()}


def table(history: Sequence[Merge]) -> str:
    """Return the levels as CSV for Otava: ``time``, ``commit``, then one column per metric."""
    names = sorted({name for merge in history for name in merge.levels})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("time", "commit", *(name.replace(" ", "_") for name in names)))
    for merge in history:
        levels = (f"{merge.levels[name]:.6g}" if name in merge.levels else "" for name in names)
        writer.writerow((merge.at, merge.commit or merge.gate_id, *levels))
    return text.getvalue()
