from typing import Any

from scripts.zoo.summary import summarised, table


def a_row(member: str = "perfect", **fields: Any) -> dict[str, Any]:
    doubling = {"from": 1, "to": 2, "truth": 2.0, "estimate": 1.98, "low": 1.9, "high": 2.06}
    defaults: dict[str, Any] = {
        "member": member,
        "run": 1,
        "truth": "2.0 by CPU budgets",
        "verdict": "scales",
        "codes": [],
        "bottleneck": "replica_cpu",
        "doublings": [doubling | {"holds": True}],
        "sigma": None,
        "right": True,
        "wrong_scales": False,
    }
    return defaults | fields


def test_runs_and_wrong_ones_are_counted_and_by_member() -> None:
    found = summarised(
        [a_row(), a_row(right=False, wrong_scales=True), a_row("killed", codes=["identity"])]
    )

    assert (found["runs"], found["right"], found["wrong_scales"]) == (3, 2, 1)
    assert found["members"]["perfect"] == {"runs": 2, "right": 1}
    assert len(found["rows"]) == 3


def test_a_run_that_failed_counts_as_one_that_is_not_right() -> None:
    failed = {"member": "stopped", "run": 1, "error": "x", "right": False, "wrong_scales": False}

    assert summarised([failed])["runs"] == 1
    assert summarised([failed])["right"] == 0
    assert "stopped 1" in table([failed])


def test_amdahls_intervals_are_counted_where_there_is_a_serial_share() -> None:
    sigma = {"truth": 0.1, "estimate": 0.11, "low": 0.09, "high": 0.13, "holds": True}

    found = summarised([a_row("serial-10", sigma=sigma), a_row()])

    assert found["amdahl"] == {"intervals": 1, "holding": 1, "sigmas": 1, "sigmas_holding": 1}


def test_clean_runs_are_counted_with_those_in_which_a_rule_fired() -> None:
    found = summarised([a_row("clean-cpu"), a_row("clean-io", codes=["steady"], right=False)])

    assert found["clean"] == {"runs": 2, "rules_fired": 1}


def test_the_figures_of_other_parts_stand_on_top() -> None:
    assert summarised([{"member": "cost", "figures": {"checks_wall_ms": 3.5}}])[
        "checks_wall_ms"
    ] == (3.5)


def test_the_table_has_truth_estimate_interval_verdict_and_bottleneck() -> None:
    head, line = table([a_row()]).splitlines()

    assert head.split("  ")[0] == "member"
    assert line.split() == (
        [
            "perfect",
            "1",
            "2.000",
            "1.980",
            "1→2",
            "[1.900,",
            "2.060]",
            "scales",
            "replica_cpu",
            "yes",
        ]
    )
