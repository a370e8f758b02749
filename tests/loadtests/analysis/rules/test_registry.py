from collections import Counter
from dataclasses import replace

import pytest

from loadtests.analysis.rules import registry
from loadtests.analysis.rules.finding import found
from loadtests.model.result import Finding
from loadtests.model.trial import HostUse
from loadtests.model.vocabulary import RuleCode, RuleState
from tests.loadtests.builders import make_calibration, make_cell, make_plan, make_trials, make_usage

PLAN = make_plan(workers=("gthread", "sync"), rounds=6)
IDLE = (make_usage(member="gevent-1", cpu_s=0.0),)
TRIALS = make_trials(PLAN, idle_usages=IDLE)
OF_THE_RUN = {RuleCode.IDENTITY, RuleCode.STEADY}
OF_BYTES = {RuleCode.ANSWER_SIZE}
"""Where nobody counted the bytes of answers, as here, nothing is said."""
OF_SLOW_REQUESTS = {RuleCode.WINDOW_LENGTH}
"""Short ones leave room for many in a window, and nothing is said of it."""
OF_DOUBLINGS = {RuleCode.REPLICA_SPEED}
"""What replicas alone show is said of the larger cell of a doubling only."""
OF_A_SWARM = {RuleCode.NODES, RuleCode.NODE_SPEED, RuleCode.NETWORK, RuleCode.CLOCKS}


def test_every_code_has_a_rule_with_a_sentence_and_something_that_checks_it() -> None:
    assert set(registry.RULES) == set(RuleCode)
    for code, rule in registry.RULES.items():
        assert rule.code is code
        assert rule.about.endswith(".")
        assert any((rule.cell, rule.doubling, rule.run))


def test_a_new_rule_is_held_by_one_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Finding:
        return found(RuleCode.ERRORS, None, broken=True, figure=1.0, limit=0.0, detail="Too hot.")

    rule = registry.Rule(code=RuleCode.ERRORS, about="It is cool.", run=broken)
    monkeypatch.setattr(registry, "RULES", {RuleCode.ERRORS: rule})

    assert [finding.detail for finding in registry.check(PLAN, TRIALS)] == ["Too hot."]


def test_every_rule_is_held_against_every_cell_and_the_run() -> None:
    findings = registry.check(PLAN, TRIALS)

    every = set(RuleCode) - OF_THE_RUN - OF_A_SWARM - OF_BYTES - OF_SLOW_REQUESTS
    for cell in PLAN.cells:
        codes = {found.code for found in findings if found.cell == cell}
        assert codes == (every - OF_DOUBLINGS if cell.replicas == 1 else every)
    assert {found.code for found in findings if found.cell is None} == OF_THE_RUN


def test_a_healthy_run_breaks_none_and_says_what_each_found() -> None:
    trials = [replace(trial, identities={"proxy": "the same"}) for trial in TRIALS]

    findings = registry.check(PLAN, trials)

    assert [found.detail for found in findings if found.state is RuleState.BROKEN] == []
    assert all(found.detail.endswith(".") for found in findings)


def test_what_is_broken_for_one_cell_is_not_for_the_others() -> None:
    bad = make_cell(worker="sync", replicas=2)
    trials = [
        replace(trial, host=HostUse(steal_ratio=0.0, foreign_ratio=0.2))
        if trial.spec.cell == bad
        else trial
        for trial in TRIALS
    ]

    broken = [
        (found.code, found.cell)
        for found in registry.check(PLAN, trials)
        if found.code is RuleCode.HOST_CONTENTION and found.state is RuleState.BROKEN
    ]

    assert broken == [(RuleCode.HOST_CONTENTION, bad)]


def test_a_cell_without_trials_has_no_cell_rules_held_against_it() -> None:
    only = make_cell(replicas=1)
    trials = [trial for trial in TRIALS if trial.spec.cell == only]

    counts = Counter(
        found.cell for found in registry.check(PLAN, trials) if found.code is RuleCode.ERRORS
    )

    assert counts == {only: 1}


def test_a_run_without_trials_breaks_nothing() -> None:
    findings = registry.check(PLAN, ())

    assert all(found.state is not RuleState.BROKEN for found in findings)


def test_calibrations_can_show_that_users_were_enough() -> None:
    idle = make_usage(cpu_s=0.1, throttled_ratio=0.1)
    trials = [replace(trial, usages=(idle,)) for trial in TRIALS if trial.spec.round == 1]
    gthread = make_calibration()

    states = {
        (found.cell.worker if found.cell else "", found.state)
        for found in registry.check(PLAN, trials, (gthread,))
        if found.code is RuleCode.NOT_SATURATED
    }

    assert states == {("gthread", RuleState.HOLDS), ("sync", RuleState.BROKEN)}
