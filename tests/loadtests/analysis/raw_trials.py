"""What was seen of a trial, with valid defaults, overridden by keyword."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from loadtests.analysis.samples import reduce
from loadtests.model.generator_records import Edge, Finished, RawTrial
from loadtests.model.stack import HostReading, Reading
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role
from tests.loadtests.builders import STARTED_AT_S, make_budget, make_spec
from tests.loadtests.fakes import finished_event, sample_bytes

WINDOW_S = 2.0
MS = 1000
_FINISHED = TypeAdapter(Finished)


def a_reading(member: str = "gthread-1", **fields: Any) -> Reading:
    role = Role.REPLICA if "-" in member else Role(member)
    defaults: dict[str, Any] = {
        "member": member,
        "role": role,
        "at_s": STARTED_AT_S,
        "cpu_s": 10.0,
    }
    return Reading(**defaults | fields)


def an_edge(*members: Reading, harness_cpu_s: float = 0.0, **fields: Any) -> Edge:
    defaults: dict[str, Any] = {"host": None}
    return Edge(members=members, harness_cpu_s=harness_cpu_s, **defaults | fields)


def a_host(at_s: float, **fields: float) -> HostReading:
    defaults: dict[str, Any] = {"busy_s": 0.0, "steal_s": 0.0, "idle_s": 0.0, "cores": 2}
    return HostReading(at_s=at_s, **defaults | fields)


def a_raw_trial(samples: bytes = b"", **fields: Any) -> RawTrial:
    event = {key: value for key, value in finished_event().items() if key != "event"}
    finished = _FINISHED.validate_python(event | fields.pop("finished", {}))
    defaults: dict[str, Any] = {
        "spec": make_spec(),
        "users": 4,
        "finished": finished,
        "samples": samples or sample_bytes(done_us=[MS]),
        "opened": an_edge(),
        "closed": an_edge(),
        "proxy_requests": 100,
        "replica_requests": 100,
        "addresses": {"10.0.0.1:8000": "gthread-1"},
        "identities": {"gthread-1": "a container"},
        "wall_s": 2.9,
    }
    return RawTrial(**defaults | fields)


def reduced(samples: bytes = b"", **fields: Any) -> Trial:
    return reduce(a_raw_trial(samples, **fields), make_budget(), service_ms=20.0)


def the_usage(trial: Trial, member: str) -> Usage:
    (found,) = [usage for usage in (*trial.usages, *trial.idle_usages) if usage.member == member]
    return found
