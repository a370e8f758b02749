"""Words and sentences that all reports of a gate share. PURE."""

from __future__ import annotations

import shlex

from loadtests.gate.analysis import consistency_guard, heading
from loadtests.gate.analysis.verdict import NAMES
from loadtests.gate.model.plan import GatePlan, Side
from loadtests.gate.model.result import EndpointResult, GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideKind
from loadtests.model.tested.target import TargetKind
from loadtests.model.tested.variables import HIDDEN
from loadtests.report.rounding import figure, time_to_wait

VERDICTS = {
    GateVerdict.PASS: "passes",
    GateVerdict.REGRESSED: "regressed",
    GateVerdict.IMPROVED: "improved",
    GateVerdict.INCONCLUSIVE: "cannot tell",
    GateVerdict.INVALID: "invalid",
}

COLUMNS = ("endpoint", "base", "head", "change [interval]", "margin", "verdict")


def answer(result: GateResult) -> str:
    """Return the answer in one or two sentences."""
    match result.verdict:
        case GateVerdict.PASS:
            return f"Passes: {_lower(result.reason)}"
        case GateVerdict.IMPROVED:
            return f"Passes, and is better: {result.reason}"
        case GateVerdict.REGRESSED:
            cause = f" Cause: {result.cause}" if result.cause else ""
            return f"Regressed: {result.reason}{cause}"
        case GateVerdict.INCONCLUSIVE:
            return f"Cannot tell: {result.reason}{_settle(result)}"
        case GateVerdict.INVALID:
            return f"No answer: the measurement is invalid. {result.reason}"


def _settle(result: GateResult) -> str:
    minutes = [
        endpoint.settle_minutes
        for endpoint in result.endpoints
        if endpoint.verdict is GateVerdict.INCONCLUSIVE and endpoint.settle_minutes is not None
    ]
    if not minutes:
        return ""
    return (
        f" About {time_to_wait(max(minutes))} more of measuring would probably decide it:"
        f" --append {result.facts.gate_id}."
    )


def remarks(result: GateResult) -> tuple[str, ...]:
    """Return what is not compared, and remarks on wrong answers, whatever the verdict."""
    passed = (
        f"{name(endpoint, result)}: {endpoint.reason}"
        for endpoint in result.endpoints
        if endpoint.endpoint is EndpointName.ANSWERS
        and endpoint.verdict is GateVerdict.PASS
        and endpoint.reason != consistency_guard.ALIKE
    )
    examples = (
        example
        for worker in result.plan.workers
        for example in consistency_guard.examples(result.evidence, worker)
    )
    seen = heading.remarks(result.plan, result.evidence)
    return (*result.facts.remarks, *seen, *passed, *examples)


def name(endpoint: EndpointResult, result: GateResult) -> str:
    """Return an endpoint's name with what served it."""
    return f"{title(endpoint.worker, result)} {NAMES[endpoint.endpoint]}"


def short_name(endpoint: EndpointResult, result: GateResult) -> str:
    """Return the name alone where one worker model was measured: a column has not much room."""
    single = len(result.plan.workers) == 1
    return NAMES[endpoint.endpoint] if single else name(endpoint, result)


def title(worker: str, result: GateResult) -> str:
    """Return what people are told of a worker model: its name, or what was seen to run."""
    if worker not in result.plan.workers:  # failures count over all worker models
        return worker
    return heading.heading(result.plan, result.evidence, worker)


def row(endpoint: EndpointResult, result: GateResult) -> tuple[str, ...]:
    """Return the cells of an endpoint's row, in the order of ``COLUMNS``."""
    return (
        name(endpoint, result),
        _with_unit(endpoint.base, endpoint.unit),
        _with_unit(endpoint.head, endpoint.unit),
        *_compared(endpoint),
    )


def _compared(endpoint: EndpointResult) -> tuple[str, str, str]:
    margin = f"−{endpoint.margin:.0%}" if endpoint.margin else "–"
    return change(endpoint), margin, VERDICTS[endpoint.verdict]


def row_below_title(endpoint: EndpointResult) -> tuple[str, ...]:
    """Return the same cells where a title says what served it; the unit stands in the name."""
    unit = f", {endpoint.unit}" if endpoint.unit else ""
    return (
        f"{NAMES[endpoint.endpoint]}{unit}",
        figure(endpoint.base),
        figure(endpoint.head),
        *_compared(endpoint),
    )


def change(endpoint: EndpointResult) -> str:
    """Return the performance change and its interval, in per cent; below 0 is worse."""
    estimate = endpoint.change
    if estimate.estimate is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{signed(estimate.estimate)} %"
    return f"{signed(estimate.estimate)} % [{signed(estimate.low)}, {signed(estimate.high)}]"


def signed(ratio: float) -> str:
    """Return a ratio − 1 as per cent with a sign, without the percent sign."""
    return f"{100 * ratio:+.1f}".replace("-", "−")


def side(version: Side) -> str:
    """Return a version's description: its name, commit, image and variables."""
    commit = f" at {version.commit[:12]}" if version.commit else ""
    image = f", image {version.digest.removeprefix('sha256:')[:12]}"
    variables = "".join(f", {name} set" for name in version.environment)
    return f"{version.asked}{commit}{image}{variables}"


def again(result: GateResult) -> str:
    """Return the command that repeats the gate; its person knows the values of variables."""
    plan = result.plan
    if plan.tested.kind is not TargetKind.SAMPLE:
        seed = "" if "--seed" in result.facts.command else f" --seed {plan.seed}"
        return f"{result.facts.command}{seed}"
    words = ["twofold", "gate"]
    variants = _variants(plan)
    for version in (result.head,) if len(variants) > 1 else (result.base, result.head):
        words += [f"--{version.name}", _source(version)]
        for variable in version.environment:
            words += [f"--{version.name}-env", f"{variable}={HIDDEN}"]
    words += ["--variants" if len(variants) > 1 else "--workers", ",".join(variants)]
    words += ["--workload", plan.workload]
    words += ["--margin", f"{next(iter(plan.margins.values())):g}", "--seed", str(plan.seed)]
    if not plan.scaling:
        words.append("--no-scaling")
    return shlex.join(words)


def _variants(plan: GatePlan) -> tuple[str, ...]:
    """Return the two variants that were compared, or the names of the worker models."""
    for base, head in plan.models.values():
        if base.name != head.name:
            return base.name, head.name
    return plan.workers


def _source(version: Side) -> str:
    if version.kind is SideKind.REF and version.commit:
        return version.commit
    return "." if version.asked == "working tree" else version.asked


def _with_unit(value: float | None, unit: str) -> str:
    return figure(value) if value is None or not unit else f"{figure(value)} {unit}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
