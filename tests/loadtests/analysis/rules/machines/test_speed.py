from dataclasses import replace

from loadtests.analysis.rules.machines.speed import speed
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=6)
CELL = PLAN.cells[1]
NODES = {"gthread-1": "one", "gthread-2": "two"}


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
