"""The sentences that every report says in the same words.

PURE. A report answers in the order in which a person asks: does it scale, by how much, what holds
it back, can I believe it, what do I do next.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis import losses
from loadtests.analysis.verdict import SEVERITY
from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.plan import Cell
from loadtests.model.result import CellResult, DoublingResult, Finding, RunResult
from loadtests.model.vocabulary import Bottleneck, RuleCode, Verdict
from loadtests.report.rounding import factor, figure, interval

VERDICTS = {
    Verdict.SCALES: "scales",
    Verdict.FALLS_SHORT: "falls short",
    Verdict.NO_GAIN: "no gain",
    Verdict.BREAKS: "breaks",
    Verdict.INCONCLUSIVE: "cannot tell",
    Verdict.INVALID: "invalid",
}

PREDICATES = {
    Verdict.SCALES: "doubles",
    Verdict.FALLS_SHORT: "falls short of doubling",
    Verdict.NO_GAIN: "gains next to nothing",
    Verdict.BREAKS: "gives wrong answers with more servers",
    Verdict.INCONCLUSIVE: "cannot be told yet",
    Verdict.INVALID: "was not measured validly",
}

BOTTLENECKS = {
    Bottleneck.REPLICA_CPU: "replica CPU",
    Bottleneck.WORKER_SLOTS: "worker slots",
    Bottleneck.PROXY: "proxy",
    Bottleneck.GENERATOR: "generator",
    Bottleneck.STORE: "store",
    Bottleneck.HOST: "host",
    Bottleneck.UNEXPLAINED: "unexplained",
}

ADVICE = {
    RuleCode.GENERATOR_SATURATED: "Give the load generator a core of its own, or ask for fewer"
    " replicas at once.",
    RuleCode.PROXY_SATURATED: "Give the proxy more CPU, or each replica less, so that the replicas"
    " are what is full.",
    RuleCode.REPLICA_SHARE: "Look for a replica that is left out, weighted or slower than the"
    " others; its log lies beside the run.",
    RuleCode.IDLE_COST: "Find what the idle replicas do: health checks, background jobs, polling.",
    RuleCode.NOT_SATURATED: "More users are needed before anything is full: raise the number of"
    " users for each replica.",
    RuleCode.ERRORS: "Read the failures in the journal; a server that fails fast is not a fast"
    " server.",
    RuleCode.CONSERVATION: "Requests were lost or made twice on the way; look for retries,"
    " time-outs and other traffic.",
    RuleCode.IDENTITY: "A replica was replaced or restarted while it was measured: look for a"
    " crash or for a killer of memory in its log.",
    RuleCode.HOST_CONTENTION: "Something else used the machine: stop it, or run again when it is"
    " quiet.",
    RuleCode.STEADY: "The system changed its speed while it was measured: look for a leak, a"
    " growing table or a machine that heats up.",
    RuleCode.BUDGET: "The replicas stand in one another's way on this machine: ask for fewer, or"
    " for a smaller budget each.",
}
"""What a person can do when a rule is broken."""


def answer(result: RunResult) -> str:
    """Return the answer to "does doubling the servers double the throughput?" in a sentence."""
    match result.verdict:
        case Verdict.SCALES:
            least = min(result.doublings, key=lambda doubling: doubling.factor.estimate or 0)
            return f"Yes: doubling the servers doubles the throughput. Least gain: {told(least)}."
        case Verdict.BREAKS:
            return f"No: {_lower_first(result.reason)}"
        case Verdict.FALLS_SHORT | Verdict.NO_GAIN:
            worst = [d for d in result.doublings if d.verdict is result.verdict]
            named = "; ".join(told(doubling) for doubling in worst)
            return f"No: {named}, where 2 is perfect.{_held_back(result, worst[0])}"
        case Verdict.INCONCLUSIVE:
            return f"Cannot tell: {_lower_first(result.reason)}"
        case Verdict.INVALID:
            codes = ", ".join(dict.fromkeys(found.code for found in result.broken))
            return f"No answer: something else than the system was measured ({codes})."


def so_far(result: RunResult) -> str:
    """Return what a run that goes on has found, in a sentence that promises nothing."""
    known = [doubling for doubling in result.doublings if doubling.factor.estimate is not None]
    if not known:
        return "Measuring: nothing can be said yet."
    least = min(known, key=lambda doubling: doubling.factor.estimate or 0)
    return f"Measuring. Least gain so far: {told(least)}."


def told(doubling: DoublingResult) -> str:
    """Return ``gthread cpu 1→2: 1.98 [1.94, 2.02]``."""
    return f"{doubling}: {interval(doubling.factor, factor)}"


def still_needed(doubling: DoublingResult) -> str:
    """Return what would settle an inconclusive doubling, empty where nothing is known of it."""
    if doubling.settle_minutes is None:
        return ""
    return f"About {figure(doubling.settle_minutes)} more minutes of rounds would settle it."


def by_rule(findings: Sequence[Finding]) -> list[tuple[RuleCode, list[Finding]]]:
    """Return findings by rule, in the order of the rules."""
    by_code: dict[RuleCode, list[Finding]] = {}
    for found in findings:
        by_code.setdefault(found.code, []).append(found)
    return [(code, by_code[code]) for code in RuleCode if code in by_code]


def probes(result: RunResult) -> list[tuple[ProbeState, str]]:
    """Return what every probe found, in sentences; what went the same way for all, once."""
    told: list[tuple[ProbeState, str]] = [
        (found.state, f"{found.worker}, {found.check}: {found.detail}")
        for found in result.probes
        if found.state is ProbeState.BREAKS
    ]
    unchecked = [found for found in result.probes if found.state is ProbeState.UNCHECKED]
    right = [found for found in result.probes if found.state is ProbeState.OK]
    if unchecked:
        told.append((ProbeState.UNCHECKED, f"Not told: {_listed(unchecked)}. {_why(result)}"))
    if right:
        told.append((ProbeState.OK, f"Every replica knew what another was told: {_listed(right)}."))
    return told


def _listed(found: Sequence[ProbeResult]) -> str:
    checks: dict[str, list[str]] = {}
    for probe in found:
        checks.setdefault(probe.worker, []).append(probe.check)
    return "; ".join(f"{worker} ({', '.join(names)})" for worker, names in checks.items())


def _why(result: RunResult) -> str:
    nobody_could = all(found.state is ProbeState.UNCHECKED for found in result.probes)
    if nobody_could and not result.plan.with_store:
        return (
            "This run has no data store that they could share: --probe starts one and asks again."
        )
    first = next(found for found in result.probes if found.state is ProbeState.UNCHECKED)
    return f"{first.detail.rstrip('.')}."


def where(cell: Cell | None) -> str:
    """Return a finding's cell, or that it is the whole run's."""
    return "whole run" if cell is None else str(cell)


def by_series(result: RunResult) -> list[tuple[Verdict, str]]:
    """Return for each worker model and workload its worst verdict and a sentence with figures."""
    grouped: dict[tuple[str, str], list[DoublingResult]] = {}
    for doubling in result.doublings:
        grouped.setdefault((doubling.worker, doubling.workload), []).append(doubling)
    return [_series_sentence(result, doublings) for doublings in grouped.values()]


def _series_sentence(result: RunResult, doublings: list[DoublingResult]) -> tuple[Verdict, str]:
    worst = min(doublings, key=lambda doubling: SEVERITY.index(doubling.verdict))
    factors = ", ".join(
        f"{d.replicas_from}→{d.replicas_to} {interval(d.factor, factor)}" for d in doublings
    )
    given = f" {worst.reason}"
    why = {Verdict.SCALES: "", Verdict.INVALID: given, Verdict.BREAKS: given}.get(
        worst.verdict, _held_back(result, worst)
    )
    if worst.verdict is Verdict.INCONCLUSIVE:
        why = f" {worst.reason} {still_needed(worst)}".rstrip()
    subject = f"{worst.worker} on {worst.workload}"
    return worst.verdict, f"{subject} {PREDICATES[worst.verdict]}: {factors}.{why}"


def _held_back(result: RunResult, doubling: DoublingResult) -> str:
    """Return what the doubling lost its factor to, or what was full then, as further sentences."""
    if lost := losses.told(doubling, result.cells):
        return f" {lost}"
    cell = Cell(worker=doubling.worker, workload=doubling.workload, replicas=doubling.replicas_to)
    found: CellResult | None = next((c for c in result.cells if c.cell == cell), None)
    return "" if found is None else f" {found.bottleneck_detail}"


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
