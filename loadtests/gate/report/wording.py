"""The words of a gate's reports, the same in each of them. PURE."""

from __future__ import annotations

import shlex

from loadtests.gate.analysis import consistency_guard
from loadtests.gate.analysis.verdict import NAMES
from loadtests.gate.model import EndpointName, EndpointResult, GateResult, GateVerdict, Side
from loadtests.report.rounding import figure

VERDICTS = {
    GateVerdict.PASS: "passes",
    GateVerdict.REGRESSED: "regressed",
    GateVerdict.IMPROVED: "improved",
    GateVerdict.INCONCLUSIVE: "cannot tell",
    GateVerdict.INVALID: "invalid",
}

COLUMNS = ("endpoint", "base", "head", "change [interval]", "margin", "verdict")


def answer(result: GateResult) -> str:
    """Give the answer in a sentence or two."""
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
            return f"No answer: something else than the two versions was measured. {result.reason}"


def _settle(result: GateResult) -> str:
    minutes = [
        each.settle_minutes
        for each in result.endpoints
        if each.verdict is GateVerdict.INCONCLUSIVE and each.settle_minutes is not None
    ]
    if not minutes:
        return ""
    return (
        f" About {figure(max(minutes))} more minutes of measuring would settle it:"
        f" --append {result.facts.gate_id}."
    )


def remarks(result: GateResult) -> tuple[str, ...]:
    """Give what is worth knowing of answers that were wrong, whatever the verdict is."""
    passed = (
        f"{name(each)}: {each.reason}"
        for each in result.endpoints
        if each.endpoint is EndpointName.ANSWERS
        and each.verdict is GateVerdict.PASS
        and (each.base or each.head)
    )
    shown = (
        example
        for worker in result.plan.workers
        for example in consistency_guard.examples(result.evidence, worker)
    )
    return (*passed, *shown)


def name(endpoint: EndpointResult) -> str:
    """Give an endpoint's name with its worker model."""
    return f"{endpoint.worker} {NAMES[endpoint.endpoint]}"


def row(endpoint: EndpointResult) -> tuple[str, ...]:
    """Give an endpoint as texts, in the order of ``COLUMNS``."""
    return (
        name(endpoint),
        _with_unit(endpoint.base, endpoint.unit),
        _with_unit(endpoint.head, endpoint.unit),
        change(endpoint),
        f"−{endpoint.margin:.0%}" if endpoint.margin else "–",
        VERDICTS[endpoint.verdict],
    )


def change(endpoint: EndpointResult) -> str:
    """Give a change of the performance with its interval, in per cent; below 0 is worse."""
    found = endpoint.change
    if found.estimate is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{signed(found.estimate)} %"
    return f"{signed(found.estimate)} % [{signed(found.low)}, {signed(found.high)}]"


def signed(ratio: float) -> str:
    """Give a share as per cents with a sign."""
    return f"{100 * ratio:+.1f}".replace("-", "−")


def side(found: Side) -> str:
    """Say what a side is: what it was named by, its commit and its image."""
    commit = f" at {found.commit[:12]}" if found.commit else ""
    image = f", image {found.digest.removeprefix('sha256:')[:12]}"
    variables = "".join(f", {name}={value}" for name, value in found.environment.items())
    return f"{found.asked}{commit}{image}{variables}"


def again(result: GateResult) -> str:
    """Give the one line that measures the same again."""
    plan = result.plan
    words = ["twofold", "gate"]
    for found in (result.base, result.head):
        words += [f"--{found.name}", found.commit or _path_or_image(found)]
        for name_, value in found.environment.items():
            words += [f"--{found.name}-env", f"{name_}={value}"]
    words += ["--workers", ",".join(plan.workers), "--workload", plan.workload]
    words += ["--margin", f"{next(iter(plan.margins.values())):g}", "--seed", str(plan.seed)]
    if not plan.scaling:
        words.append("--no-scaling")
    return shlex.join(words)


def _path_or_image(found: Side) -> str:
    return "." if found.asked == "working tree" else found.asked


def _with_unit(value: float | None, unit: str) -> str:
    return figure(value) if value is None or not unit else f"{figure(value)} {unit}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
