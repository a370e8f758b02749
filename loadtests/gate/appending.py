"""Checks that ``--append`` adds evidence to a gate of the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import TypeAdapter

from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import SCHEMA_VERSION, SideKind
from loadtests.gate.versions import Sides
from loadtests.model.errors import UsageError
from loadtests.model.tested.workload import Locustfile

_PLAN = TypeAdapter(GatePlan)

MEASURED: Mapping[str, str] = {
    "workers": "the worker models",
    "models": "how they are served",
    "path": "the path",
    "asked": "the load",
    "margins": "the margins",
    "checks": "the checks",
    "health": "the health path",
}
"""The settings on which figures and verdicts depend, by the plan's fields."""


def continued(earlier: GateResult, now: GatePlan) -> GatePlan:
    """Return the plan of an earlier gate with the minutes that are asked for now.

    Raises :class:`UsageError` if its figures were counted in another way, or of something else, or
    while a store refused connections.
    """
    if earlier.schema_version != SCHEMA_VERSION:
        raise UsageError(
            f"--append {earlier.facts.gate_id}: it was written with schema"
            f" {earlier.schema_version}, whose figures were counted in another way than"
            f" those of {SCHEMA_VERSION}. Start a new gate."
        )
    if earlier.evidence.store_refusals:
        raise UsageError(
            f"--append {earlier.facts.gate_id}: a store refused connections there, and what was"
            " measured then would still count. Start a new gate."
        )
    before = earlier.plan
    if differ := _that_differ(before, now):
        raise UsageError(
            f"--append continues {earlier.facts.gate_id} with the same options, and these are"
            f" others now: {', '.join(differ)}. Leave them unchanged, or start a new gate."
        )
    _check_text(earlier.facts.gate_id, _locustfile(before), _locustfile(now))
    # The values of variables, headers and queries are not in the file, so those of now are used.
    # So are the cores: another machine may have others.
    return replace(
        before,
        cores=now.cores,
        service_cores=now.service_cores,
        max_minutes=now.max_minutes,
        path=now.path,
        tested=now.tested,
        asked=now.asked,
        checks=now.checks,
        models=now.models,
        profile=now.profile,
        start_limit_s=now.start_limit_s,
    )


def _that_differ(before: GatePlan, now: GatePlan) -> list[str]:
    """Name the settings that are others now, as far as they are written down."""
    old, new = _written(before), _written(now)
    if not old.models:  # of a gate that did not note them
        old = replace(old, models=new.models)
    told = [name for field, name in MEASURED.items() if getattr(old, field) != getattr(new, field)]
    return told + ["the target"] * (old.tested.given != new.tested.given)


def _written(plan: GatePlan) -> GatePlan:
    """Return a plan as it is read back from its file, without secrets and a locustfile's text."""
    written = _PLAN.validate_json(_PLAN.dump_json(plan))
    file = _locustfile(written)
    if written.asked is None or file is None:
        return written
    return replace(written, asked=replace(written.asked, locustfile=replace(file, sha256=None)))


def _locustfile(plan: GatePlan) -> Locustfile | None:
    return None if plan.asked is None else plan.asked.locustfile


def _check_text(gate_id: str, before: Locustfile | None, now: Locustfile | None) -> None:
    """Raise :class:`UsageError` if a locustfile has another text now; older gates noted none."""
    if before is None or now is None or before.sha256 in {None, now.sha256}:
        return
    raise UsageError(
        f"--append {gate_id}: the text of {now.path} is another now (SHA-256"
        f" {_short(before)} there, {_short(now)} now), so its users may ask for something else. Put"
        " that text back, or start a new gate."
    )


def _short(file: Locustfile) -> str:
    return file.sha256[:SHOWN] if file.sha256 else "unknown"


SHOWN = 12
"""Digits of a checksum that a message shows, as git does."""


OWN_RESULTS = (
    " If you changed nothing, the build copies files that change by themselves, such as Twofold's"
    " own results: put results/ into .dockerignore."
)
"""What may have changed the image of a folder, beside its code."""


def check_same(earlier: GateResult, sides: Sides) -> None:
    """Raise :class:`UsageError` if the versions are not those of the earlier gate."""
    for before, now in ((earlier.base, sides.base), (earlier.head, sides.head)):
        if (before.digest, before.environment) != (now.digest, now.environment):
            is_rebuilt = now.kind is SideKind.PATH and before.digest != now.digest
            raise UsageError(
                f"--append {earlier.facts.gate_id}: its {before.name} was image"
                f" {before.digest[:19]} and is now {now.digest[:19]}, or has other variables. A"
                " gate can be continued with the same two versions only; start a new gate."
                f"{OWN_RESULTS if is_rebuilt else ''}"
            )
