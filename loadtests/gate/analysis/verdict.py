"""Decides the verdict of a gate from its plan and evidence. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from loadtests.gate.analysis import (
    consistency_guard,
    error_spending,
    findings,
    functions,
    log_ratios,
)
from loadtests.gate.analysis.cause import cause_of
from loadtests.gate.analysis.decision import Judged, judge, reason_of, rule_of
from loadtests.gate.analysis.heading import heading
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan, Side
from loadtests.gate.model.result import EndpointResult, GateFacts, GateFinding, GateResult
from loadtests.gate.model.vocabulary import SCHEMA_VERSION, EndpointName, GateVerdict, SideName
from loadtests.model import errors
from loadtests.model.machine import Machine
from loadtests.model.result import Estimate
from loadtests.model.vocabulary import RuleCode

EXIT_CODES = {
    GateVerdict.PASS: errors.EXIT_YES,
    GateVerdict.IMPROVED: errors.EXIT_YES,
    GateVerdict.REGRESSED: errors.EXIT_NO,
    GateVerdict.INCONCLUSIVE: errors.EXIT_CANNOT_TELL,
    GateVerdict.INVALID: errors.EXIT_CANNOT_TELL,
}

NAMES = {
    EndpointName.THROUGHPUT: "throughput",
    EndpointName.CPU: "CPU per request",
    EndpointName.P50: "median time",
    EndpointName.P99: "99th percentile",
    EndpointName.SCALING: "doubling factor",
    EndpointName.ERRORS: "failed requests",
    EndpointName.ANSWERS: "answers of two replicas",
    EndpointName.BEGINS: "users who begin",
}
"""Names of the endpoints for people."""

SHOWN_BY_TRIES = frozenset({EndpointName.ANSWERS, EndpointName.BEGINS})
"""Guards that tries show, repeated on both versions, and not any speed."""

MAKE_TRIES_FAIL = frozenset({RuleCode.IDENTITY, RuleCode.ERRORS})
"""Rules that, when broken, can explain failed tries: a start that was replaced forgets what it had
in memory, and one that fails cannot answer."""

GOOD = frozenset({GateVerdict.PASS, GateVerdict.IMPROVED})

IDENTICAL = "Base and head are the same image with the same settings, so nothing was measured."

UNFINISHED = (
    "The gate stopped before its end. What it measured shows no regression, but what it would have"
    " checked last, such as the answers of two replicas, is missing."
)

COLD = " But its Python compiles as it runs and was not warm yet, so this decides nothing."
"""Stands behind the reason of an endpoint that would have regressed."""

MOST_TOLD = 3
"""Requests that are told because head answers them otherwise than base."""

DIGITS = 10
"""Significant digits of derived figures in ``verdict.json``: machines differ in the last ones."""


def conclude(
    facts: GateFacts,
    machine: Machine,
    sides: tuple[Side, Side],
    plan: GatePlan,
    evidence: Evidence,
) -> GateResult:
    """Return the result of a gate."""
    endpoints = () if facts.identical else judge_endpoints(plan, evidence)
    broken_rules = findings.check(plan, evidence)
    titles = {worker: heading(plan, evidence, worker) for worker in plan.workers}
    unmet = [one for one in plan.workers if consistency_guard.is_only_unmet(evidence, one)]
    verdict, reason = overall(endpoints, broken_rules, titles)
    if facts.identical:
        reason = IDENTICAL
    elif not facts.finished and verdict in GOOD:
        verdict, reason = GateVerdict.INCONCLUSIVE, UNFINISHED
    return GateResult(
        schema_version=SCHEMA_VERSION,
        verdict=verdict,
        reason=reason,
        cause=cause_of(endpoints, titles, unmet) if verdict is GateVerdict.REGRESSED else None,
        endpoints=endpoints,
        findings=broken_rules,
        measured_s=measured_s(evidence),
        facts=facts,
        machine=machine,
        base=sides[0],
        head=sides[1],
        plan=plan,
        evidence=evidence,
        titles=titles,
        functions=functions.changes(evidence),
    )


def is_shown_by_tries(result: GateResult) -> bool:
    """Return whether head gives wrong answers with two replicas, or lets no user begin.

    Repeated tries show that, so it is true of a gate that did not come to its end, too.
    """
    return result.verdict is GateVerdict.REGRESSED and any(
        endpoint.endpoint in SHOWN_BY_TRIES and endpoint.verdict is GateVerdict.REGRESSED
        for endpoint in result.endpoints
    )


def measured_s(evidence: Evidence) -> float:
    """Return the measuring time in seconds: with warmup and waits, without starts and stops."""
    return math.fsum(
        (
            *(pair.wall_s for pair in evidence.pairs),
            *(block.wall_s for block in evidence.blocks),
        )
    )


def judge_endpoints(plan: GatePlan, evidence: Evidence) -> tuple[EndpointResult, ...]:
    """Return the result of every endpoint of every worker model, and of the guards.

    Failures are included if head has more of them, answers if there was something to check.
    """
    endpoints = [
        _endpoint(plan, evidence, worker, endpoint)
        for worker in plan.workers
        for endpoint in plan.margins
    ]
    return (
        *endpoints,
        *_errors(plan, evidence),
        *_answers(plan, evidence),
        *_begins(evidence),
    )


def overall(
    endpoints: Sequence[EndpointResult],
    found: Sequence[GateFinding],
    titles: Mapping[str, str] = MappingProxyType({}),
) -> tuple[GateVerdict, str]:
    """Return the verdict of the whole gate, and its reason; ``titles`` name the worker models.

    Broken rules come first: an invalid measurement has no verdict. Before them come guards that
    repeated tries show, as in a run: a busy machine makes answers late or missing on both versions,
    never wrong on one alone. One regressed endpoint makes the gate ``regressed``; for
    ``pass``, all endpoints have to be within their margins.
    """
    broken = [finding for finding in found if not finding.warning]
    tried = [each for each in endpoints if each.endpoint in SHOWN_BY_TRIES]
    is_shown = any(each.verdict is GateVerdict.REGRESSED for each in tried)
    if is_shown and broken and not MAKE_TRIES_FAIL & {each.code for each in broken}:
        endpoints, broken = tried, []
    if broken:
        return GateVerdict.INVALID, " ".join(
            f"{finding.code}: {finding.detail}" for finding in broken
        )
    for verdict in (GateVerdict.REGRESSED, GateVerdict.INCONCLUSIVE, GateVerdict.IMPROVED):
        decisive = [endpoint for endpoint in endpoints if endpoint.verdict is verdict]
        if decisive:
            return verdict, " ".join(
                f"{titles.get(endpoint.worker, endpoint.worker)}"
                f" {NAMES[endpoint.endpoint]}: {endpoint.reason}"
                for endpoint in decisive
            )
    return GateVerdict.PASS, "Every endpoint is shown to have lost less than its margin."


def _endpoint(
    plan: GatePlan, evidence: Evidence, worker: str, endpoint: EndpointName
) -> EndpointResult:
    judged = judge(log_ratios.values(evidence, worker, endpoint), rule_of(plan, endpoint))
    is_undecided = judged.verdict is GateVerdict.REGRESSED and findings.is_cold(evidence, worker)
    base, head = (log_ratios.level(evidence, worker, endpoint, side) for side in SideName)
    unit = "" if endpoint is EndpointName.SCALING else log_ratios.ENDPOINTS[endpoint].unit
    return EndpointResult(
        worker=worker,
        endpoint=endpoint,
        margin=plan.margins[endpoint],
        units=judged.units,
        look=judged.look,
        verdict=GateVerdict.INCONCLUSIVE if is_undecided else judged.verdict,
        change=Estimate(
            estimate=_change(judged.mean), low=_change(judged.low), high=_change(judged.high)
        ),
        base=_rounded(base),
        head=_rounded(head),
        unit=unit,
        sd_ratio=_rounded(judged.sd),
        visible=_change(judged.visible),
        settle_minutes=_settle_minutes(judged, evidence, worker, endpoint),
        reason=reason_of(judged, plan.margins[endpoint]) + (COLD if is_undecided else ""),
    )


def _errors(plan: GatePlan, evidence: Evidence) -> Iterator[EndpointResult]:
    """Yield head's failures as an endpoint of their own, if head answers worse than base.

    Requests that fail all together come before a single one's. Where a store refused
    connections, the number of starts may be why head's requests fail, so they are not compared.
    """
    if evidence.store_refusals:
        return
    unlike = findings.unlike(plan, evidence)
    all_fail = findings.all_fail_more(plan, evidence)
    if not (unlike or all_fail):
        return
    units = len(evidence.pairs)
    (base, base_of), (head, head_of) = (findings.error_counts(evidence, side) for side in SideName)
    ratios = tuple(failed / of if of else None for failed, of in ((base, base_of), (head, head_of)))
    told = [f"{head} of {head_of} requests to head failed, {base} of {base_of} to base."]
    if not all_fail:
        ratios, told = unlike[0].ratios, []
    told += [str(difference) for difference in unlike[:MOST_TOLD]]
    yield _guard(
        ", ".join(dict.fromkeys(each.place.worker for each in unlike)) or ", ".join(plan.workers),
        EndpointName.ERRORS,
        verdict=GateVerdict.REGRESSED,
        units=units,
        look=max(1, error_spending.look_at(units, plan.looks)),
        base=ratios[0],
        head=ratios[1],
        unit="of all",
        reason=" ".join(told),
    )


def _answers(plan: GatePlan, evidence: Evidence) -> Iterator[EndpointResult]:
    """Yield the consistency of two replicas' answers, if at least one version could be checked."""
    for worker in plan.workers:
        comparisons = [
            comparison
            for comparison in consistency_guard.compared(evidence, worker)
            if comparison.known
        ]
        if comparisons:
            worse = any(comparison.worse for comparison in comparisons)
            yield _guard(
                worker,
                EndpointName.ANSWERS,
                verdict=GateVerdict.REGRESSED if worse else GateVerdict.PASS,
                units=max(len(comparison.head) for comparison in comparisons),
                look=1,
                base=consistency_guard.wrong_ratio(
                    result for comparison in comparisons for result in comparison.base
                ),
                head=consistency_guard.wrong_ratio(
                    result for comparison in comparisons for result in comparison.head
                ),
                unit="wrong",
                reason=consistency_guard.reason(comparisons),
            )


def _begins(evidence: Evidence) -> Iterator[EndpointResult]:
    """Yield that users begin on base and not on head, where repeated tries show it.

    Not where a store refused connections: the number of starts may be the reason.
    """
    for worker, failures in evidence.not_begun.items():
        tries = len(failures)
        if tries >= consistency_guard.TRIES and not evidence.store_refusals:
            yield _guard(
                worker,
                EndpointName.BEGINS,
                verdict=GateVerdict.REGRESSED,
                units=tries,
                look=1,
                base=1.0,
                head=0.0,
                unit="of tries",
                reason=f"On base, users got to their first task in all {tries} tries, and on head"
                f" in none. {failures[-1]}",
            )


def _guard(
    worker: str,
    endpoint: EndpointName,
    *,
    verdict: GateVerdict,
    units: int,
    look: int,
    base: float | None,
    head: float | None,
    unit: str,
    reason: str,
) -> EndpointResult:
    """Return the result of a guard, which has no margin and no interval."""
    return EndpointResult(
        worker=worker,
        endpoint=endpoint,
        margin=0.0,
        units=units,
        look=look,
        verdict=verdict,
        change=Estimate(estimate=None, low=None, high=None),
        base=_rounded(base),
        head=_rounded(head),
        unit=unit,
        sd_ratio=None,
        visible=None,
        settle_minutes=None,
        reason=reason,
    )


def _settle_minutes(
    judged: Judged, evidence: Evidence, worker: str, endpoint: EndpointName
) -> float | None:
    is_scaling = endpoint is EndpointName.SCALING
    units = evidence.blocks_of(worker) if is_scaling else evidence.pairs_of(worker)
    unit_times_s = [unit.wall_s for unit in units]
    if judged.needed_units is None or not unit_times_s:
        return None
    more = max(0, judged.needed_units - judged.units)
    return round(more * math.fsum(unit_times_s) / len(unit_times_s) / 60, 1)


def _change(log: float | None) -> float | None:
    return None if log is None else _rounded(math.expm1(log))


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
