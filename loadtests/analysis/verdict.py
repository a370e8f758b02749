"""The verdict on each doubling, and on the run.

PURE. The verdict compares the whole interval with the target, never the estimate alone. A broken
validity rule makes any verdict invalid, good or bad. Answers that are wrong with more than one
server are the worst verdict, however fast they come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis import core_speed, estimates, losses, scaling_laws
from loadtests.analysis.failures import shape
from loadtests.analysis.intervals import student_quantile
from loadtests.analysis.profiles import comparison, naming
from loadtests.analysis.rounds import complete_rounds
from loadtests.analysis.shared import machine_share
from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_NO, EXIT_YES
from loadtests.model.failures import FailureResult
from loadtests.model.machine import Machine
from loadtests.model.plan import Cell, Plan
from loadtests.model.profiles.records import CellProfile
from loadtests.model.result import CellResult, DoublingResult, Finding, RunFacts, RunResult
from loadtests.model.trial import Calibration, Trial
from loadtests.model.vocabulary import RuleCode, RuleState, Verdict

NO_GAIN_FACTOR = 1.1
"""Below this factor a doubling gains almost nothing: "won't perform any better" (Flask's
documentation, *Becoming Big*), with room for the few per cent by which replicas differ."""

MOST_ROUNDS = 1000
"""A doubling that needs more rounds than this is too close to the target to be decided."""

NOT_THE_APPLICATION = frozenset(
    {
        RuleCode.GENERATOR_SATURATED,
        RuleCode.PROXY_SATURATED,
        RuleCode.HOST_CONTENTION,
        RuleCode.IDENTITY,
        RuleCode.NODES,
        RuleCode.NETWORK,
    }
)
"""Rules that, when they are broken, can make requests fail by themselves. Failures are then not
taken for the application's answer."""

SEVERITY = (
    Verdict.BREAKS,
    Verdict.INVALID,
    Verdict.NO_GAIN,
    Verdict.FALLS_SHORT,
    Verdict.INCONCLUSIVE,
    Verdict.SCALES,
)
"""The first of these that any doubling has is the run's verdict."""

EXIT_CODES = {
    Verdict.SCALES: EXIT_YES,
    Verdict.FALLS_SHORT: EXIT_NO,
    Verdict.NO_GAIN: EXIT_NO,
    Verdict.BREAKS: EXIT_NO,
    Verdict.INCONCLUSIVE: EXIT_CANNOT_TELL,
    Verdict.INVALID: EXIT_CANNOT_TELL,
}


def conclude(
    facts: RunFacts,
    machine: Machine,
    plan: Plan,
    trials: Sequence[Trial],
    calibrations: Sequence[Calibration],
    findings: Sequence[Finding],
    probes: Sequence[ProbeResult] = (),
    failures: Sequence[FailureResult] = (),
    profiles: Sequence[CellProfile] = (),
) -> RunResult:
    """Return the result of a run, finished or not, from everything that was recorded of it."""
    trials = core_speed.at_mean_speed(trials)
    cells = estimates.cells(plan, trials, calibrations)
    looked_at = comparison.profiles_of(profiles, naming.rates(cells), naming.cpu_ms(cells))
    cells = naming.with_waits(cells, looked_at)
    doublings = _widened_doublings(plan, trials, cells)
    cells = machine_share.with_wider_speedups(cells, doublings)
    judged = tuple(
        judge_doubling(
            doubling,
            target=plan.target,
            findings=findings,
            probes=probes,
            failures=failures,
            round_minutes=minutes_per_round(plan, trials, doubling),
        )
        for doubling in doublings
    )
    judged = tuple(replace(doubling, reason=losses.explain(doubling, cells)) for doubling in judged)
    verdict, reason = judge_run(judged, findings, finished=facts.finished)
    return RunResult(
        facts=facts,
        machine=machine,
        plan=plan,
        verdict=verdict,
        reason=reason,
        rounds=complete_rounds(plan, trials),
        measured_s=math.fsum(trial.window_s for trial in trials),
        cells=cells,
        doublings=judged,
        comparisons=estimates.comparisons(plan, trials),
        laws=scaling_laws.fit(plan, trials, doublings),
        findings=tuple(findings),
        calibrations=tuple(calibrations),
        probes=tuple(probes),
        failures=tuple(failures),
        profiles=looked_at,
    )


def judge_doubling(
    doubling: DoublingResult,
    *,
    target: float,
    findings: Sequence[Finding] = (),
    probes: Sequence[ProbeResult] = (),
    failures: Sequence[FailureResult] = (),
    round_minutes: float | None = None,
) -> DoublingResult:
    """Return the doubling with its verdict, the reason, and the minutes that would decide it.

    Wrong answers come first, even before broken rules: their speed is of no use to anyone. So do
    requests that fail with more servers only, unless a broken rule can explain them.
    """
    wrong = [check for check in probes if _breaks(check, doubling.worker)]
    if wrong:
        return replace(doubling, verdict=Verdict.BREAKS, reason=wrong[0].detail)
    broken = [finding for finding in findings if _invalidates(finding, doubling)]
    failing = [result for result in failures if _fails(result, doubling)]
    if failing and not NOT_THE_APPLICATION & {finding.code for finding in broken}:
        return replace(doubling, verdict=Verdict.BREAKS, reason=failing[0].detail)
    if broken:
        return replace(doubling, verdict=Verdict.INVALID, reason=broken[0].detail)
    low, high = doubling.factor.low, doubling.factor.high
    if low is None or high is None:
        reason = doubling.reason or "One round gives no interval."
        return replace(doubling, verdict=Verdict.INCONCLUSIVE, reason=reason)
    verdict = _compare_with_target(low, high, target)
    minutes = None
    if verdict is Verdict.INCONCLUSIVE:
        minutes = minutes_to_settle(doubling, target=target, round_minutes=round_minutes)
    reason = f"{_reason(verdict, low, high, target)} {machine_share.in_words(doubling)}".rstrip()
    return replace(doubling, verdict=verdict, reason=reason, settle_minutes=minutes)


def judge_run(
    doublings: Sequence[DoublingResult], findings: Sequence[Finding], *, finished: bool
) -> tuple[Verdict, str]:
    """Return the run's verdict, its worst doubling's, with the reason in one sentence."""
    wrong = [doubling for doubling in doublings if doubling.verdict is Verdict.BREAKS]
    if wrong:
        workers = ", ".join(dict.fromkeys(doubling.worker for doubling in wrong))
        sentence = _SENTENCES[Verdict.BREAKS].format(which=workers)
        return Verdict.BREAKS, f"{sentence} {wrong[0].reason}"
    broken = [finding for finding in findings if finding.state is RuleState.BROKEN]
    if broken:
        return Verdict.INVALID, f"Rule {broken[0].code} is broken: {broken[0].detail}"
    if not finished:
        return Verdict.INCONCLUSIVE, "The run did not finish, so its trials decide nothing yet."
    if not doublings:
        return Verdict.INCONCLUSIVE, "No replica count was planned together with its double."
    verdict = min((doubling.verdict for doubling in doublings), key=SEVERITY.index)
    names = [str(doubling) for doubling in doublings if doubling.verdict is verdict]
    return verdict, _SENTENCES[verdict].format(which=", ".join(names), count=len(doublings))


def exit_code(verdict: Verdict) -> int:
    """Return the exit code of the contract for a run's verdict."""
    return EXIT_CODES[verdict]


def minutes_per_round(
    plan: Plan, trials: Sequence[Trial], doubling: DoublingResult
) -> float | None:
    """Return the mean time that a round takes for a doubling's worker model and workload.

    What is precise is left out of rounds, so the others may cost nothing more. None before the
    first trial.
    """
    if not trials:
        return None
    series = (doubling.worker, doubling.workload)
    cells = [cell for cell in plan.cells if (cell.worker, cell.workload) == series]
    return math.fsum(trial.wall_s for trial in trials) / len(trials) * len(cells) / 60


def minutes_to_settle(
    doubling: DoublingResult, *, target: float, round_minutes: float | None
) -> float | None:
    """Return the minutes of further rounds after which the interval would exclude the target.

    With the same estimate and spread, R rounds are enough when t·s/√R < |ln(estimate/target)|.
    What may be the machine's makes this distance shorter: no rounds take it away. None where the
    estimate is too close to the target, or where the spread is not known.
    """
    factor = machine_share.of_chance(doubling)
    if round_minutes is None or not (factor.estimate and factor.low and factor.high):
        return None
    share = math.log1p(doubling.machine_share_ratio)
    distance = math.log(factor.estimate / target)
    distance = distance + min(share, 0.0) if distance > 0 else -distance - max(share, 0.0)
    margin = math.log(factor.high / factor.low) / 2
    spread = margin / student_quantile(doubling.rounds - 1) * math.sqrt(doubling.rounds)
    for rounds in range(doubling.rounds + 1, MOST_ROUNDS + 1):
        if student_quantile(rounds - 1) * spread / math.sqrt(rounds) < distance:
            return (rounds - doubling.rounds) * round_minutes
    return None


def _widened_doublings(
    plan: Plan, trials: Sequence[Trial], cells: Sequence[CellResult]
) -> tuple[DoublingResult, ...]:
    """Return the doublings, not yet judged, with what may be the machine's in their intervals."""
    doublings = estimates.doublings(plan, trials)
    return tuple(machine_share.widened(doubling, plan, cells) for doubling in doublings)


_SENTENCES = {
    Verdict.SCALES: "All {count} doublings of the servers about double the throughput.",
    Verdict.FALLS_SHORT: "Throughput grows by less than the target: {which}.",
    Verdict.NO_GAIN: "More servers add almost no throughput: {which}.",
    Verdict.BREAKS: "With more than one server the answers are wrong: {which}.",
    Verdict.INCONCLUSIVE: "The measurement is not precise enough for a verdict: {which}.",
    Verdict.INVALID: "The measurement is not valid: {which}.",
}


def _compare_with_target(low: float, high: float, target: float) -> Verdict:
    if low >= target:
        return Verdict.SCALES
    if high < NO_GAIN_FACTOR:
        return Verdict.NO_GAIN
    if high < target:
        return Verdict.FALLS_SHORT
    return Verdict.INCONCLUSIVE


def _reason(verdict: Verdict, low: float, high: float, target: float) -> str:
    match verdict:
        case Verdict.SCALES:
            return f"The whole interval is at or above {target:g}."
        case Verdict.NO_GAIN:
            return f"The whole interval is below {NO_GAIN_FACTOR:g}."
        case Verdict.FALLS_SHORT:
            return f"The whole interval is below {target:g}."
        case _:
            return f"The interval from {low:.2f} to {high:.2f} contains the target {target:g}."


def _breaks(check: ProbeResult, worker: str) -> bool:
    return check.state is ProbeState.BREAKS and check.worker == worker


def _fails(result: FailureResult, doubling: DoublingResult) -> bool:
    """Return whether requests of a doubling's cells fail because of the number of replicas."""
    counts = (doubling.replicas_from, doubling.replicas_to)
    return shape.is_break(result, worker=doubling.worker, workload=doubling.workload, counts=counts)


def _invalidates(finding: Finding, doubling: DoublingResult) -> bool:
    """Return whether a finding makes a doubling invalid: its own cells' or the whole run's."""
    if finding.state is not RuleState.BROKEN:
        return False
    return finding.cell is None or finding.cell in {
        Cell(worker=doubling.worker, workload=doubling.workload, replicas=count)
        for count in (doubling.replicas_from, doubling.replicas_to)
    }
