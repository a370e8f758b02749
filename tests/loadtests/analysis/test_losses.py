from dataclasses import replace
from math import prod

import pytest

from loadtests.analysis import losses
from loadtests.analysis.estimates import cells
from loadtests.model.result import CellResult, DoublingResult, Estimate
from loadtests.model.vocabulary import Bottleneck, Verdict
from tests.loadtests.builders import make_doubling, make_plan, make_trials

PLAN = make_plan()
STORE = "PostgreSQL used 0.200 of its 0.2 CPU, and more servers will not change that."


def held_by(kind: Bottleneck, detail: str = STORE) -> tuple[CellResult, ...]:
    return tuple(
        replace(each, bottleneck=kind, bottleneck_detail=detail)
        for each in cells(PLAN, make_trials(PLAN))
    )


def lost(factor: float, dearer: float | None, verdict: Verdict) -> DoublingResult:
    return make_doubling(
        factor=Estimate(estimate=factor, low=factor - 0.02, high=factor + 0.02),
        cpu_per_request_factor=dearer,
        verdict=verdict,
        reason="The whole interval is below 1.1.",
    )


@pytest.mark.parametrize(("factor", "dearer"), [(1.05, 1.03), (2.0, 1.0), (1.5, 1.4), (1.9, None)])
def test_the_parts_multiply_to_what_was_lost(factor: float, dearer: float | None) -> None:
    found = losses.split(lost(factor, dearer, Verdict.NO_GAIN), held_by(Bottleneck.STORE))

    assert prod(part.factor for part in found) == pytest.approx(2 / factor)


def test_the_largest_part_comes_first_and_is_named_by_what_was_waited_for() -> None:
    found = losses.split(lost(1.05, 1.03, Verdict.NO_GAIN), held_by(Bottleneck.STORE))

    assert [part.what for part in found] == ["store", "cpu_per_request"]
    assert found[0].factor == pytest.approx(2 / 1.05 / 1.03)


def test_a_store_that_is_full_is_in_the_reason_with_its_figures() -> None:
    told = losses.explain(lost(1.02, 1.0, Verdict.NO_GAIN), held_by(Bottleneck.STORE))

    assert told == f"The whole interval is below 1.1. At 2 replicas: {STORE}"


def test_requests_that_grew_dearer_are_in_the_reason() -> None:
    told = losses.explain(
        lost(1.5, 1.333, Verdict.FALLS_SHORT), held_by(Bottleneck.REPLICA_CPU, "Full.")
    )

    assert told == (
        "The whole interval is below 1.1. CPU per request changed by +33% from 1 to 2 replicas."
    )


def test_what_no_counter_shows_is_said_to_be_so() -> None:
    told = losses.explain(lost(1.4, 1.0, Verdict.FALLS_SHORT), held_by(Bottleneck.UNEXPLAINED))

    assert "something that all replicas share and no counter shows, such as a lock" in told


@pytest.mark.parametrize("verdict", [Verdict.SCALES, Verdict.INVALID, Verdict.INCONCLUSIVE])
def test_only_a_verdict_of_no_is_explained(verdict: Verdict) -> None:
    doubling = lost(1.9, 1.05, verdict)

    assert losses.explain(doubling, held_by(Bottleneck.REPLICA_CPU)) == doubling.reason


def test_an_unknown_factor_has_no_parts() -> None:
    unknown = make_doubling(factor=Estimate(estimate=None, low=None, high=None))

    assert losses.split(unknown, held_by(Bottleneck.STORE)) == ()
