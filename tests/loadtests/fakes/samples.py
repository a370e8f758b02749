"""What a generator, nginx and a replica write, each field with a valid default."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from tests.loadtests.builders import STARTED_AT_S


def finished_event(**fields: Any) -> dict[str, Any]:
    """Give the generator's last word on a trial, each field overridden by keyword."""
    defaults: dict[str, Any] = {
        "event": "finished",
        "id": "r01-01-gthread-cpu-1",
        "started_at_s": STARTED_AT_S - 0.5,
        "opened_at_s": STARTED_AT_S,
        "closed_at_s": STARTED_AT_S + 2.0,
        "drained_at_s": STARTED_AT_S + 2.1,
        "sent": 100,
        "answered": 100,
        "undrained": 0,
        "dropped": 0,
        "outcomes": ["ok", "status", "timeout"],
        "replicas": ["10.0.0.1:8000"],
        "names": ["/cpu"],
        "cpu_s": 0.2,
        "lag_p99_ms": 0.8,
        "lag_max_ms": 2.0,
        "workers": 1,
        "lost_workers": 0,
    }
    return defaults | fields


def sample_bytes(*, done_us: Any, duration_us: Any = 1000, **columns: Any) -> bytes:
    """Give an ``.npz`` of samples; what is not given is that of a success of the first replica."""
    done = np.asarray(done_us, dtype=np.int64)
    began = done - np.asarray(duration_us, dtype=np.int64)
    arrays = {
        "due_us": columns.get("due_us", began),
        "sent_us": columns.get("sent_us", began),
        "done_us": done,
        "status": np.broadcast_to(columns.get("status", 200), done.shape).astype(np.int16),
        "outcome": np.broadcast_to(columns.get("outcome", 0), done.shape).astype(np.int16),
        "replica": np.broadcast_to(columns.get("replica", 0), done.shape).astype(np.int16),
        "name": np.zeros(done.shape, dtype=np.int16),
    }
    if "bytes" in columns:
        arrays["bytes"] = np.broadcast_to(columns["bytes"], done.shape).astype(np.int32)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def status_page(requests: int) -> str:
    """Give nginx's stub_status page."""
    return (
        "Active connections: 1 \nserver accepts handled requests\n"
        f" 10 10 {requests} \nReading: 0 Writing: 1 Waiting: 0 \n"
    )


def metrics_page(finished: int) -> str:
    """Give a replica's metrics in Prometheus' text format."""
    return (
        "# TYPE app_requests_started_total counter\n"
        f"app_requests_started_total {finished + 1}\n"
        "# TYPE app_requests_finished_total counter\n"
        f"app_requests_finished_total {finished}\n"
    )
