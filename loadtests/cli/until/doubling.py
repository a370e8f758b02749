"""Runs one doubling after another, as long as they scale and the machine can tell."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from loadtests.config.options import MAX_REPLICAS
from loadtests.model.errors import (
    EnvironmentFailure,
    PlanError,
    TwofoldError,
    UnusableLoad,
    UsageError,
)

if TYPE_CHECKING:
    from loadtests.analysis.until import HowFar
    from loadtests.cli.run_options import Decision
    from loadtests.model.result import RunResult

SCHEMA_VERSION = 1
"""Of the JSON document. 1: the first."""

TOO_MANY = f"Twofold measures at most {MAX_REPLICAS} replicas."

FIRST = (1, 2)

Decide = Callable[[dict[str, Any]], "Decision"]


def check(given: dict[str, Any], for_rps: float | None) -> None:
    """Raise :class:`UsageError` for options that contradict ``--until``."""
    if given.get("replicas") is not None:
        raise UsageError(
            "--until finds the numbers of replicas by itself, beginning with 1 and 2. Leave out"
            " --replicas."
        )
    if for_rps is not None and not 0 < for_rps < math.inf:
        raise UsageError(
            f"--for-rps is {for_rps:g}; it is a finite rate above 0, in requests per second. Try"
            " --for-rps 400."
        )


def of_step(given: dict[str, Any], replicas: tuple[int, ...]) -> dict[str, Any]:
    """Return the option values of one doubling; replicas have the same size in all of them."""
    return {**given, "replicas": replicas, "one_size": True}


def search(
    given: dict[str, Any],
    *,
    decide: Decide,
    measure: Callable[[Decision], RunResult],
    for_rps: float | None,
    tell: Callable[[str], None] = lambda _: None,
) -> HowFar:
    """Return how far the target scales.

    ``decide`` makes the plan of option values, ``measure`` runs it. A plan that is refused ends the
    search, and so does a run that fails; of the first one, that is raised. ``tell`` takes the whole
    message of a failure, of which the answer has the first line.
    """
    from loadtests.analysis import until

    steps: list[until.Step] = []
    refusal = failure = ""
    try:
        for decision in _decisions(given, decide):
            steps.append(until.step_of(measure(decision)))
            if not until.goes_on(steps[-1]):
                break
        else:
            refusal = TOO_MANY
    except PlanError as error:
        if not steps:
            raise
        refusal = str(error)
    except (EnvironmentFailure, UnusableLoad) as error:
        if not steps:
            _tell_size(error, given, decide)
            raise
        failure = str(error).partition("\n")[0]
        tell(str(error))
    return until.conclude(steps, refusal=refusal, failure=failure, for_rps=for_rps)


def _decisions(given: dict[str, Any], decide: Decide) -> Iterator[Decision]:
    """Yield 1→2, 2→4 and so on; raise :class:`PlanError` where the machine cannot test one."""
    workloads: tuple[str, ...] = ()
    replicas = 1
    while 2 * replicas <= MAX_REPLICAS:
        decision = decide(of_step(given, (replicas, 2 * replicas)))
        _check_single(decision)
        asked = tuple(workload.name for workload in decision.plan.workloads)
        if workloads and asked != workloads:  # the machine can test another load only
            raise PlanError(" ".join(decision.plan.notes))
        workloads = asked
        yield decision
        replicas *= 2


def _tell_size(error: TwofoldError, given: dict[str, Any], decide: Decide) -> None:
    """Add to the failure of the first doubling that its replicas may have been too small."""
    with suppress(EnvironmentFailure, UsageError):  # never a signal
        here = decide(of_step(given, FIRST)).plan.budget.replica_cpus
        alone = decide({**given, "replicas": FIRST}).plan.budget.replica_cpus
        if here is not None and alone is not None and here < alone:
            told = (
                f"Each replica had {here:g} CPU, so that the most that fit here have the same size."
                f" If that is too little for this application, measure fewer: with --replicas"
                f" {','.join(map(str, FIRST))} and without --until, each has {alone:g} CPU."
            )
            error.args = (f"{error}\n{told}", *error.args[1:])


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
