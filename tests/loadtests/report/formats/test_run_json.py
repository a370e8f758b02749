import json
import math

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.result import Estimate
from loadtests.model.vocabulary import RuleState
from loadtests.report.formats import run_json
from tests.loadtests.builders import make_cell, make_doubling, make_finding, make_plan, make_result


def test_the_contracts_keys_are_flat() -> None:
    broken = make_finding(state=RuleState.BROKEN, cell=make_cell(), detail="Replica 2 is idle.")

    found = json.loads(run_json.render(make_result(findings=(broken,))))

    assert {"schema_version", "run_id", "backend", "verdict", "seed", "machine"} <= found.keys()
    assert {"wall_s", "measured_s", "rounds", "cells", "doublings", "invalid"} <= found.keys()
    assert found["schema_version"] == 1
    assert found["machine"]["cores"] == 2
    cell = found["cells"][0]
    assert (cell["worker"], cell["workload"], cell["replicas"]) == ("gthread", "cpu", 1)
    assert cell["throughput_rps"].keys() == {"estimate", "low", "high"}
    assert {"bottleneck", "p50_ms", "p99_ms", "cpu_us_per_request"} <= cell.keys()
    doubling = found["doublings"][0]
    assert (doubling["from"], doubling["to"], doubling["verdict"]) == (1, 2, "invalid")
    assert {"worker", "workload", "factor", "low", "high"} <= doubling.keys()
    assert found["invalid"] == [
        {
            "code": "replica_share",
            "cell": {"worker": "gthread", "workload": "cpu", "replicas": 1},
            "detail": "Replica 2 is idle.",
        }
    ]


def test_what_is_not_known_is_null() -> None:
    found = json.loads(run_json.render(make_result(make_plan(), ())))

    assert found["cells"][0]["throughput_rps"] == {"estimate": None, "low": None, "high": None}
    assert found["doublings"][0]["factor"] is None


def test_numbers_are_not_rounded() -> None:
    third = Estimate(estimate=1 / 3, low=None, high=None)
    result = make_result(doublings=(make_doubling(factor=third),))

    assert json.loads(run_json.render(result))["doublings"][0]["factor"] == 1 / 3


def test_a_number_that_is_none_is_refused_and_not_written() -> None:
    result = make_result(
        doublings=(make_doubling(factor=Estimate(estimate=math.nan, low=None, high=None)),)
    )

    with pytest.raises(ValueError, match="finite"):
        run_json.render(result)


def test_a_run_is_read_back_as_it_was_written() -> None:
    result = make_result(make_plan(workers=("gthread", "gevent"), replica_counts=(1, 2, 4, 8)))

    assert run_json.parse(run_json.render(result)) == result


def test_all_errors_of_a_file_are_told_at_once() -> None:
    broken = json.loads(run_json.render(make_result()))
    del broken["verdict"]
    broken["cells"][0]["replicas"] = "many"

    with pytest.raises(UsageError, match=r"verdict: Field required.*cells\.0\.replicas") as caught:
        run_json.parse(json.dumps(broken))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "{", '{"schema_version": NaN}', "[1]", '{"a": 1}'])
def test_what_is_no_run_json_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        run_json.parse(text)


def test_another_schema_version_says_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"reads 1\. Use the version"):
        run_json.parse('{"schema_version": 7}')


def test_keys_of_later_additions_are_passed_over() -> None:
    later = json.loads(run_json.render(make_result())) | {"weather": "fine"}

    assert run_json.parse(json.dumps(later)) == make_result()
