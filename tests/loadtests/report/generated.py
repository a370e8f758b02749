"""Runs of every kind, made from a number: the same number always gives the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.plan import Cell, Plan, TrialSpec
from loadtests.model.result import Finding, RunResult
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, RuleState
from tests.loadtests.builders import (
    make_facts,
    make_finding,
    make_plan,
    make_probe,
    make_result,
    make_trial,
)

NASTY = ('<script>alert("1")</script>', "a|b`*_[x]", "工作者模型", "x" * 90, "quote\"'&", "=1+1")
COUNTS = ((1, 2, 4), (1,), (1, 2), (2, 4), (1, 3), (1, 2, 4, 8), (1, 2, 4, 8, 16))


@cache
def generated_run(number: int) -> tuple[RunResult, tuple[Trial, ...]]:
    """Return a run's result with the trials that it follows from."""
    random = Random(number)
    plan = _plan(random, number)
    kept = _trials(random, plan)
    whole = len(kept) == sum(len(specs) for specs in plan.rounds)
    facts = make_facts(finished=whole, command=f"twofold run --seed {number} # {NASTY[0]}")
    findings = _findings(random, plan.cells)
    return make_result(plan, kept, facts=facts, findings=findings, probes=_probes(plan)), kept


def _plan(random: Random, number: int) -> Plan:
    names = random.sample(["gthread", "sync", "gevent", *NASTY], k=random.randint(1, 3))
    workloads = random.sample(["cpu", "io", NASTY[number % len(NASTY)]], k=random.randint(1, 2))
    return make_plan(
        workers=names,
        workloads=workloads,
        replica_counts=random.choice(COUNTS),
        rounds=random.randint(1, 6),
        seed=number,
    )


def _trials(random: Random, plan: Plan) -> tuple[Trial, ...]:
    """Return the trials of a run, at times cut off, at times with a cell that never succeeds."""
    specs = [spec for specs in plan.rounds for spec in specs]
    if random.random() < 0.2:
        specs = specs[: random.randint(0, len(specs))]
    silent = random.choice(plan.cells) if random.random() < 0.2 else None
    rps = _throughput(random)
    trials = [
        make_trial(
            spec=spec,
            throughput_rps=0.0 if spec.cell == silent else rps(spec),
            failed=random.choice((0, 0, 3)),
            service_ms=random.choice((None, 20.0)),
        )
        for spec in specs
    ]
    return tuple(
        replace(trial, latency=None) if trial.spec.cell == silent else trial for trial in trials
    )


def _throughput(random: Random) -> Callable[[TrialSpec], float]:
    """Return throughputs of any size that lose some share to each further replica."""
    base = 10 ** random.uniform(-1, 4)
    loss, spread = random.choice((0.0, 0.1, 1.0)), random.choice((0.0, 0.02, 0.3))

    def rps(spec: TrialSpec) -> float:
        count = spec.cell.replicas
        return base * count / (1 + loss * (count - 1)) * random.lognormvariate(0, spread)

    return rps


def _probes(plan: Plan) -> tuple[ProbeResult, ...]:
    """Return what was probed of every worker model; in every sixth run one answered wrongly."""
    random = Random(f"probes {plan.seed}")
    states = [ProbeState.OK, ProbeState.OK, ProbeState.UNCHECKED]
    broken = random.choice(plan.workers) if random.random() < 1 / 6 else None
    return tuple(
        make_probe(
            worker=worker.name,
            state=ProbeState.BREAKS if worker == broken else random.choice(states),
            detail=f"{worker.name} forgot 3 of 12 notes of {NASTY[0]}.",
        )
        for worker in plan.workers
    )


def _findings(random: Random, cells: tuple[Cell, ...]) -> tuple[Finding, ...]:
    states = [RuleState.HOLDS] * 12 + [RuleState.UNCHECKED, RuleState.BROKEN]
    return tuple(
        make_finding(
            code=code,
            state=random.choice(states),
            cell=random.choice((None, *cells)),
            figure=random.choice((None, random.random())),
            detail=f"Found {random.random():.3f} by {NASTY[0]}.",
        )
        for code in random.sample(list(RuleCode), k=random.randint(0, 4))
    )
