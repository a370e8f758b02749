"""How far does it scale? Doublings one after another, and the answer in a sentence. PURE.

Each doubling is a run of its own. Only what such a run decided counts: a doubling that it could not
tell ends the search with "cannot tell", never with a number of replicas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.analysis import losses
from loadtests.analysis.digits import figure
from loadtests.model.consistency import ProbeState
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_NO, EXIT_YES
from loadtests.model.plan import Cell
from loadtests.model.result import CellResult, DoublingResult, Estimate, RunResult
from loadtests.model.vocabulary import Verdict

ASKED_DIGITS = 15
"""The wanted rate is said as it was asked for: a float has so many digits for sure."""


class Ended(StrEnum):
    """Why no further doubling was measured."""

    FOUND = "found"
    """A doubling that does not scale."""
    MACHINE = "machine"
    """The machine, or what scales the deployment, cannot do more."""
    UNKNOWN = "unknown"
    """A doubling that could not be decided."""
    FAILED = "failed"
    """A doubling that could not be measured, though the machine has room for it."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One doubling with its verdict; ``why`` is the reason of a loss or of having no answer.

    ``replica_cpus`` is the CPU of each replica, the same in all steps; None where it has no limit.
    ``one_server`` is true where a single server's answers are wrong already.
    """

    run_id: str
    replicas_from: int
    replicas_to: int
    factor: Estimate
    verdict: Verdict
    from_rps: Estimate
    to_rps: Estimate
    why: str
    replica_cpus: float | None = None
    one_server: bool = False


@dataclass(frozen=True, kw_only=True)
class HowFar:
    """The answer: up to how many replicas every doubling was shown to scale.

    ``throughput_rps`` is that of ``up_to`` replicas. ``for_rps`` is the wanted rate, and
    ``replicas_for`` the fewest measured replicas that are shown to reach it; None where none is.
    """

    up_to: int
    ended: Ended
    throughput_rps: Estimate
    sentence: str
    steps: tuple[Step, ...]
    for_rps: float | None = None
    replicas_for: int | None = None


def step_of(result: RunResult) -> Step:
    """Return the one doubling of a run."""
    (doubling,) = result.doublings
    rates = {cell.cell: cell for cell in result.cells}
    small, large = (
        rates[Cell(worker=doubling.worker, workload=doubling.workload, replicas=count)]
        for count in (doubling.replicas_from, doubling.replicas_to)
    )
    losing = doubling.verdict in {Verdict.FALLS_SHORT, Verdict.NO_GAIN}
    return Step(
        run_id=result.facts.run_id,
        replicas_from=doubling.replicas_from,
        replicas_to=doubling.replicas_to,
        factor=doubling.factor,
        verdict=doubling.verdict,
        from_rps=small.throughput_rps,
        to_rps=large.throughput_rps,
        why=_causes(result, doubling, large) if losing else doubling.reason,
        replica_cpus=result.plan.budget.replica_cpus,
        one_server=_breaks_alone(result, doubling),
    )


def _causes(result: RunResult, doubling: DoublingResult, large: CellResult) -> str:
    """Return why a doubling lost, as the report of its run says it."""
    return losses.in_words(doubling, result.cells) or large.bottleneck_detail


def _breaks_alone(result: RunResult, doubling: DoublingResult) -> bool:
    """Return whether a check that breaks shows wrong answers of one server by itself."""
    return any(
        probe.state is ProbeState.BREAKS and probe.one_server
        for probe in result.probes
        if probe.worker == doubling.worker and probe.workload in {None, doubling.workload}
    )


def goes_on(step: Step) -> bool:
    """Return whether the next doubling is worth measuring."""
    return step.verdict is Verdict.SCALES


def conclude(
    steps: Sequence[Step], *, refusal: str = "", failure: str = "", for_rps: float | None = None
) -> HowFar:
    """Return the answer from at least one doubling.

    Where the last one scaled, ``refusal`` is why the machine cannot measure the next one, and
    ``failure`` what went wrong with it.
    """
    last = steps[-1]
    scaled = [step for step in steps if step.verdict is Verdict.SCALES]
    up_to = scaled[-1].replicas_to if scaled else last.replicas_from
    rate = scaled[-1].to_rps if scaled else last.from_rps
    if last.verdict is Verdict.SCALES:
        ended = Ended.FAILED if failure else Ended.MACHINE
    elif last.verdict in {Verdict.INCONCLUSIVE, Verdict.INVALID}:
        ended = Ended.UNKNOWN
    else:
        ended = Ended.FOUND
    replicas_for = _fewest(steps, for_rps) if for_rps is not None else None
    sentences = (
        _sentence(last, up_to, rate, ended, failure or refusal, any_scaled=bool(scaled)),
        _wanted(steps, for_rps, replicas_for) if for_rps is not None else "",
    )
    return HowFar(
        up_to=up_to,
        ended=ended,
        throughput_rps=rate,
        sentence=" ".join(filter(None, sentences)),
        steps=tuple(steps),
        for_rps=for_rps,
        replicas_for=replicas_for,
    )


def _sentence(
    last: Step, up_to: int, rate: Estimate, ended: Ended, told: str, *, any_scaled: bool
) -> str:
    # A rate of wrong answers is none.
    is_right = any_scaled or not _is_wrong_alone(last)
    at = f"{_size(last, up_to)}{_rps(rate) if is_right else ''}"
    reach = f"Up to {_replicas(up_to)}" if any_scaled else _replicas(up_to)
    match ended:
        case Ended.MACHINE:
            return f"At least up to {up_to} replicas{at}; more cannot be tested here: {told}"
        case Ended.FAILED:
            return f"{reach}{at}; {2 * up_to} could not be measured: {told}"
        case Ended.UNKNOWN:
            known = f"{reach}{at}" if any_scaled else "Cannot tell"
            return (
                f"{known}; whether {last.replicas_to} gain as much cannot be told: {last.why}"
                if any_scaled
                else f"{known} whether {last.replicas_to} replicas gain anything: {last.why}"
            )
        case Ended.FOUND:
            return f"{reach}{at}; {_loss(last)}, because: {last.why}"


def _is_wrong_alone(step: Step) -> bool:
    return step.verdict is Verdict.BREAKS and step.one_server


def _loss(last: Step) -> str:
    factor = f"{last.factor.estimate:.2f}" if last.factor.estimate is not None else "unknown"
    if last.verdict is Verdict.BREAKS:
        return f"with {last.replicas_to} answers are wrong or fail"
    gains = "gain almost nothing" if last.verdict is Verdict.NO_GAIN else "gain too little"
    return f"{last.replicas_to} {gains} (factor {factor}, where 2 is perfect)"


def _size(step: Step, count: int) -> str:
    if step.replica_cpus is None:
        return ""
    return f" of {step.replica_cpus:g} CPU{' each' if count > 1 else ''}"


def _rps(rate: Estimate) -> str:
    return f", {figure(rate.estimate)} requests/s" if rate.estimate is not None else ""


def _measured(steps: Sequence[Step]) -> list[tuple[int, Estimate]]:
    """Return the numbers of replicas with their rates, of steps whose figures count."""
    return [
        rate
        for step in steps
        if step.verdict is not Verdict.INVALID and step.verdict is not Verdict.BREAKS
        for rate in ((step.replicas_from, step.from_rps), (step.replicas_to, step.to_rps))
    ]


def _fewest(steps: Sequence[Step], for_rps: float) -> int | None:
    """Return the fewest measured replicas whose whole interval is at or above the rate."""
    shown = [
        count for count, rate in _measured(steps) if rate.low is not None and rate.low >= for_rps
    ]
    return min(shown, default=None)


def _wanted(steps: Sequence[Step], for_rps: float, replicas_for: int | None) -> str:
    asked = f"{for_rps:.{ASKED_DIGITS}g} requests/s"
    if replicas_for is not None:
        verb = "is" if replicas_for == 1 else "are"
        return f"{_replicas(replicas_for)} of this size {verb} enough for {asked}."
    measured = _measured(steps)
    last = steps[-1]
    if not measured and last.verdict is Verdict.BREAKS and not last.one_server:
        # With fewer replicas answers are right, so that rate counts; it is in the answer, too.
        measured = [(last.replicas_from, last.from_rps)]
        if last.from_rps.low is not None and last.from_rps.low >= for_rps:
            return (
                f"{_replicas(last.replicas_from)} gave {figure(last.from_rps.estimate)} requests/s,"
                f" which is enough by rate. But {_loss(last)}, so the answer is no."
            )
    lead = f"No measured number of replicas is shown to reach {asked}"
    rates = [(rate.estimate, count, rate) for count, rate in measured if rate.estimate]
    if not rates:
        return f"{lead}; no measurement of a rate is valid."
    most, count, rate = max(rates, key=lambda entry: entry[0])
    if most < for_rps:
        return f"{lead}; the most was {figure(most)}."
    where = "without an interval"
    if rate.low is not None:
        where = f"its interval begins at {figure(rate.low)}"
    return f"{lead}: {_replicas(count)} gave {figure(most)}, but {where}."


def _replicas(count: int) -> str:
    return f"{count} replica{'s' if count > 1 else ''}"


def exit_code(answer: HowFar) -> int:
    """Return the exit code: 0 it scales (or reaches the wanted rate), 1 not, 3 cannot tell."""
    if answer.for_rps is not None and answer.replicas_for is not None:
        return EXIT_YES
    if answer.ended in {Ended.UNKNOWN, Ended.FAILED}:
        return EXIT_CANNOT_TELL
    if answer.for_rps is not None:
        return EXIT_NO if answer.ended is Ended.FOUND else EXIT_CANNOT_TELL
    scaled = any(step.verdict is Verdict.SCALES for step in answer.steps)
    return EXIT_YES if scaled else EXIT_NO
