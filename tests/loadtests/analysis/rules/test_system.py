from dataclasses import replace

import pytest

from loadtests.analysis.rules import system
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import HostUse, NodeUse, Trial, Usage
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_budget, make_cell, make_plan, make_trial, make_usage

PLAN = make_plan()
ONE, TWO = (make_cell(replicas=count) for count in (1, 2))
HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED


# -- idle_cost ---------------------------------------------------------------------------------


def idle(cpu_s: float, member: str = "sync-1") -> Usage:
    return make_usage(member=member, cpu_s=cpu_s, span_s=2.5, budget_cpus=0.1)


@pytest.mark.parametrize(("cpu_s", "state"), [(0.0049, HOLDS), (0.0051, BROKEN)])
def test_who_is_not_measured_uses_less_than_a_fiftieth_of_its_budget(
    cpu_s: float, state: RuleState
) -> None:
    found = system.idle_cost(PLAN, ONE, [make_trial(idle_usages=(idle(cpu_s),))])

    assert found.state is state
    assert found.figure == pytest.approx(cpu_s / 2.5 / 0.1)


def test_the_idle_replica_that_uses_most_is_named() -> None:
    usages = (idle(0.001), idle(0.02, "gevent-2"))

    assert "gevent-2" in system.idle_cost(PLAN, ONE, [make_trial(idle_usages=usages)]).detail


def test_a_few_ms_a_second_can_be_the_servers_own_waking_up() -> None:
    """As seen of bare gunicorn on a slow core: 3.7 ms a second of a budget of 0.1 CPU."""
    plan = make_plan(budget=make_budget(replica_cpus=0.1))
    usages = (idle(0.0037 * 2.5, "gthread-3"), idle(0.0036 * 2.5, "gthread-4"))

    found = system.idle_cost(plan, ONE, [make_trial(idle_usages=usages)])

    assert found.state is BROKEN
    assert found.detail == (
        "gthread-3 was not under load and used 3.70% of its budget. That is 3.7 ms of CPU a second."
        " A server's own waking up can cost as much on a slow core, and a reloader that polls files"
        " on any. It is a smaller part of a budget of more CPU (fewer replicas, or more cores), and"
        " less on a machine with faster cores."
    )


@pytest.mark.parametrize(("cpu_ms_per_s", "scheduler"), [(9.9, False), (10.1, True)])
def test_more_than_a_hundredth_of_a_core_in_every_replica_is_work_such_as_a_schedulers(
    cpu_ms_per_s: float, scheduler: bool
) -> None:
    plan = make_plan(budget=make_budget(replica_cpus=0.1))
    usages = tuple(idle(cpu_ms_per_s * 2.5e-3, f"gthread-{number}") for number in (3, 4))

    detail = system.idle_cost(plan, ONE, [make_trial(idle_usages=usages)]).detail

    assert ("a scheduler's thread" in detail) is scheduler
    assert ("own waking up" in detail) is not scheduler


def test_an_idle_replica_within_the_limit_needs_no_explanation() -> None:
    detail = system.idle_cost(PLAN, ONE, [make_trial(idle_usages=(idle(0.001),))]).detail

    assert detail.endswith("of its budget.")


def test_one_burst_of_an_idle_replica_is_weighed_over_all_windows() -> None:
    trials = [make_trial(idle_usages=(idle(cpu_s),)) for cpu_s in (0.02, *[0.0] * 9)]

    assert system.idle_cost(PLAN, ONE, trials).state is HOLDS


def test_without_a_budget_a_whole_core_is_meant() -> None:
    plan = make_plan(budget=make_budget(replica_cpus=None))

    found = system.idle_cost(plan, ONE, [make_trial(idle_usages=(idle(0.025),))])

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.01)


SMALL = make_plan(budget=make_budget(replica_cpus=0.1))


def idle_ms(**ms_per_s: float) -> Trial:
    """A trial whose idle members used so much; ``gthread_0`` is the control of ``gthread``."""
    usages = (idle(used * 2.5e-3, name.replace("_", "-")) for name, used in ms_per_s.items())
    return make_trial(idle_usages=tuple(usages))


def test_what_the_same_server_uses_with_an_empty_application_is_not_the_applications() -> None:
    found = system.idle_cost(SMALL, ONE, [idle_ms(gthread_0=2.2, gthread_3=3.1)])

    assert found.state is HOLDS
    assert found.figure == pytest.approx(0.009)
    assert found.detail == (
        "gthread-3 was not under load and used 3.10% of its budget. The same server with an empty"
        " application used 2.20%, so 0.90 points are the application's."
    )


def test_the_rest_is_held_to_the_same_limit_and_no_servers_waking_explains_it() -> None:
    found = system.idle_cost(SMALL, ONE, [idle_ms(gthread_0=2.2, gthread_3=4.3)])

    assert found.state is BROKEN
    assert found.detail.endswith("used 2.20%, so 2.10 points are the application's.")


def test_little_work_in_every_replica_is_told_where_the_servers_own_is_known() -> None:
    trial = idle_ms(gthread_0=1.0, gthread_3=4.0, gthread_4=4.1)

    found = system.idle_cost(SMALL, ONE, [trial])

    assert found.state is BROKEN
    assert "So did all 2 idle replicas: this is work that runs in every replica" in found.detail


def test_a_control_that_uses_more_than_a_replica_leaves_nothing() -> None:
    found = system.idle_cost(SMALL, ONE, [idle_ms(gthread_0=3.0, gthread_3=2.5)])

    assert (found.state, found.figure) == (HOLDS, 0.0)


def test_a_control_is_compared_over_the_trials_in_which_its_replica_was_idle() -> None:
    trials = [idle_ms(gthread_0=2.0, gthread_3=3.0), idle_ms(gthread_0=90.0)]

    assert system.idle_cost(SMALL, ONE, trials).figure == pytest.approx(0.01)


@pytest.mark.parametrize(
    "others",
    [{}, {"sync_0": 2.4}, {"sync_0": 2.4, "gevent_0": 2.4}],
    ids=["none", "of another variant", "of others"],
)
def test_without_a_control_of_its_own_variant_all_that_a_replica_uses_counts(
    others: dict[str, float],
) -> None:
    found = system.idle_cost(SMALL, ONE, [idle_ms(gthread_3=2.5, **others)])

    assert found.state is BROKEN
    assert found.detail.startswith(
        "gthread-3 was not under load and used 2.50% of its budget. That is 2.5 ms of CPU a second."
        " A server's own waking up"
    )


def test_a_control_that_died_leaves_the_rule_as_without_one() -> None:
    trials = [idle_ms(gthread_0=2.4, gthread_3=2.5), idle_ms(gthread_3=2.5)]

    found = system.idle_cost(SMALL, ONE, trials)

    assert found.state is BROKEN
    assert found.figure == pytest.approx(0.025)
    assert "empty application" not in found.detail


def test_a_control_that_starts_again_and_again_explains_no_work_of_a_replica() -> None:
    found = system.idle_cost(SMALL, ONE, [idle_ms(gthread_0=60.0, gthread_3=55.0)])

    assert found.state is BROKEN
    assert found.figure == pytest.approx(0.55)


def test_a_control_alone_is_no_idle_replica() -> None:
    assert system.idle_cost(SMALL, ONE, [idle_ms(gthread_0=0.5)]).state is UNCHECKED


@pytest.mark.parametrize("usages", [(), (make_usage(span_s=0.0),)])
def test_idle_replicas_that_cannot_be_read_are_unchecked(usages: tuple[Usage, ...]) -> None:
    assert system.idle_cost(PLAN, ONE, [make_trial(idle_usages=usages)]).state is UNCHECKED


# -- host_contention ---------------------------------------------------------------------------


def disturbed_by(foreign: float, steal: float) -> Trial:
    return make_trial(host=HostUse(foreign_ratio=foreign, steal_ratio=steal))


@pytest.mark.parametrize(
    ("foreign", "steal", "state", "who"),
    [
        (0.049, 0.049, HOLDS, "Other programs"),
        (0.05, 0.0, BROKEN, "Other programs took 5.0%"),
        (0.0, 0.06, BROKEN, "The host took 6.0%"),
    ],
)
def test_others_take_less_than_a_twentieth_of_the_cores(
    foreign: float, steal: float, state: RuleState, who: str
) -> None:
    trial = disturbed_by(foreign, steal)

    found = system.host_contention(PLAN, ONE, [trial])

    assert found.state is state
    assert who in found.detail


def test_contention_is_the_mean_over_the_windows_that_are_known() -> None:
    trials = [disturbed_by(0.08, 0.0), disturbed_by(0.0, 0.0), make_trial(host=None)]

    assert system.host_contention(PLAN, ONE, trials).figure == pytest.approx(0.04)


def test_a_machine_that_cannot_be_read_is_unchecked() -> None:
    trial = make_trial(host=None)

    assert system.host_contention(PLAN, ONE, [trial]).state is UNCHECKED


@pytest.mark.parametrize(("foreign", "state"), [(0.09, HOLDS), (0.11, BROKEN)])
def test_a_node_elsewhere_that_is_busy_by_others_is_named(foreign: float, state: RuleState) -> None:
    uses = (
        NodeUse(node="one", steal_ratio=0.0, foreign_ratio=0.01),
        NodeUse(node="two", steal_ratio=0.0, foreign_ratio=foreign),
    )
    trial = replace(make_trial(host=None), nodes=uses)

    found = system.host_contention(PLAN, ONE, [trial])

    assert found.state is state
    assert f"Other programs took {foreign:.1%} of the cores of the node two" in found.detail


@pytest.mark.parametrize(("foreign", "state"), [(0.09, UNCHECKED), (0.11, BROKEN)])
def test_a_node_of_the_cell_that_nobody_looked_at_is_not_said_to_be_free(
    foreign: float, state: RuleState
) -> None:
    identities = {"gthread-1": "x since y node=one", "proxy": "x since y node=two"}
    trial = make_trial(
        host=None,
        identities=identities,
        nodes=(NodeUse(node="two", steal_ratio=0.0, foreign_ratio=foreign),),
    )

    found = system.host_contention(PLAN, ONE, [trial])

    assert found.state is state
    assert ("The CPU of the node one cannot be read" in found.detail) is (state is UNCHECKED)

    both = (*trial.nodes, NodeUse(node="one", steal_ratio=0.0, foreign_ratio=0.0))
    again = system.host_contention(PLAN, ONE, [trial, replace(trial, nodes=both)])
    assert again.state is (HOLDS if state is UNCHECKED else BROKEN)


def test_a_deployment_on_this_machine_is_no_other_program() -> None:
    tested = Target(
        kind=TargetKind.URL,
        given="web",
        name="web",
        url="http://127.0.0.1:80",
        address="127.0.0.1",
        shares_machine=True,
    )

    found = system.host_contention(make_plan(tested=tested), ONE, [make_trial(host=None)])

    assert found.state is UNCHECKED
    assert "The deployment shares this machine" in found.detail


def test_where_a_replica_is_beside_the_generator_the_machines_cpu_tells_nothing() -> None:
    tested = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.43.0.7:80")

    found = system.host_contention(make_plan(tested=tested), ONE, [make_trial(host=None)])

    assert found.state is UNCHECKED
    assert "a replica is on the machine of the load generator" in found.detail
