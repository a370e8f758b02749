from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.rules.machines import speed as rule
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=6)
CELL = PLAN.cells[1]
NODES = {"gthread-1": "one", "gthread-2": "two"}


def speed(plan: Plan, cell: Cell, run: Sequence[Trial]) -> Finding | None:
    return rule.speed(plan, cell, run, rule.compare(plan, run))


def trials(more: float, *, cost_s: float = 2e-3, nodes: dict[str, str] = NODES) -> list[Trial]:
    """Return a cell's trials in which a request costs ``more`` times as much on the second node."""
    costs = {"gthread-1": cost_s, "gthread-2": cost_s * more}
    return [
        replace(
            trial,
            identities={name: f"a b node={node}" for name, node in nodes.items()},
            usages=tuple(
                replace(usage, cpu_s=costs[usage.member] * (usage.completed or 0))
                for usage in trial.usages
                if usage.member in costs
            ),
        )
        for trial in make_trials(PLAN)
        if trial.spec.cell == CELL
    ]


def found(more: float, *, cost_s: float = 2e-3) -> Finding:
    finding = speed(PLAN, CELL, trials(more, cost_s=cost_s))
    assert finding is not None
    return finding


def test_without_nodes_or_on_one_there_is_nothing_to_compare() -> None:
    one = dict.fromkeys(NODES, "one")

    assert speed(PLAN, CELL, list(make_trials(PLAN))) is None
    assert speed(PLAN, CELL, trials(2.0, nodes=one)) is None


def test_equal_nodes_hold() -> None:
    assert found(1.05).state is RuleState.HOLDS


def test_a_slow_node_is_named() -> None:
    finding = found(1.3)

    assert finding.state is RuleState.BROKEN
    assert "costs 30% more CPU on the node two than on the node one" in finding.detail


def test_requests_that_cost_next_to_nothing_do_not_tell() -> None:
    assert found(1.3, cost_s=1e-4).state is RuleState.UNCHECKED


def test_a_slow_node_does_not_matter_where_cpu_is_not_full() -> None:
    idle = [
        replace(
            trial,
            usages=tuple(
                replace(usage, budget_cpus=100.0, throttled_ratio=0.0) for usage in trial.usages
            ),
        )
        for trial in trials(1.3)
    ]

    finding = speed(PLAN, CELL, idle)

    assert finding is not None
    assert finding.state is RuleState.HOLDS
    assert finding.detail.endswith("is not full, so that is not in the throughput.")


SEVERAL = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 4), rounds=6)
PLACES = {
    f"{worker}-{number}": node
    for worker, nodes in {
        "gthread": ("three", "two", "one", "three"),
        "sync": ("two", "one", "three", "two"),
        "gevent": ("one", "three", "two", "one"),
    }.items()
    for number, node in enumerate(nodes, start=1)
}
"""Twelve starts on three nodes."""


def of_starts(more: dict[str, float], places: dict[str, str] = PLACES) -> list[Trial]:
    """Return a run in which requests cost ``more`` times as much at some starts."""
    return [
        replace(
            trial,
            identities={name: f"a b node={node}" for name, node in places.items()},
            usages=tuple(
                replace(
                    usage,
                    cpu_s=2e-3 * more.get(usage.member, 1.0) * (usage.completed or 0),
                    throttled_ratio=1.0,
                )
                for usage in trial.usages
                if usage.member in PLACES
            ),
        )
        for trial in make_trials(SEVERAL)
    ]


def states(trials: list[Trial]) -> set[RuleState]:
    findings = [speed(SEVERAL, cell, trials) for cell in SEVERAL.cells]
    return {finding.state for finding in findings if finding is not None}


def test_one_dear_start_is_no_slow_node() -> None:
    assert states(of_starts({"gevent-3": 1.24})) == {RuleState.HOLDS}


def test_a_node_with_dear_starts_of_all_variants_is_named() -> None:
    dear = {member: 1.3 for member, node in PLACES.items() if node == "two"}

    findings = [speed(SEVERAL, cell, of_starts(dear)) for cell in SEVERAL.cells]

    assert {finding.state for finding in findings if finding} == {RuleState.BROKEN}
    assert all("on the node two" in finding.detail for finding in findings if finding)


def test_a_variant_on_a_node_of_its_own_leaves_the_others_to_be_compared() -> None:
    places = {
        member: "one" if member.startswith("gthread") else ("two", "three")[number % 2]
        for number, member in enumerate(PLACES)
    }
    dear = {member: 1.3 for member, node in places.items() if node == "two"}

    findings = [speed(SEVERAL, cell, of_starts(dear, places)) for cell in SEVERAL.cells]

    assert {finding.state for finding in findings if finding} == {RuleState.BROKEN}
    assert all("on the node two" in finding.detail for finding in findings if finding)
    assert states(of_starts({}, places)) == {RuleState.HOLDS}


def test_a_difference_that_two_starts_can_show_by_chance_is_not_told() -> None:
    finding = found(1.15)

    assert finding.state is RuleState.UNCHECKED
    assert finding.detail.endswith("Starts on one node can differ as much.")


def test_a_node_whose_cpu_is_held_back_is_told_by_its_replicas_alone() -> None:
    slow = [member for member, node in PLACES.items() if node == "two"]
    trials = [
        replace(trial, throughput_rps=trial.throughput_rps * 0.5)
        if len(trial.usages) == 1 and trial.usages[0].member in slow
        else trial
        for trial in of_starts({})
    ]

    finding = speed(SEVERAL, SEVERAL.cells[0], trials)

    assert finding is not None
    assert finding.state is RuleState.BROKEN
    assert "needs 100% more time for its requests on the node two" in finding.detail
