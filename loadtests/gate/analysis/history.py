"""The gates of one merge after the other, and what they add up to. PURE.

Ten merges that each lose 2 % pass ten times; together they are 18 %. A line a gate is kept, and the
changes since the last release are multiplied.
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
    """One gate as the history keeps it.

    ``changes`` are ratios of the performance less 1, by ``worker endpoint``; ``levels`` are head's
    own figures. ``release`` is a name where the version is one.
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
    """Give what the history keeps of a gate."""
    known = [each for each in result.endpoints if each.change.estimate is not None]
    return Merge(
        gate_id=result.facts.gate_id,
        at=result.facts.started_at,
        commit=result.head.commit,
        verdict=result.verdict,
        release=release,
        changes={f"{e.worker} {e.endpoint}": e.change.estimate or 0.0 for e in known},
        levels={f"{e.worker} {e.endpoint}": e.head for e in known if e.head is not None},
    )


def line(merge: Merge) -> str:
    """Give a merge as one line of ``history.jsonl``."""
    return _MERGE.dump_json(merge).decode() + "\n"


def read(text: str) -> tuple[Merge, ...]:
    """Read a history back; a last line that was cut off is left out."""
    whole = [each for each in text.splitlines(keepends=True) if each.endswith("\n")]
    return tuple(_MERGE.validate_json(each) for each in whole)


def since_release(history: Sequence[Merge]) -> tuple[Merge, ...]:
    """Give the merges that came after the last release; all where there was none."""
    last = max((i for i, merge in enumerate(history) if merge.release), default=-1)
    return tuple(history[last + 1 :])


def total(merges: Sequence[Merge]) -> dict[str, float]:
    """Give what the changes of merges add up to, for each endpoint that any of them has."""
    logs: dict[str, float] = {}
    for merge in merges:
        for name, change in merge.changes.items():
            logs[name] = logs.get(name, 0.0) + math.log1p(change)
    return {name: math.expm1(log) for name, log in logs.items()}


def table(history: Sequence[Merge]) -> str:
    """Give the levels as CSV: ``time``, ``commit``, then a column a metric, as Otava reads it."""
    names = sorted({name for merge in history for name in merge.levels})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("time", "commit", *(name.replace(" ", "_") for name in names)))
    for merge in history:
        levels = (f"{merge.levels[name]:.6g}" if name in merge.levels else "" for name in names)
        writer.writerow((merge.at, merge.commit or merge.gate_id, *levels))
    return text.getvalue()
