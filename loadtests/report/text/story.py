"""The sentences that all report formats share. PURE.

A report answers in the order in which a person asks: does it scale, by how much, what is the
bottleneck, is the measurement valid, what do I do next.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis import losses
from loadtests.analysis.verdict import SEVERITY
from loadtests.model.plan import Cell
from loadtests.model.result import DoublingResult, Finding, RunResult
from loadtests.model.vocabulary import Bottleneck, RuleCode, Verdict
from loadtests.report.rounding import factor, interval, time_to_wait

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
    Verdict.NO_GAIN: "gains almost nothing",
    Verdict.BREAKS: "gives wrong answers with more servers",
    Verdict.INCONCLUSIVE: "is not decided yet",
    Verdict.INVALID: "was not measured validly",
}

BOTTLENECKS = {
    Bottleneck.REPLICA_CPU: "replica CPU",
    Bottleneck.WORKER_SLOTS: "worker slots",
    Bottleneck.PROXY: "proxy",
    Bottleneck.GENERATOR: "generator",
    Bottleneck.STORE: "store",
    Bottleneck.CONNECTIONS: "connections",
    Bottleneck.FILE_LOCK: "file lock",
    Bottleneck.HOST: "host",
    Bottleneck.WAITING: "waiting",
    Bottleneck.UNEXPLAINED: "unexplained",
}

ADVICE = {
    RuleCode.GENERATOR_SATURATED: "Measure fewer replicas at once (--replicas), or use a machine"
    " with more cores: from four cores on, the load generator has one of its own.",
    RuleCode.PROXY_SATURATED: "Measure fewer replicas at once (--replicas), or requests that cost"
    " the replicas more CPU (--workload), so that the replicas saturate before the proxy.",
    RuleCode.REPLICA_SHARE: "Look for a replica that is left out, weighted or slower than the"
    " others. Its log is in the run's folder.",
    RuleCode.IDLE_COST: "Find what the idle replicas do: health checks, background jobs, polling."
    " Where it is a few ms of CPU a second, give each replica more CPU: fewer replicas, or more"
    " cores.",
    RuleCode.NOT_SATURATED: "Run again without --quick. If nothing saturates again, find what the"
    " requests wait for outside the replicas, such as a remote service or a lock.",
    RuleCode.ERRORS: "Find the failures in trials.jsonl and in the replicas' logs, and fix them:"
    " failed requests often cost less CPU than good ones, so the throughput is not comparable.",
    RuleCode.CONSERVATION: "Requests were lost or sent twice. Look for retries, time-outs and"
    " other traffic.",
    RuleCode.IDENTITY: "A replica was replaced or restarted during the run. Look in its log for a"
    " crash, and in the kernel's log for an out-of-memory kill.",
    RuleCode.HOST_CONTENTION: "Something else used the machine. Stop it, or run again when the"
    " machine is idle.",
    RuleCode.STEADY: "The system's speed changed during the run. Look for a leak, a growing table"
    " or a CPU that is throttled by heat.",
    RuleCode.BUDGET: "The replicas may slow one another down where they share cores. Measure fewer"
    " of them (--replicas), use more cores, or give each replica of a deployment a CPU limit or a"
    " node of its own.",
    RuleCode.NODES: "A node left the Swarm, or had something else than the others. Look at the"
    " nodes (docker node ls), and run again when all are ready.",
    RuleCode.NODE_SPEED: "One node is slower than another, or does other work. Use equal nodes, or"
    " leave that one out.",
    RuleCode.REPLICA_SPEED: "One replica is slower by itself, and all wait for it. Look in its log,"
    " at its disk, at what it met at its start and at what another replica keeps from it, and run"
    " again.",
    RuleCode.NETWORK: "Packets were lost between the nodes. Look for a link that is full or breaks:"
    " ip -s link.",
    RuleCode.CLOCKS: "A machine of the load generator was late, or far away. Use machines in one"
    " network, with CPU to spare.",
    RuleCode.ANSWER_SIZE: "The answers changed with the number of servers. Look at them: is one cut"
    " short, a fallback, or another page? A request list says what a right one contains (expect).",
    RuleCode.WINDOW_LENGTH: "Requests took too long for the windows, which are three planned"
    " windows at most. Measure requests that take less than one planned window (--workload), or"
    " make these faster.",
}
"""What a person can do when a rule is broken; every option in it exists."""


def answer(result: RunResult) -> str:
    """Return the answer to "does doubling the servers double the throughput?" in a sentence."""
    match result.verdict:
        case Verdict.SCALES:
            least = min(result.doublings, key=lambda doubling: doubling.factor.estimate or 0)
            return (
                "Yes: doubling the servers doubles the throughput."
                f" Smallest factor: {with_factor(least)}."
            )
        case Verdict.BREAKS:
            return f"No: {_lower_first(result.reason)}"
        case Verdict.FALLS_SHORT | Verdict.NO_GAIN:
            worst = [d for d in result.doublings if d.verdict is result.verdict]
            named = "; ".join(with_factor(doubling) for doubling in worst)
            return f"No: {named}, where 2 is perfect.{_cause(result, worst[0])}"
        case Verdict.INCONCLUSIVE:
            return f"Cannot tell: {_lower_first(result.reason)}"
        case Verdict.INVALID:
            codes = ", ".join(dict.fromkeys(finding.code for finding in result.broken))
            return f"No answer: the measurement is not valid. Broken rules: {codes}."


def so_far(result: RunResult) -> str:
    """Return the state of a run that is still measuring, in a sentence without a verdict."""
    estimated = [doubling for doubling in result.doublings if doubling.factor.estimate is not None]
    if not estimated:
        return "Measuring: no doubling has a factor yet."
    least = min(estimated, key=lambda doubling: doubling.factor.estimate or 0)
    return f"Measuring. Smallest factor so far: {with_factor(least)}."


def with_factor(doubling: DoublingResult) -> str:
    """Return the doubling with its factor: ``gthread cpu 1→2: 1.98 [1.94, 2.02]``."""
    return f"{doubling}: {interval(doubling.factor, factor)}"


def still_needed(doubling: DoublingResult) -> str:
    """Return how much more measuring would decide a doubling; empty where that is not known."""
    if doubling.settle_minutes is None:
        return ""
    return f"About {time_to_wait(doubling.settle_minutes)} more of measuring would decide it."


def by_rule(findings: Sequence[Finding]) -> list[tuple[RuleCode, list[Finding]]]:
    """Return findings by rule, in the order of the rules."""
    by_code: dict[RuleCode, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    return [(code, by_code[code]) for code in RuleCode if code in by_code]


def where(cell: Cell | None) -> str:
    """Return the name of a finding's cell, or "whole run" where it has none."""
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
    match worst.verdict:
        case Verdict.SCALES:
            why = ""
        case Verdict.INVALID | Verdict.BREAKS:
            why = f" {worst.reason}"
        case Verdict.INCONCLUSIVE:
            why = f" {worst.reason} {still_needed(worst)}".rstrip()
        case _:
            why = _cause(result, worst)
    subject = f"{worst.worker} on {worst.workload}"
    return worst.verdict, f"{subject} {PREDICATES[worst.verdict]}: {factors}.{why}"


def _cause(result: RunResult, doubling: DoublingResult) -> str:
    """Return what reduced the factor, or else the bottleneck, as further sentences."""
    if split := losses.in_words(doubling, result.cells):
        return f" {split}"
    cell = Cell(worker=doubling.worker, workload=doubling.workload, replicas=doubling.replicas_to)
    details = [
        cell_result.bottleneck_detail for cell_result in result.cells if cell_result.cell == cell
    ]
    return f" {details[0]}" if details else ""


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
