"""A deployment at a URL: whose CPU was read, and may its replicas have competed for cores?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.analysis import estimates, verdict
from loadtests.analysis.rules import budget
from loadtests.model.stack import DeploymentSeen
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import RuleState, Verdict
from tests.loadtests.builders import (
    make_budget,
    make_cell,
    make_plan,
    make_spec,
    make_trial,
    make_usage,
)

ONE, TWO, FOUR = (make_cell(replicas=count) for count in (1, 2, 4))
HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED

URL = Target(
    kind=TargetKind.URL,
    given="web",
    name="web",
    url="http://10.0.0.1:80",
    hooks=Hooks(counters=("./counters.sh",)),
)
DEPLOYED = make_plan(
    tested=URL, budget=make_budget(replica_cpus=None, replica_cores=(), service_cores=())
)


@pytest.mark.parametrize("usages", [(), (make_usage(),)])
def test_replicas_that_a_hook_did_not_count_are_named_and_not_called_late(
    usages: tuple[Usage, ...],
) -> None:
    left_out = "The hook 'counters' prints no line for web-2."
    trials = [make_trial(usages=usages, deployment=DeploymentSeen(uncounted=left_out))]

    assert budget.budget(DEPLOYED, TWO, trials).detail == left_out


def test_a_lean_server_at_a_url_is_no_wrong_clock() -> None:
    """A static nginx takes 10 µs a request, and our limit is for servers in Python."""
    lean = make_usage(cpu_s=0.1, completed=10_000, budget_cpus=None, throttled_ratio=None)

    assert budget.budget(DEPLOYED, TWO, [make_trial(usages=(lean,))]).state is UNCHECKED


def test_counters_without_any_reading_were_late() -> None:
    trials = [make_trial(usages=(), deployment=DeploymentSeen())]

    assert "took over 5 % of a window" in budget.budget(DEPLOYED, TWO, trials).detail


def test_replicas_of_a_deployment_may_share_no_core_so_costlier_requests_are_not_judged() -> None:
    trial = make_trial(spec=make_spec(cell=TWO, members=(1, 2)))

    found = budget.costlier_requests(DEPLOYED, ONE, TWO, [trial])

    assert found.state is UNCHECKED
    assert "is not known" in found.detail


# -- replicas of a deployment that share a machine -----------------------------------------------


def deployed(
    factor: float,
    *nodes: str,
    limit: float | None = None,
    rounds: int = 3,
    cpus: float | None = 0.5,
) -> list[Trial]:
    """Give rounds of two and four replicas, the four on these nodes (none: not known).

    Each replica uses so many ``cpus``; None: not known.
    """
    trials = []
    for number in range(1, rounds + 1):
        for replicas, rate in ((2, 100.0), (4, 100.0 * factor)):
            spec = make_spec(
                cell=make_cell(replicas=replicas), round=number, members=range(1, replicas + 1)
            )
            names = [f"gthread-{member}" for member in spec.members]
            trials.append(
                make_trial(
                    spec=spec,
                    throughput_rps=rate + number / 10,
                    usages=tuple(
                        make_usage(member=name, budget_cpus=limit, cpu_s=2.0 * cpus, span_s=2.0)
                        for name in names
                        if cpus is not None
                    ),
                    deployment=DeploymentSeen(nodes=dict(zip(names, nodes, strict=False))),
                )
            )
    return trials


@pytest.mark.parametrize(
    ("trials", "state"),
    [
        (deployed(1.0, "a", "a", "a", "a"), BROKEN),  # two cores, and X(4) = X(2)
        (deployed(1.5, "a", "b", "c", "c"), BROKEN),
        (deployed(1.0, "a", "a", "a", "a", limit=0.5), UNCHECKED),  # the limits hold them
        (deployed(2.0, "a", "a", "a", "a"), UNCHECKED),  # it does not fall short
        (deployed(1.0), UNCHECKED),
        (deployed(1.0, "a", "b", "c"), UNCHECKED),  # the fourth may be anywhere
        (deployed(1.0, "a", "b", "c", "d"), HOLDS),
    ],
)
def test_replicas_without_limits_that_share_a_node_decide_no_doubling_that_falls_short(
    trials: list[Trial], state: RuleState
) -> None:
    found = budget.costlier_requests(DEPLOYED, TWO, FOUR, trials)

    assert found.state is state
    if state is BROKEN:
        assert "share the node" in found.detail
        assert "Give each replica a CPU limit" in found.detail


@pytest.mark.parametrize(("cpus", "state"), [(0.1, HOLDS), (0.19, HOLDS), (0.21, BROKEN)])
def test_replicas_that_use_less_than_one_core_have_found_no_end_of_it(
    cpus: float, state: RuleState
) -> None:
    """A store's lock holds them, and no machine has fewer cores than one."""
    trials = deployed(1.0, "a", "a", "a", "a", cpus=cpus)

    assert budget.costlier_requests(DEPLOYED, TWO, FOUR, trials).state is state


def test_replicas_whose_cpu_nobody_read_may_compete() -> None:
    trials = deployed(1.0, "a", "a", "a", "a", cpus=None)

    assert budget.costlier_requests(DEPLOYED, TWO, FOUR, trials).state is BROKEN


def test_a_balancer_on_this_machine_is_no_replica() -> None:
    here = replace(DEPLOYED, tested=replace(URL, shares_machine=True))

    found = budget.costlier_requests(here, TWO, FOUR, deployed(1.0, "a", "b", "c", "d"))

    assert found.state is HOLDS


def test_a_cell_without_trials_says_nothing_of_limits() -> None:
    here = replace(DEPLOYED, tested=replace(URL, shares_machine=True))

    found = budget.costlier_requests(here, TWO, FOUR, [])

    assert (found.state, found.detail) == (UNCHECKED, "No trial of this cell was finished.")


def test_one_unlucky_placement_of_six_rounds_is_covered() -> None:
    placed = deployed(1.0, "a", "b", "c", "d", rounds=6)
    placed[-1] = deployed(1.0, "a", "a", "c", "d", rounds=6)[-1]

    found = budget.costlier_requests(DEPLOYED, TWO, FOUR, placed)

    assert (found.state, found.detail) == (
        HOLDS,
        "Each replica was on a node of its own in 5 of 6 windows.",
    )


def test_replicas_without_limits_on_the_generators_machine_share_it() -> None:
    here = replace(DEPLOYED, tested=replace(URL, shares_machine=True))

    found = budget.costlier_requests(here, TWO, FOUR, deployed(1.0))

    assert found.state is BROKEN
    assert found.detail.startswith("The replicas share this machine, and no CPU limit of gthread-1")


def test_competing_replicas_are_no_answer_of_the_application() -> None:
    trials = deployed(1.0, "a", "a", "a", "a")
    plan = replace(DEPLOYED, replica_counts=(2, 4), cells=(TWO, FOUR))
    findings = [budget.costlier_requests(plan, TWO, FOUR, trials)]

    (doubling,) = estimates.doublings(plan, trials)
    judged = verdict.judge_doubling(doubling, target=plan.target, findings=findings)

    assert judged.verdict is Verdict.INVALID
