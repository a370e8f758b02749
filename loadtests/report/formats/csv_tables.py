"""Trials, cells and doublings as CSV (RFC 4180), for spreadsheets and data frames.

PURE. Numbers are not rounded; what is not known is an empty field.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from loadtests.model.latency import Percentiles
from loadtests.model.result import Estimate, RunResult
from loadtests.model.trial import Trial


def cells(result: RunResult) -> str:
    """Return a row a cell."""
    return _csv(
        {
            "worker": each.cell.worker,
            "workload": each.cell.workload,
            "replicas": each.cell.replicas,
            "trials": each.trials,
            "users": each.users,
            **_columns("throughput_rps", each.throughput_rps),
            **_columns("speedup", each.speedup),
            "efficiency_ratio": each.efficiency_ratio,
            "p50_ms": each.p50_ms,
            "p90_ms": each.p90_ms,
            "p99_ms": each.p99_ms,
            "cpu_us_per_request": each.cpu_us_per_request,
            "cpu_got_cpus": each.cpu_got_cpus,
            "memory_bytes": each.memory_bytes,
            "error_ratio": each.error_ratio,
            "bottleneck": each.bottleneck,
            "ceiling_ratio": each.ceiling_ratio,
        }
        for each in result.cells
    )


def doublings(result: RunResult) -> str:
    """Return a row a doubling."""
    return _csv(
        {
            "worker": each.worker,
            "workload": each.workload,
            "from": each.replicas_from,
            "to": each.replicas_to,
            "rounds": each.rounds,
            **_columns("factor", each.factor),
            "cpu_got_factor": each.cpu_got_factor,
            "cpu_per_request_factor": each.cpu_per_request_factor,
            "verdict": each.verdict,
        }
        for each in result.doublings
    )


def trials(found: Sequence[Trial]) -> str:
    """Return a row a trial, in the order in which they were measured, as they were measured."""
    return _csv(
        {
            "id": each.spec.id,
            "round": each.spec.round,
            "position": each.spec.position,
            "worker": each.spec.cell.worker,
            "workload": each.spec.cell.workload,
            "replicas": each.spec.cell.replicas,
            "members": " ".join(map(str, each.spec.members)),
            "users": each.users,
            "started_at_s": each.started_at_s,
            "window_s": each.window_s,
            "completed": each.completed,
            "failed": each.failed,
            "throughput_rps": each.throughput_rps,
            "p50_ms": each.latency and each.latency.p50_ms,
            "p90_ms": each.latency and each.latency.p90_ms,
            "p99_ms": each.latency and each.latency.p99_ms,
            "max_ms": each.latency and each.latency.max_ms,
            "core_speed": each.core_speed,
            "set_aside": each.set_aside,
        }
        for each in found
    )


def latency(result: RunResult) -> str:
    """Return a row for each load of every cell; empty where no latency was measured."""
    return _csv(
        {
            "worker": each.worker,
            "workload": each.workload,
            "replicas": each.replicas,
            "share_ratio": level.share_ratio,
            "rate_rps": level.rate_rps,
            "offered_rps": level.offered_rps,
            "rounds": level.rounds,
            "requests": level.requests,
            "dropped": level.dropped,
            "failed": level.failed,
            **_quantiles("response", level.response),
            **_quantiles("service", level.service),
            "late_p99_ms": level.late_p99_ms,
            "state": level.state,
        }
        for each in result.latency
        for level in each.levels
    )


def slo(result: RunResult) -> str:
    """Return a row a cell: its capacity under the objective; empty without one."""
    return _csv(
        {
            "worker": each.worker,
            "workload": each.workload,
            "replicas": each.replicas,
            "objective": each.objective,
            "capacity_rps": each.capacity_rps,
            "estimate_rps": each.estimate_rps,
            "low_rps": each.low_rps,
            "high_rps": each.high_rps,
            "decided": each.decided,
        }
        for each in result.slo
    )


def _quantiles(name: str, found: Percentiles) -> dict[str, float | None]:
    named = {"p50": found.p50, "p90": found.p90, "p99": found.p99, "p999": found.p999}
    columns: dict[str, float | None] = {}
    for percent, each in named.items():
        columns |= {
            f"{name}_{percent}_ms": each.ms,
            f"{name}_{percent}_ms_low": each.low_ms,
            f"{name}_{percent}_ms_high": each.high_ms,
        }
    return columns


def _columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {
        name: estimate.estimate,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
    }


def _csv(rows: Iterable[dict[str, object]]) -> str:
    listed = list(rows)
    if not listed:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(listed[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()
