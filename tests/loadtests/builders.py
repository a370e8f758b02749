"""Builders of records with valid defaults, each field overridden by keyword.

``make_plan`` and ``make_trials`` agree with one another, so a test of a whole stage states only the
throughputs that it is about: ``make_trials(plan, rps=lambda spec: 100.0 * spec.cell.replicas)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from loadtests.analysis.verdict import conclude
from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.machine import Machine
from loadtests.model.plan import (
    Budget,
    Cell,
    Plan,
    Timing,
    TrialSpec,
    Upstream,
    WorkerModel,
)
from loadtests.model.result import DoublingResult, Estimate, Finding, RunFacts, RunResult
from loadtests.model.tested.workload import Workload
from loadtests.model.trial import (
    Calibration,
    CalibrationStep,
    Conservation,
    GeneratorHealth,
    HostUse,
    Latency,
    Trial,
    Usage,
)
from loadtests.model.vocabulary import Role, RuleCode, RuleState, Verdict

WORKERS = {
    "gthread": WorkerModel(name="gthread", processes=1, threads=8, slots=8),
    "sync": WorkerModel(name="sync", processes=2, threads=1, slots=2),
    "gevent": WorkerModel(name="gevent", processes=1, threads=1, slots=None),
}
STARTED_AT_S = 1_790_000_000.0


def make_cell(**fields: Any) -> Cell:
    defaults: dict[str, Any] = {"worker": "gthread", "workload": "cpu", "replicas": 1}
    return Cell(**defaults | fields)


def make_machine(**fields: Any) -> Machine:
    defaults: dict[str, Any] = {
        "cores": 2,
        "core_ids": (0, 1),
        "memory_bytes": 8 * 2**30,
        "cpu_model": "Example CPU @ 2.0 GHz",
        "system": "Linux 6.1.0 x86_64",
        "python": "3.11.2",
        "engine": "20.10.24",
        "compose": "2.29.1",
        "cgroup": "v1",
    }
    return Machine(**defaults | fields)


def make_budget(**fields: Any) -> Budget:
    defaults: dict[str, Any] = {
        "replica_cpus": 0.1,
        "replica_cores": (1,),
        "service_cores": (0,),
        "reason": "half of one core for four replicas",
    }
    return Budget(**defaults | fields)


def make_worker(name: str) -> WorkerModel:
    return WORKERS.get(name, WorkerModel(name=name, processes=1, threads=1, slots=1))


def make_plan(
    *,
    workers: Sequence[str] = ("gthread",),
    workloads: Sequence[str] = ("cpu",),
    replica_counts: Sequence[int] = (1, 2, 4),
    rounds: int = 6,
    seed: int = 1,
    **fields: Any,
) -> Plan:
    """Return a plan whose cells, upstreams and rounds follow from its axes."""
    cells = tuple(
        Cell(worker=worker, workload=workload, replicas=count)
        for workload in workloads
        for worker in workers
        for count in replica_counts
    )
    planned = tuple(_round(number, cells, Random(f"{seed}/{number}")) for number in range(rounds))
    used = {(s.port, s.cell.worker, s.members) for specs in planned for s in specs}
    defaults: dict[str, Any] = {
        "seed": seed,
        "backend": "compose",
        "workers": tuple(make_worker(name) for name in workers),
        "workloads": tuple(Workload(name=name, path=f"/{name}") for name in workloads),
        "replica_counts": tuple(replica_counts),
        "cells": cells,
        "rounds_min": 4,
        "rounds_max": 12,
        "precision_ratio": 0.04,
        "target": 1.8,
        "budget": make_budget(),
        "timing": Timing(settle_s=0.6, window_s=2.5, drain_limit_s=15.0),
        "upstreams": tuple(Upstream(port=p, worker=w, members=m) for p, w, m in sorted(used)),
        "rounds": planned,
        "expected_s": 150.0,
        "expected_max_s": 400.0,
    }
    return Plan(**defaults | fields)


def _round(number: int, cells: Sequence[Cell], rng: Random) -> tuple[TrialSpec, ...]:
    most = max(cell.replicas for cell in cells)
    shuffled = rng.sample(cells, k=len(cells))
    specs = []
    for position, cell in enumerate(shuffled, start=1):
        first = number * cell.replicas % most
        members = sorted((first + offset) % most + 1 for offset in range(cell.replicas))
        port = 9001 + 100 * cells.index(cell) + first
        specs.append(
            make_spec(
                cell=cell, round=number + 1, position=position, members=tuple(members), port=port
            )
        )
    return tuple(specs)


def make_spec(**fields: Any) -> TrialSpec:
    cell: Cell = fields.get("cell") or make_cell()
    number, position = fields.get("round", 1), fields.get("position", 1)
    defaults: dict[str, Any] = {
        "id": f"r{number:02d}-{position:02d}-{cell.worker}-{cell.workload}-{cell.replicas}",
        "round": number,
        "position": position,
        "cell": cell,
        "members": tuple(range(1, cell.replicas + 1)),
        "port": 9001,
    }
    return TrialSpec(**defaults | fields)


def make_usage(**fields: Any) -> Usage:
    defaults: dict[str, Any] = {
        "member": "gthread-1",
        "role": Role.REPLICA,
        "span_s": 2.5,
        "cpu_s": 0.245,
        "budget_cpus": 0.1,
        "throttled_ratio": 0.97,
        "completed": 130,
        "memory_bytes": 60 * 2**20,
    }
    return Usage(**defaults | fields)


def make_trial(*, throughput_rps: float = 52.0, **fields: Any) -> Trial:
    """Return a healthy trial whose counts agree with its throughput."""
    spec: TrialSpec = fields.get("spec") or make_spec()
    window_s: float = fields.get("window_s", 2.5)
    names = [f"{spec.cell.worker}-{member}" for member in spec.members]
    completed = round(throughput_rps * window_s)
    share, rest = divmod(completed, len(names))
    answers = {name: share + (index < rest) for index, name in enumerate(names)}
    replicas = tuple(
        make_usage(member=name, completed=answers[name], span_s=window_s, cpu_s=0.098 * window_s)
        for name in names
    )
    proxy = make_usage(
        member="proxy",
        role=Role.PROXY,
        span_s=window_s,
        cpu_s=0.05 * window_s,
        budget_cpus=None,
        throttled_ratio=None,
        completed=None,
    )
    latency = Latency(p50_ms=20.0, p90_ms=80.0, p99_ms=110.0, max_ms=140.0) if completed else None
    defaults: dict[str, Any] = {
        "spec": spec,
        "users": 16 * spec.cell.replicas,
        "started_at_s": STARTED_AT_S + 40.0 * spec.round + 4.0 * spec.position,
        "window_s": window_s,
        "wall_s": window_s + 1.0,
        "completed": completed,
        "failed": 0,
        "throughput_rps": throughput_rps,
        "latency": latency,
        "answers": answers,
        "quarters_rps": (throughput_rps,) * 4,
        "usages": (*replicas, proxy),
        "idle_usages": (),
        "conservation": Conservation(
            sent=completed + 40, answered=completed + 40, proxy=completed + 40, replicas=None
        ),
        "generator": GeneratorHealth(cpu_ratio=0.12, lag_p99_ms=0.8, lag_max_ms=2.0),
        "host": HostUse(steal_ratio=0.0, foreign_ratio=0.01),
        "identities": {name: f"container of {name}" for name in names},
        "service_ms": None,
    }
    return Trial(**defaults | fields)


def steady_rps(spec: TrialSpec) -> float:
    """Return 50 requests per second for each replica, the same in every round."""
    return 50.0 * spec.cell.replicas


def noisy_rps(*, seed: int = 1, spread: float = 0.02) -> Callable[[TrialSpec], float]:
    """Return ``steady_rps`` times a log-normal error that depends on seed and trial alone."""

    def rps(spec: TrialSpec) -> float:
        return steady_rps(spec) * Random(f"{seed}/{spec.id}").lognormvariate(0.0, spread)

    return rps


def without_names(trial: Trial) -> Trial:
    """Return a trial as it is seen behind a proxy of the user's, whose answers name no replica."""
    usages = tuple(
        replace(usage, completed=0 if usage.role is Role.REPLICA else usage.completed)
        for usage in trial.usages
    )
    return replace(trial, answers=dict.fromkeys(trial.answers, 0), usages=usages)


def make_trials(
    plan: Plan,
    *,
    rounds: int | None = None,
    rps: Callable[[TrialSpec], float] = steady_rps,
    **fields: Any,
) -> tuple[Trial, ...]:
    """Return a trial for every planned one of the first ``rounds`` rounds."""
    return tuple(
        make_trial(spec=spec, throughput_rps=rps(spec), **fields)
        for specs in plan.rounds[:rounds]
        for spec in specs
    )


def make_calibration(**fields: Any) -> Calibration:
    worker, workload = fields.get("worker", "gthread"), fields.get("workload", "cpu")
    steps = tuple(
        CalibrationStep(
            worker=worker,
            workload=workload,
            users=users,
            throughput_rps=rps,
            mean_ms=1e3 * users / rps,
        )
        for users, rps in ((1, 40.0), (2, 49.0), (4, 50.0))
    )
    defaults: dict[str, Any] = {
        "worker": worker,
        "workload": workload,
        "users_per_replica": 4,
        "service_ms": 2.1,
        "steps": steps,
    }
    return Calibration(**defaults | fields)


def make_finding(**fields: Any) -> Finding:
    defaults: dict[str, Any] = {
        "code": RuleCode.REPLICA_SHARE,
        "state": RuleState.HOLDS,
        "cell": None,
        "figure": 0.02,
        "limit": 0.10,
        "detail": "Shares differ from equal ones by 2 %.",
    }
    return Finding(**defaults | fields)


def make_probe(**fields: Any) -> ProbeResult:
    defaults: dict[str, Any] = {
        "worker": "gthread",
        "check": "note",
        "state": ProbeState.OK,
        "write": "PUT /state/notes/t0k3n",
        "read": "GET /state/notes/t0k3n",
        "written_by": "gthread-1",
        "right": {"gthread-1": 8, "gthread-2": 8},
        "detail": "16 answers of 2 replicas were all right.",
    }
    return ProbeResult(**defaults | fields)


def make_facts(**fields: Any) -> RunFacts:
    defaults: dict[str, Any] = {
        "run_id": "20260921-101500-0001",
        "started_at": "2026-09-21T10:15:00+00:00",
        "command": "twofold run --workers gthread --seed 1",
        "wall_s": 120.0,
        "measuring_s": 90.0,
        "finished": True,
        "versions": {"twofold": "0.1.0", "gunicorn": "27.0.0", "nginx": "1.26.3"},
    }
    return RunFacts(**defaults | fields)


def make_doubling(**fields: Any) -> DoublingResult:
    defaults: dict[str, Any] = {
        "worker": "gthread",
        "workload": "cpu",
        "replicas_from": 1,
        "replicas_to": 2,
        "rounds": 6,
        "factor": Estimate(estimate=1.98, low=1.94, high=2.02),
        "half_width_ratio": 0.0204,
        "cpu_got_factor": 2.0,
        "cpu_per_request_factor": 1.01,
        "verdict": Verdict.SCALES,
        "reason": "The whole interval is at or above 1.8.",
        "settle_minutes": None,
    }
    return DoublingResult(**defaults | fields)


def make_result(
    plan: Plan | None = None, trials: Sequence[Trial] | None = None, **fields: Any
) -> RunResult:
    """Return the result that follows from a plan and its trials; ``fields`` replace parts of it."""
    plan = plan or make_plan()
    trials = make_trials(plan, rps=noisy_rps()) if trials is None else trials
    calibrations = tuple(
        make_calibration(worker=worker.name, workload=workload.name)
        for worker in plan.workers
        for workload in plan.workloads
    )
    findings = fields.pop("findings", (make_finding(),))
    facts = fields.pop("facts", None) or make_facts()
    machine = fields.pop("machine", None) or make_machine()
    probes, failures = fields.pop("probes", ()), fields.pop("failures", ())
    result = conclude(facts, machine, plan, trials, calibrations, findings, probes, failures)
    return replace(result, **fields)
