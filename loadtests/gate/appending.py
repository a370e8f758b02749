"""Checks that ``--append`` adds evidence to a gate of the same thing."""

from __future__ import annotations

from dataclasses import replace

from loadtests.gate.model import SCHEMA_VERSION, GatePlan, GateResult, SideKind
from loadtests.gate.versions import Sides
from loadtests.model.errors import UsageError
from loadtests.model.tested.variables import path_without_secrets


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
    if _settings(now) != _settings(before):
        raise UsageError(
            f"--append continues {earlier.facts.gate_id} with the same options: workers"
            f" {','.join(before.workers)}, path {before.path}, the same target and load, and the"
            " same margins. Leave these options unchanged."
        )
    # The values of variables, headers and queries are not in the file, so those of now are used.
    return replace(
        before,
        max_minutes=now.max_minutes,
        path=now.path,
        tested=now.tested,
        asked=now.asked,
        checks=now.checks,
        models=now.models,
        profile=now.profile,
        start_limit_s=now.start_limit_s,
    )


def _settings(plan: GatePlan) -> tuple[object, ...]:
    load = plan.asked
    requests = load.requests if load else ()
    return (
        plan.workers,
        path_without_secrets(plan.path),
        plan.margins,
        plan.tested.given,
        # The earlier plan was written down without the secrets.
        tuple(
            (request.method, path_without_secrets(request.path), request.weight)
            for request in requests
        ),
        load.locustfile.path if load and load.locustfile else None,
    )


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
