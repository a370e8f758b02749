"""Names what was compared, by what was seen to serve the versions. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.model.tested.in_force import UNDER_LOAD, InForce

AS_STARTED = "as started"


def heading(plan: GatePlan, evidence: Evidence, worker: str) -> str:
    """Return the name of a comparison for people.

    It is the worker model's, where that was put into force. A server that a version starts itself
    is named as it was seen, such as ``as started: gunicorn sync, 2 workers``.
    """
    models = plan.models.get(worker)
    if models is not None and models[0].name != models[1].name:
        return f"{models[0].name} → {models[1].name}"
    seen = seen_of(evidence, worker)
    if not any(entry.as_started for entry in seen.values()):
        return worker
    if are_alike(seen):
        return f"{AS_STARTED}: {next(iter(seen.values()))}"
    sides = "; ".join(f"{side} {entry}" for side, entry in seen.items())
    return f"{AS_STARTED}: {sides}"


def are_alike(seen: Mapping[SideName, InForce]) -> bool:
    """Return whether the versions are served alike, as far as that was set and not only counted.

    Threads that a server starts as it needs them are counted under load, so they may differ.
    """
    entries = tuple(seen.values())
    counted = any(entry.seen_by == UNDER_LOAD for entry in entries)
    return len({str(replace(entry, threads=None) if counted else entry) for entry in entries}) == 1


def same_as(plan: GatePlan, evidence: Evidence, worker: str) -> str | None:
    """Return the worker model before this one under which the same was measured, or None.

    Versions that start their own server run it whatever they are told, and once is enough.
    """
    own = seen_of(evidence, worker)
    if not own or not all(entry.as_started for entry in own.values()):
        return None
    for other in plan.workers[: plan.workers.index(worker)]:
        before = seen_of(evidence, other)
        alike = all(
            side in before and are_alike({SideName.BASE: before[side], SideName.HEAD: own[side]})
            for side in own
        )
        if alike and all(entry.as_started for entry in before.values()):
            return other
    return None


def seen_of(evidence: Evidence, worker: str) -> Mapping[SideName, InForce]:
    """Return what was seen to serve each version under one name."""
    return {
        side: entry
        for side in SideName
        for entry in evidence.in_force.get(side, ())
        if entry.worker == worker
    }


def remarks(plan: GatePlan, evidence: Evidence) -> Iterator[str]:
    """Yield sentences on what serves: where versions differ, and what was noticed of each."""
    for worker in plan.workers:
        seen = seen_of(evidence, worker)
        compared = plan.models.get(worker)
        one_variant = compared is None or compared[0].name == compared[1].name
        if one_variant and len(seen) > 1 and not are_alike(seen):
            yield (f"Base is served by {seen[SideName.BASE]}, and head by {seen[SideName.HEAD]}.")
        for side, entry in seen.items():
            for note in entry.notes:
                yield f"{side}: {note}"
