from collections.abc import Mapping
from dataclasses import replace

from loadtests.analysis.rules import registry
from loadtests.analysis.rules.nodes import nodes
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, RuleState
from tests.loadtests.builders import make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=4)
ANSWERS, SILENT = "its engine answers", "its engine does not answer"
ONE = "aaa since 10:00 of sha256:111111111111 12 13 node=one"
TWO = "bbb since 10:00 of sha256:111111111111 14 15 node=two"
ALL: Mapping[str, str] = {
    "node one": ANSWERS,
    "node two": ANSWERS,
    "gthread-1": ONE,
    "gthread-2": TWO,
}


def trials(*, last: Mapping[str, str] = ALL, first: Mapping[str, str] = ALL) -> list[Trial]:
    made = [replace(trial, identities=first) for trial in make_trials(PLAN)]
    made.sort(key=lambda trial: trial.started_at_s)
    return [*made[:-1], replace(made[-1], identities=last)]


def test_nothing_is_found_without_nodes() -> None:
    plain = {"gthread-1": "aaa"}

    assert nodes(PLAN, trials(first=plain, last=plain)) is None
    found = registry.check(PLAN, trials(first=plain, last=plain))
    assert RuleCode.NODES not in {finding.code for finding in found}


def test_nodes_that_answer_throughout_hold() -> None:
    finding = nodes(PLAN, trials())

    assert finding is not None
    assert finding.state is RuleState.HOLDS


def test_a_node_that_stops_answering_is_named_with_what_it_had() -> None:
    finding = nodes(PLAN, trials(last={**ALL, "node two": SILENT}))

    assert finding is not None
    assert finding.state is RuleState.BROKEN
    assert "The node two was lost" in finding.detail
    assert "It had gthread-2." in finding.detail


def test_a_node_that_is_silent_from_the_start_does_not_hold_either() -> None:
    silent = {**ALL, "node two": SILENT}

    finding = nodes(PLAN, trials(first=silent, last=silent))

    assert finding is not None
    assert finding.state is RuleState.BROKEN


def test_a_replica_on_another_node_is_told() -> None:
    finding = nodes(PLAN, trials(last={**ALL, "gthread-2": TWO.replace("=two", "=one")}))

    assert finding is not None
    assert "gthread-2 moved from node two to node one" in finding.detail


def test_an_image_that_differs_on_one_node_is_told() -> None:
    mixed = {**ALL, "gthread-2": TWO.replace("111111111111", "222222222222")}

    finding = nodes(PLAN, trials(first=mixed, last=mixed))

    assert finding is not None
    assert "The image of gthread differs between nodes" in finding.detail


def test_variants_may_have_images_of_their_own() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2), rounds=4)
    two = {**ALL, "sync-1": "ccc since 10:00 of sha256:333333333333 node=one"}

    finding = nodes(plan, [replace(trial, identities=two) for trial in make_trials(plan)])

    assert finding is not None
    assert finding.state is RuleState.HOLDS
