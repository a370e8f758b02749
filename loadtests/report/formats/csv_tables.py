"""Trials, cells, requests and doublings as CSV (RFC 4180), for spreadsheets and data frames.

PURE. Numbers are not rounded. What is not known is an empty field.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from loadtests.model.latency import Percentiles
from loadtests.model.result import Estimate, RunResult
from loadtests.model.trial import Trial


def cells(result: RunResult) -> str:
    """Return the table of the cells, with a row a cell."""
    return _csv(
        {
            "worker": row.cell.worker,
            "workload": row.cell.workload,
            "replicas": row.cell.replicas,
            "trials": row.trials,
            "users": row.users,
            **_columns("throughput_rps", row.throughput_rps),
            **_columns("speedup", row.speedup),
            "efficiency_ratio": row.efficiency_ratio,
            "p50_ms": row.p50_ms,
            "p90_ms": row.p90_ms,
            "p99_ms": row.p99_ms,
            "cpu_us_per_request": row.cpu_us_per_request,
            "cpu_got_cpus": row.cpu_got_cpus,
            "memory_bytes": row.memory_bytes,
            "error_ratio": row.error_ratio,
            "bottleneck": row.bottleneck,
            "ceiling_ratio": row.ceiling_ratio,
        }
        for row in result.cells
    )


def requests(result: RunResult) -> str:
    """Return the table of the requests by name, with a row for each name in each cell."""
    return _csv(
        {
            "worker": row.cell.worker,
            "workload": row.cell.workload,
            "replicas": row.cell.replicas,
            "name": row.name,
            "requests": row.requests,
            "failed": row.failed,
            "share_ratio": row.share_ratio,
            "throughput_rps": row.throughput_rps,
            "p50_ms": row.p50_ms,
            "p99_ms": row.p99_ms,
            "mean_bytes": row.mean_bytes,
        }
        for row in result.requests
    )


def doublings(result: RunResult) -> str:
    """Return the table of the doublings, with a row a doubling."""
    return _csv(
        {
            "worker": doubling.worker,
            "workload": doubling.workload,
            "from": doubling.replicas_from,
            "to": doubling.replicas_to,
            "rounds": doubling.rounds,
            **_columns("factor", doubling.factor),
            "cpu_got_factor": doubling.cpu_got_factor,
            "cpu_per_request_factor": doubling.cpu_per_request_factor,
            "verdict": doubling.verdict,
        }
        for doubling in result.doublings
    )


def trials(measured: Sequence[Trial]) -> str:
    """Return the table of the trials in the order in which they ran, with uncorrected rates."""
    return _csv(
        {
            "id": trial.spec.id,
            "round": trial.spec.round,
            "position": trial.spec.position,
            "worker": trial.spec.cell.worker,
            "workload": trial.spec.cell.workload,
            "replicas": trial.spec.cell.replicas,
            "members": " ".join(map(str, trial.spec.members)),
            "users": trial.users,
            "started_at_s": trial.started_at_s,
            "window_s": trial.window_s,
            "completed": trial.completed,
            "failed": trial.failed,
            "throughput_rps": trial.throughput_rps,
            "p50_ms": trial.latency and trial.latency.p50_ms,
            "p90_ms": trial.latency and trial.latency.p90_ms,
            "p99_ms": trial.latency and trial.latency.p99_ms,
            "max_ms": trial.latency and trial.latency.max_ms,
            "core_speed": trial.core_speed,
            "set_aside": trial.set_aside,
            "memory_speed": trial.memory_speed,
        }
        for trial in measured
    )


def latency(result: RunResult) -> str:
    """Return the table of the loads of every cell; empty where no latency was measured."""
    return _csv(
        {
            "worker": cell.worker,
            "workload": cell.workload,
            "replicas": cell.replicas,
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
        for cell in result.latency
        for level in cell.levels
    )


def slo(result: RunResult) -> str:
    """Return the table of the capacities under the objective; empty without an objective."""
    return _csv(
        {
            "worker": capacity.worker,
            "workload": capacity.workload,
            "replicas": capacity.replicas,
            "objective": capacity.objective,
            "capacity_rps": capacity.capacity_rps,
            "estimate_rps": capacity.estimate_rps,
            "low_rps": capacity.low_rps,
            "high_rps": capacity.high_rps,
            "decided": capacity.decided,
        }
        for capacity in result.slo
    )


def _quantiles(name: str, of: Percentiles) -> dict[str, float | None]:
    quantiles = {"p50": of.p50, "p90": of.p90, "p99": of.p99, "p999": of.p999}
    columns: dict[str, float | None] = {}
    for percent, quantile in quantiles.items():
        columns |= {
            f"{name}_{percent}_ms": quantile.ms,
            f"{name}_{percent}_ms_low": quantile.low_ms,
            f"{name}_{percent}_ms_high": quantile.high_ms,
        }
    return columns


def _columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {
        name: estimate.estimate,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
    }


def _csv(rows: Iterable[dict[str, object]]) -> str:
    table = list(rows)
    if not table:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()
