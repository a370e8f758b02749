from typing import Any

import pytest

from loadtests.analysis.shared.service_time import service_s
from loadtests.model.trial import Latency
from tests.loadtests.builders import make_cell, make_plan, make_spec, make_trial

LATENCY = Latency(p50_ms=4000, p90_ms=4000, p99_ms=4000, max_ms=4000, mean_ms=4000)


@pytest.mark.parametrize(
    ("fields", "expected_s"),
    [
        ({"service_ms": None, "latency": None}, 0.0),
        ({"service_ms": 50.0, "latency": None}, 0.05),
        ({"service_ms": 50.0, "latency": LATENCY, "users": 16}, 2.0),  # half of them wait
        ({"service_ms": 50.0, "latency": LATENCY, "users": 4}, 4.0),
        ({"service_ms": 50.0, "latency": LATENCY, "users": 64, "in_flight": 16.0}, 2.0),
        ({"service_ms": 3000.0, "latency": LATENCY, "users": 16}, 3.0),
    ],
)
def test_a_request_holds_its_slot_for_its_part_of_the_response_time(
    fields: dict[str, Any], expected_s: float
) -> None:
    assert service_s(make_plan(), make_trial(**fields)) == pytest.approx(expected_s)


def test_twice_the_replicas_have_twice_the_slots() -> None:
    trial = make_trial(spec=make_spec(cell=make_cell(replicas=2)), latency=LATENCY, users=32)

    assert service_s(make_plan(), trial) == pytest.approx(2.0)


def test_without_known_slots_it_is_the_time_of_one_user_alone() -> None:
    plan, spec = make_plan(workers=("gevent",)), make_spec(cell=make_cell(worker="gevent"))

    trial = make_trial(spec=spec, service_ms=50.0, latency=LATENCY)

    assert service_s(plan, trial) == pytest.approx(0.05)
