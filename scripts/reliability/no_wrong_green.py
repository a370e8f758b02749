"""A run in which something breaks never says ``scales``, and names the rule that saw it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.model.errors import ProcessFailure
from loadtests.model.vocabulary import RuleCode, Verdict
from loadtests.tools import proc
from scripts.reliability.fault_run import KINDS, LOST_WORKER
from scripts.reliability.harness import MARK, PROJECT, has_engine
from scripts.reliability.record import Broken, Case, Seen

RUN_LIMIT_S = 400.0

GONE = frozenset({RuleCode.IDENTITY, RuleCode.ERRORS})
RULES: dict[str, frozenset[RuleCode]] = {
    "kill": GONE,
    "stop": GONE,
    "pause": frozenset({RuleCode.ERRORS, RuleCode.STEADY}),
    "restart": GONE,
    "memory": GONE,
    "slow": frozenset({RuleCode.STEADY, RuleCode.NOT_SATURATED, RuleCode.REPLICA_SHARE}),
    "garbage": frozenset({RuleCode.ERRORS}),
    "reset": frozenset({RuleCode.ERRORS}),
    LOST_WORKER: frozenset({RuleCode.GENERATOR_SATURATED}),
}
"""The rules that see a fault; one of them has to be broken."""

ALSO_TRUE: dict[str, frozenset[Verdict]] = {
    "slow": frozenset({Verdict.FALLS_SHORT, Verdict.NO_GAIN}),
    **dict.fromkeys(("kill", "stop", "pause", "restart"), frozenset({Verdict.BREAKS})),
    **dict.fromkeys(("memory", "garbage", "reset"), frozenset({Verdict.BREAKS})),
}
"""Verdicts that say the same: with two servers requests fail, or it does not double.

``inconclusive`` says neither, so a rule has to see what it comes from.
"""

SHORT = (("processes", "kill"), ("processes", "garbage"), ("compose", "pause"))


def cases(*, full: bool) -> Iterator[Case]:
    """Give 16 faults × 3 runs and 30 lost workers; in the short form some of each."""
    backends = ("processes", *(("compose",) if has_engine() else ()))
    for backend in backends:
        for fault in KINDS:
            if full or (backend, fault) in SHORT:
                yield from _runs(backend, fault, 3 if full else 1)
    yield from _runs("processes", LOST_WORKER, 30 if full else 1)


def _runs(backend: str, fault: str, count: int) -> Iterator[Case]:
    for number in range(1, count + 1):
        yield Case(name=f"{backend} {fault} {number}", run=partial(_holds, backend, fault, number))


def _holds(backend: str, fault: str, seed: int, folder: Path) -> Seen:
    argv = (sys.executable, "-m", "scripts.reliability.fault_run", backend, fault)
    try:
        done = proc.run(
            (*argv, "--seed", str(seed), "--runs", str(folder / "runs")),
            env={
                "PYTHONPATH": str(PROJECT),
                "TWOFOLD_LOCK_FOLDER": str(folder.parent),
                MARK: folder.name,
            },
            timeout_s=RUN_LIMIT_S,
        )
    except ProcessFailure as failure:
        raise Broken(str(failure)[-500:]) from failure
    told = json.loads(done.stdout.splitlines()[-1])
    return Seen(detail=judged(fault, told), right_rule=sees(fault, told))


def judged(fault: str, told: dict[str, Any]) -> str:
    """Return what a run said of a fault; raise :class:`Broken` if that is not true."""
    said = " ".join((told["verdict"], *told["codes"]))
    if told["verdict"] == Verdict.SCALES:
        raise Broken(f"a wrong green: {said}")
    if told["verdict"] in ALSO_TRUE.get(fault, frozenset()) and fault != LOST_WORKER:
        return said
    if not sees(fault, told):
        raise Broken(f"no rule that sees it: {said}: {told['reason']}")
    return said


def sees(fault: str, told: dict[str, Any]) -> bool:
    """Return whether a rule that is for a fault was broken in its run."""
    return bool(RULES[fault] & set(told["codes"]))
