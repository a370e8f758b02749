"""Gates with valid defaults, overridden by keyword."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from loadtests.gate.analysis.medians import quantile_levels
from loadtests.gate.model.evidence import (
    Evidence,
    Figures,
    PairWindow,
    ScalingBlock,
    ScalingWindow,
    SideProbe,
    StartPair,
    WorkerLoad,
)
from loadtests.gate.model.plan import GatePlan, Side
from loadtests.gate.model.result import GateFacts
from loadtests.gate.model.vocabulary import EndpointName, Mode, SideKind, SideName
from loadtests.gate.options import GateOptions
from loadtests.gate.plan import block_order, make_plan, pair_windows
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.machine import Machine

MACHINE = Machine(
    cores=2,
    core_ids=(0, 1),
    memory_bytes=8 << 30,
    cpu_model="a processor",
    system="Linux 6",
    python="3.13.5",
    engine="Docker 28",
    compose="2.30",
    cgroup="v2",
)


def make_gate_plan(*, seed: int = 1, **options: Any) -> GatePlan:
    return make_plan(GateOptions(**options), MACHINE, seed=seed)


def make_side(name: SideName, **changed: Any) -> Side:
    given: dict[str, Any] = {
        "name": name,
        "asked": str(name),
        "kind": SideKind.IMAGE,
        "digest": f"sha256:{name}",
        "port": 8000,
    }
    return Side(**{**given, **changed})


def make_facts(**changed: Any) -> GateFacts:
    given: dict[str, Any] = {
        "gate_id": "gate-20260101-120000-0001",
        "started_at": "2026-01-01T12:00:00+00:00",
        "command": "twofold gate",
        "wall_s": 200.0,
        "finished": True,
    }
    return GateFacts(**{**given, **changed})


def make_figures(**changed: Any) -> Figures:
    given: dict[str, Any] = {
        "completed": 300,
        "failed": 0,
        "throughput_rps": 250.0,
        "cpu_us_per_request": 2000.0,
        "p50_ms": 10.0,
        "p99_ms": 40.0,
        "got_cpus": 0.5,
        "throttled_ratio": 1.0,
    }
    return Figures(**{**given, **changed})


def quantiles_ms(median_ms: float) -> tuple[float, ...]:
    """Times spread evenly, on a logarithmic scale, from half to twice their median."""
    return tuple(median_ms * 2 ** (2 * float(level) - 1) for level in quantile_levels(100))


def make_pair(
    plan: GatePlan,
    number: int,
    *,
    worker: str = "gthread",
    change: float = 0.0,
    latency: tuple[float, float] = (0.0, 0.0),
    **changed: Any,
) -> StartPair:
    """A pair whose head is better by ``change`` (a logarithm); ``latency``: of p50 and p99."""
    windows = [
        make_pair_window(plan, number, spec.mode, change=change, latency=latency)
        for spec in pair_windows(plan, worker, number)
    ]
    given: dict[str, Any] = {
        "worker": worker,
        "number": number,
        "base_start": f"base-{number}",
        "head_start": f"head-{number}",
        "at_s": 1000.0 + 7 * number,
        "wall_s": 7.0,
        "windows": tuple(windows),
    }
    return StartPair(**{**given, **changed})


def make_pair_window(
    plan: GatePlan, number: int, mode: Mode, *, change: float, latency: tuple[float, float]
) -> PairWindow:
    # Core and machine have a speed of their own, which both sides meet.
    speed = 1 + 0.1 * (number % 3)
    base = make_figures(
        throughput_rps=110.0 * speed,
        cpu_us_per_request=2000.0 / speed,
        p50_ms=5.0 / speed,
        quantiles_ms=quantiles_ms(5.0),
    )
    if mode is Mode.CLOSED:
        head = replace(
            base,
            throughput_rps=base.throughput_rps * math.exp(change),
            cpu_us_per_request=2000.0 / speed * math.exp(-change),
        )
    else:
        head = replace(
            base,
            p50_ms=5.0 / speed * math.exp(-latency[0]),
            p99_ms=40.0 * math.exp(-latency[1]),
            quantiles_ms=quantiles_ms(5.0 * math.exp(-latency[0])),
        )
    return PairWindow(
        mode=mode,
        core=plan.cores[(number - 1) % len(plan.cores)],
        base=base,
        head=head,
        generator_ratio=0.05,
        lag_ms=1.0,
        foreign_ratio=0.01,
        steal_ratio=0.0,
    )


def make_block(
    plan: GatePlan,
    number: int,
    *,
    worker: str = "gthread",
    change: float = 0.0,
    speeds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    **changed: Any,
) -> ScalingBlock:
    """A block in which head's doubling factor is better by ``change`` (a logarithm)."""
    windows = []
    for (side, replicas), speed in zip(block_order(plan, worker, number), speeds, strict=True):
        log = change if (side, replicas) == (SideName.HEAD, 2) else 0.0
        windows.append(
            ScalingWindow(
                side=side,
                replicas=replicas,
                figures=make_figures(throughput_rps=240.0 * replicas * speed * math.exp(log)),
                generator_ratio=0.05,
                lag_ms=1.0,
                proxy_ratio=0.1,
                core_speed=speed,
                foreign_ratio=0.01,
                steal_ratio=0.0,
            )
        )
    given: dict[str, Any] = {
        "worker": worker,
        "number": number,
        "at_s": 2000.0 + 7 * number,
        "wall_s": 3.5,
        "windows": tuple(windows),
    }
    return ScalingBlock(**{**given, **changed})


def make_probe(
    side: SideName,
    state: ProbeState,
    *,
    worker: str = "gthread",
    check: str = "note",
    kind: ProbeKind = ProbeKind.DECLARED,
    refused: bool = False,
) -> SideProbe:
    """A try of two replicas, of which the second knows nothing where it ``breaks``.

    An ``unchecked`` one had no answer, or the application ``refused`` the write.
    """
    one, other = f"{side}-a-1", f"{side}-a-2"
    right = {ProbeState.OK: {one: 8, other: 8}, ProbeState.BREAKS: {one: 8}}
    result = ProbeResult(
        worker=worker,
        check=check,
        state=state,
        write="PUT /note",
        read="GET /note",
        written_by=one,
        right=right.get(state, {}),
        wrong={other: 8} if state is ProbeState.BREAKS else {one: 1} if refused else {},
        detail=f"{other} says {state}.",
        kind=kind,
    )
    return SideProbe(side=side, result=result)


def make_evidence(
    plan: GatePlan,
    *,
    pairs: int = 16,
    blocks: int = 8,
    change: float = 0.0,
    latency: tuple[float, float] = (0.0, 0.0),
    scaling: float = 0.0,
    sd: float = 0.02,
    seed: int = 5,
    **changed: Any,
) -> Evidence:
    """Evidence of so many starts, whose noise has exactly the mean 0 and the deviation ``sd``."""
    rng = Random(seed)
    logs, p50s, p99s, factors = (
        _noise(rng, count, spread)
        for count, spread in ((pairs, sd), (pairs, sd), (pairs, 4 * sd), (blocks, sd))
    )
    given: dict[str, Any] = {
        "loads": tuple(
            WorkerLoad(worker=worker, users=8, rate_rps=150.0, gain_ratio=0.01)
            for worker in plan.workers
        ),
        "pairs": tuple(
            make_pair(
                plan,
                number + 1,
                worker=worker,
                change=change + logs[number],
                latency=(latency[0] + p50s[number], latency[1] + p99s[number]),
            )
            for worker in plan.workers
            for number in range(pairs)
        ),
        "blocks": tuple(
            make_block(plan, number + 1, worker=worker, change=scaling + factors[number])
            for worker in plan.workers
            for number in range(blocks if EndpointName.SCALING in plan.margins else 0)
        ),
    }
    return Evidence(**{**given, **changed})


def _noise(rng: Random, count: int, sd: float) -> list[float]:
    drawn = [rng.gauss(0, 1) for _ in range(count)]
    if count < 2:
        return [0.0] * count
    mean = sum(drawn) / count
    spread = math.sqrt(sum((value - mean) ** 2 for value in drawn) / (count - 1))
    return [sd * (value - mean) / spread for value in drawn]
