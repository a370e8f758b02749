from typing import Any

import pytest

from scripts import swarm_faults
from scripts.swarm_faults import BY_NAME


def a_result(*rules: str, verdict: str = "invalid") -> dict[str, Any]:
    return {
        "run_id": "r",
        "verdict": verdict,
        "invalid": [{"code": code, "detail": f"{code}!"} for code in rules],
        "doublings": [{"verdict": verdict}],
    }


@pytest.mark.parametrize(
    ("fault", "result", "code", "told"),
    [
        ("link", a_result("network"), 3, True),
        ("link", a_result("network", "errors"), 3, True),
        ("link", a_result("errors"), 3, False),
        ("link", a_result("network"), 4, False),
        ("link", a_result("network", verdict="scales"), 3, False),
        ("link", {}, 4, False),
        ("none", a_result(verdict="scales"), 0, True),
        ("none", a_result("steady"), 3, False),
        ("none", a_result(verdict="inconclusive"), 4, False),
    ],
)
def test_a_fault_is_told_by_its_own_rule_and_no_fault_by_none(
    fault: str, result: dict[str, Any], code: int, told: bool
) -> None:
    row = swarm_faults.row_of(BY_NAME[fault], result, code=code, repeat=1)

    assert row["told"] is told
    assert (row["fault"], row["repeat"], row["exit"]) == (fault, 1, code)


def test_the_run_without_a_fault_comes_first_since_it_tells_the_images_name() -> None:
    assert next(iter(BY_NAME)) == "none"
