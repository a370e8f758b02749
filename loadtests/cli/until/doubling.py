"""Runs one doubling after another, as long as they scale and the machine can tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from loadtests.config.options import MAX_REPLICAS
from loadtests.model.errors import PlanError, UsageError

if TYPE_CHECKING:
    from loadtests.analysis.until import HowFar
    from loadtests.cli.run_options import Decision
    from loadtests.model.result import RunResult

SCHEMA_VERSION = 1
"""Of the JSON document. 1: the first."""

TOO_MANY = f"Twofold measures at most {MAX_REPLICAS} replicas."


def check(given: dict[str, Any], for_rps: float | None) -> None:
    """Raise :class:`UsageError` for options that contradict ``--until``."""
    if given.get("replicas") is not None:
        raise UsageError(
            "--until finds the numbers of replicas by itself, beginning with 1 and 2. Leave out"
            " --replicas."
        )
    if for_rps is not None and for_rps <= 0:
        raise UsageError(
            f"--for-rps is {for_rps:g}; it is a rate above 0, in requests per second. Try"
            " --for-rps 400."
        )


def search(
    given: dict[str, Any],
    *,
    decide: Callable[[dict[str, Any]], Decision],
    measure: Callable[[Decision], RunResult],
    for_rps: float | None,
) -> HowFar:
    """Return how far the target scales.

    ``decide`` makes the plan of option values, ``measure`` runs it. A plan that is refused ends the
    search, unless it is the first one.
    """
    from loadtests.analysis import until

    steps: list[until.Step] = []
    workloads: tuple[str, ...] = ()
    replicas, refusal = 1, ""
    while True:
        if 2 * replicas > MAX_REPLICAS:
            refusal = TOO_MANY
            break
        try:
            decision = decide({**given, "replicas": (replicas, 2 * replicas)})
        except PlanError as error:
            if not steps:
                raise
            refusal = str(error)
            break
        _check_single(decision)
        asked = tuple(workload.name for workload in decision.plan.workloads)
        if workloads and asked != workloads:  # the machine can test another load only
            refusal = " ".join(decision.plan.notes)
            break
        workloads = asked
        step = until.step_of(measure(decision))
        steps.append(step)
        if not until.goes_on(step):
            break
        replicas *= 2
    return until.conclude(steps, refusal=refusal, for_rps=for_rps)


def _check_single(decision: Decision) -> None:
    """Raise unless the plan has one series: one sentence answers for one variant and workload."""
    plan = decision.plan
    for what, option, names in (
        ("variant", "--workers", [worker.name for worker in plan.workers]),
        ("workload", "--workload", [workload.name for workload in plan.workloads]),
    ):
        if len(names) > 1:
            raise UsageError(
                f"--until answers for one {what}, and this run has {', '.join(names)}. Choose one:"
                f" {option} {names[0]}."
            )


def document(answer: HowFar) -> str:
    """Return the answer as JSON."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(answer)}, indent=1) + "\n"
