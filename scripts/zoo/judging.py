"""Holds what the harness said of a system against what is true of it. Pure."""

from __future__ import annotations

from typing import Any

from loadtests.analysis import losses
from loadtests.model.result import DoublingResult, Estimate, RunResult
from loadtests.model.vocabulary import Bottleneck, Verdict
from scripts.zoo.member import Member

Row = dict[str, Any]


def row_of(member: Member, result: RunResult) -> Row:
    """Give a run's row: truth, estimates, verdict, codes, bottleneck, and whether all is right."""
    codes = list(dict.fromkeys(found.code for found in result.broken))
    largest = max(result.cells, key=lambda cell: cell.cell.replicas)
    wrong = _wrong(member, result, set(codes), largest.bottleneck)
    law = next(iter(result.laws), None)
    return {
        "truth": member.truth,
        "verdict": str(result.verdict),
        "reason": result.reason,
        "codes": [str(code) for code in codes],
        "bottleneck": str(largest.bottleneck),
        "bottleneck_detail": largest.bottleneck_detail,
        "rounds": result.rounds,
        "doublings": [_doubling_row(member, doubling) for doubling in result.doublings],
        "sigma": _sigma_row(member, law.sigma) if law else None,
        "right": not wrong,
        "wrong_scales": _wrong_scales(member, result),
        "wrong_because": wrong,
        "run_id": result.facts.run_id,
    }


def _wrong(member: Member, result: RunResult, codes: set[Any], named: Bottleneck) -> list[str]:
    """Give what of the answer is not as known, in sentences."""
    wrong = []
    if result.verdict not in member.verdicts:
        wrong.append(f"The verdict is {result.verdict}, not {' or '.join(member.verdicts)}.")
    if member.code is not None and member.code not in codes:
        wrong.append(f"Rule {member.code} should be broken, and holds.")
    if false := sorted(codes - {member.code} - member.also):
        wrong.append(f"Broken, but not by this fault: {', '.join(false)}.")
    if named not in member.bottlenecks:
        wrong.append(f"The bottleneck is {named}, not {' or '.join(sorted(member.bottlenecks))}.")
    wrong += [
        f"{doubling} loses most by {name}, not by {member.loss}."
        for doubling in result.doublings
        if member.loss and (name := _largest_loss(result, doubling)) != member.loss
    ]
    if _wrong_scales(member, result):
        wrong.append("It says that something scales which does not.")
    return wrong


def _largest_loss(result: RunResult, doubling: DoublingResult) -> str:
    parts = losses.split(doubling, result.cells)
    return parts[0].what if parts else "nothing that is known"


def _wrong_scales(member: Member, result: RunResult) -> bool:
    """Tell whether the run, or a doubling, is called ``scales`` where that is not true."""
    run = result.verdict is Verdict.SCALES and Verdict.SCALES not in member.verdicts
    return run or any(
        doubling.verdict is Verdict.SCALES
        and (doubling.replicas_from, doubling.replicas_to) not in member.may_scale
        for doubling in result.doublings
    )


def _doubling_row(member: Member, doubling: DoublingResult) -> Row:
    truth = member.factors.get((doubling.replicas_from, doubling.replicas_to))
    return {
        "from": doubling.replicas_from,
        "to": doubling.replicas_to,
        "truth": truth,
        "estimate": doubling.factor.estimate,
        "low": doubling.factor.low,
        "high": doubling.factor.high,
        "holds": _holds(truth, doubling.factor),
        "verdict": str(doubling.verdict),
        "reason": doubling.reason,
    }


def _sigma_row(member: Member, sigma: Estimate) -> Row:
    return {
        "truth": member.sigma,
        "estimate": sigma.estimate,
        "low": sigma.low,
        "high": sigma.high,
        "holds": _holds(member.sigma, sigma),
    }


def _holds(truth: float | None, found: Estimate) -> bool | None:
    if truth is None or found.low is None or found.high is None:
        return None
    return found.low <= truth <= found.high
