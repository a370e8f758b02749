from dataclasses import replace

from loadtests.analysis.rules.machines.network import network
from loadtests.model.result import Finding
from loadtests.model.trial import NetworkUse, Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=6)
CELL = PLAN.cells[0]


def use(member: str = "proxy", **fields: int) -> NetworkUse:
    return NetworkUse(
        member=member, **{"segments": 10_000, "retransmitted": 0, "timeouts": 0} | fields
    )


def trials(*uses: NetworkUse, windows: int = 6, read: int = 6) -> list[Trial]:
    """Give trials with these uses in some windows; in ``read``, the replica is read too."""
    made = [trial for trial in make_trials(PLAN) if trial.spec.cell == CELL]
    return [
        replace(
            trial,
            network=(
                *(uses if number < windows else (use(),)),
                *(
                    use(f"gthread-{member}", segments=0)
                    for member in (trial.spec.members if number < read else ())
                ),
            ),
        )
        for number, trial in enumerate(made)
    ]


def found(*uses: NetworkUse, windows: int = 6, read: int = 6) -> Finding:
    finding = network(PLAN, CELL, trials(*uses, windows=windows, read=read))
    assert finding is not None
    return finding


def test_where_nobody_can_look_there_is_no_finding() -> None:
    assert network(PLAN, CELL, list(make_trials(PLAN))) is None


def test_a_sound_network_holds() -> None:
    assert found(use(retransmitted=3)).state is RuleState.HOLDS


def test_a_lossy_link_is_told_with_its_share() -> None:
    finding = found(use(retransmitted=110), use("gthread-1", segments=0))

    assert finding.state is RuleState.BROKEN
    assert finding.detail.startswith("TCP sent 1.10% of its segments again.")


def test_a_few_segments_are_no_share() -> None:
    assert found(use(segments=100, retransmitted=9)).state is RuleState.HOLDS
    assert found(use(segments=100, retransmitted=10)).state is RuleState.BROKEN


def test_timers_that_ran_out_stall_users_and_the_member_is_named() -> None:
    finding = found(use(), use("gthread-1", timeouts=40))

    assert finding.state is RuleState.BROKEN
    assert "TCP waited for a retransmission 40 times, most often at gthread-1" in finding.detail


def test_a_few_timers_in_one_window_of_six_are_in_the_interval() -> None:
    assert found(use(timeouts=8), windows=1).state is RuleState.HOLDS
    assert found(use(timeouts=8), windows=2).state is RuleState.BROKEN


def test_a_link_that_was_away_is_told_also_in_a_single_window() -> None:
    assert found(use(timeouts=40), windows=1).state is RuleState.BROKEN


def test_a_replica_that_was_not_read_is_not_said_to_have_lost_nothing() -> None:
    finding = found(use(retransmitted=3), read=4)

    assert finding.state is RuleState.UNCHECKED
    assert "sent again was not read in 2 of 6 trials" in finding.detail
    assert found(use(retransmitted=3), read=5).state is RuleState.HOLDS


def test_what_the_others_lost_is_told_also_without_a_replicas_counters() -> None:
    assert found(use(retransmitted=110), read=0).state is RuleState.BROKEN
    assert found(use(timeouts=40), read=0).state is RuleState.BROKEN
