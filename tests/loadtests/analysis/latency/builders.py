"""Builders of open-loop records with valid defaults, each field overridden by keyword."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from loadtests.model.latency import LatencyPlan, Objective, SloResult, SloStep
from loadtests.model.open_trial import OpenSpec, OpenTrial, Times
from loadtests.model.plan import Plan
from loadtests.model.trial import Conservation
from loadtests.planning.load_levels import plan_latency
from tests.loadtests.builders import make_plan, make_spec, make_trial

P99 = Objective(percent=99.0, limit_ms=250.0)


def latency_plan(objective: Objective | None = P99, **fields: Any) -> LatencyPlan:
    return replace(plan_latency(objective, cells=3, quick=False), **fields)


def open_plan(objective: Objective | None = P99, **fields: Any) -> Plan:
    return make_plan(latency=latency_plan(objective), **fields)


def open_spec(**fields: Any) -> OpenSpec:
    defaults: dict[str, Any] = {
        "purpose": "level",
        "step": 0,
        "share_ratio": 0.5,
        "rate_rps": 25.0,
        "seed": 1,
        "max_in_flight": 125,
        "trial": make_spec(id="l01-01-gthread-cpu-1-50"),
    }
    return OpenSpec(**defaults | fields)


def open_trial(**fields: Any) -> OpenTrial:
    """Return a healthy open-loop trial of 4 s whose arrivals are those that were asked for."""
    spec: OpenSpec = fields.get("spec") or open_spec()
    due = round(spec.rate_rps * 4.0)
    times = Times(p50_ms=20.0, p90_ms=60.0, p99_ms=110.0, p999_ms=140.0, max_ms=140.0)
    measured = make_trial(
        spec=spec.trial,
        users=0,
        window_s=4.0,
        throughput_rps=spec.rate_rps,
        conservation=Conservation(sent=due, answered=due, proxy=due, replicas=due),
    )
    defaults: dict[str, Any] = {
        "spec": spec,
        "due": due,
        "dropped": 0,
        "failed": 0,
        "late": 0,
        "offered_rps": spec.rate_rps,
        "late_p99_ms": 0.4,
        "response": times,
        "service": times,
        "outcomes": ("ok", "status", "timeout", "dropped"),
        "measured": measured,
    }
    return OpenTrial(**defaults | fields)


def slo_step(rate_rps: float, late: int, **fields: Any) -> SloStep:
    defaults: dict[str, Any] = {
        "rate_rps": rate_rps,
        "windows": 3,
        "requests": 1000,
        "late": late,
        "late_low_ratio": None,
        "late_high_ratio": None,
        "outcome": "kept" if late <= 4 else "broken" if late > 17 else "undecided",
        "reason": "",
    }
    return SloStep(**defaults | fields)


def slo_result(replicas: int, low: float | None, high: float | None, **fields: Any) -> SloResult:
    defaults: dict[str, Any] = {
        "worker": "gthread",
        "workload": "cpu",
        "replicas": replicas,
        "objective": "p99=250ms",
        "percent": 99.0,
        "limit_ms": 250.0,
        "capacity_rps": 50.0 * replicas,
        "estimate_rps": (low * high) ** 0.5 if low and high else None,
        "low_rps": low,
        "high_rps": high,
        "decided": "",
        "steps": (),
    }
    return SloResult(**defaults | fields)
