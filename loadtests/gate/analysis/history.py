"""The history of gates, and the total change since the last release. PURE.

Ten merges that each lose 2 % all pass; together they lose 18 %. The history has one line per gate,
and the changes since the last release are multiplied. What a gate could not tell is no part of it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import GateVerdict
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.tested.variables import path_without_secrets


@dataclass(frozen=True, kw_only=True)
class Merge:
    """One gate in the history.

    ``changes`` are performance ratios − 1, by ``worker endpoint``; ``levels`` are head's own
    figures. ``release`` is the name of the release, if the version is one. ``target`` and
    ``workload`` are what was measured, and empty in older lines. ``continues`` is the gate whose
    evidence this one has too (``--append``), and whose place it takes.
    """

    gate_id: str
    at: str
    commit: str | None
    verdict: GateVerdict
    release: str | None = None
    changes: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)
    target: str = ""
    workload: str = ""
    continues: str | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the gate could tell; the changes of one that could not are noise."""
        return self.verdict not in {GateVerdict.INCONCLUSIVE, GateVerdict.INVALID}


_MERGE = TypeAdapter(Merge)


def merge_of(
    result: GateResult, *, release: str | None = None, continues: str | None = None
) -> Merge:
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
        target=_target(result.plan.tested),
        workload=path_without_secrets(result.plan.workload),
        continues=continues,
    )


def _target(tested: Target) -> str:
    """Return a target's name that stays from gate to gate: an image's without tag and digest."""
    given = tested.given or str(tested.kind)
    if tested.kind is not TargetKind.IMAGE:
        return given
    name = given.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def line(merge: Merge) -> str:
    """Return a history entry as one line of ``history.jsonl``."""
    return _MERGE.dump_json(merge).decode() + "\n"


def read(lines: Sequence[str]) -> tuple[Merge, ...]:
    """Read the lines of a history; a gate that continues another takes its place."""
    merges: list[Merge] = []
    places: dict[str, int] = {}
    for merge in map(_MERGE.validate_json, lines):
        place = places.get(merge.continues) if merge.continues is not None else None
        if place is None:
            place = len(merges)
            merges.append(merge)
        else:
            merges[place] = replace(merge, release=merge.release or merges[place].release)
        places[merge.gate_id] = place
    return tuple(merges)


def since_release(history: Sequence[Merge]) -> tuple[Merge, ...]:
    """Return the merges after the last release, or all merges if there is no release."""
    last = max((i for i, merge in enumerate(history) if merge.release), default=-1)
    return tuple(history[last + 1 :])


def decided(merges: Sequence[Merge]) -> tuple[Merge, ...]:
    """Return the merges whose gates could tell."""
    return tuple(merge for merge in merges if merge.is_decided)


def total(merges: Sequence[Merge]) -> dict[str, float]:
    """Return the total change over all decided merges, as a ratio − 1, by ``worker endpoint``.

    Where several things were measured, a name starts with the target and the workload.
    """
    logs: dict[str, float] = {}
    prefixes = _prefixes(merges)
    for merge in decided(merges):
        for name, change in merge.changes.items():
            key = prefixes[merge.target, merge.workload] + name
            logs[key] = logs.get(key, 0.0) + math.log1p(change)
    return {name: math.expm1(log) for name, log in logs.items()}


def _prefixes(merges: Sequence[Merge]) -> dict[tuple[str, str], str]:
    """Return what stands before the names of each target and workload, so that only like adds up.

    It is nothing where all merges have the same.
    """
    measured = {(merge.target, merge.workload) for merge in merges}
    if len(measured) < 2:
        return dict.fromkeys(measured, "")
    return {words: "".join(f"{word} " for word in words if word) for words in measured}


def table(history: Sequence[Merge]) -> str:
    """Return the levels as CSV for Otava: ``time``, ``commit``, then one column per metric.

    An invalid gate has no row: something else than its versions was measured.
    """
    valid = [merge for merge in history if merge.verdict is not GateVerdict.INVALID]
    prefixes = _prefixes(valid)
    rows = [
        (
            merge,
            {
                prefixes[merge.target, merge.workload] + name: level
                for name, level in merge.levels.items()
            },
        )
        for merge in valid
    ]
    names = sorted({name for _, levels in rows for name in levels})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("time", "commit", *(name.replace(" ", "_") for name in names)))
    for merge, levels in rows:
        cells = (f"{levels[name]:.6g}" if name in levels else "" for name in names)
        writer.writerow((merge.at, merge.commit or merge.gate_id, *cells))
    return text.getvalue()
