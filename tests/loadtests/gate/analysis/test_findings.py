"""Each rule of a gate: a case in which it fires, and one in which it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate.analysis import findings
from loadtests.gate.model.evidence import Evidence, WorkerLoad
from loadtests.gate.model.result import GateFinding
from loadtests.gate.model.vocabulary import Mode, SideName
from loadtests.model.tested.in_force import InForce
from loadtests.model.trial import RequestCount
from loadtests.model.vocabulary import RuleCode
from tests.loadtests.gate.builders import make_evidence, make_gate_plan

PLAN = make_gate_plan()
EVIDENCE = make_evidence(PLAN)


def with_windows(**changed: Any) -> Evidence:
    return replace(
        EVIDENCE,
        pairs=tuple(
            replace(pair, windows=tuple(replace(each, **changed) for each in pair.windows))
            for pair in EVIDENCE.pairs
        ),
        blocks=tuple(
            replace(block, windows=tuple(replace(each, **changed) for each in block.windows))
            for block in EVIDENCE.blocks
        ),
    )


def with_windows_of_head(**changed: Any) -> Evidence:
    return replace(
        EVIDENCE,
        pairs=tuple(
            replace(
                pair,
                windows=tuple(
                    replace(each, head=replace(each.head, **changed)) for each in pair.windows
                ),
            )
            for pair in EVIDENCE.pairs
        ),
    )


def codes(found: tuple[GateFinding, ...], *, warning: bool = False) -> list[RuleCode]:
    return [finding.code for finding in found if finding.warning is warning]


def test_sound_evidence_breaks_nothing() -> None:
    assert findings.check(PLAN, EVIDENCE) == ()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"generator_ratio": 0.9}, RuleCode.GENERATOR_SATURATED),
        ({"lag_ms": 50.0}, RuleCode.GENERATOR_SATURATED),
        ({"foreign_ratio": 0.4}, RuleCode.HOST_CONTENTION),
        ({"steal_ratio": 0.3}, RuleCode.HOST_CONTENTION),
    ],
)
def test_a_machine_that_could_not_measure_breaks_its_rule(
    changed: dict[str, float], code: RuleCode
) -> None:
    assert codes(findings.check(PLAN, with_windows(**changed))) == [code]


def test_a_neighbour_is_only_a_warning() -> None:
    found = findings.check(PLAN, with_windows(foreign_ratio=0.15))

    assert codes(found) == []
    assert codes(found, warning=True) == [RuleCode.HOST_CONTENTION]


def test_a_proxy_that_is_busy_breaks_its_rule() -> None:
    blocks = tuple(
        replace(block, windows=tuple(replace(each, proxy_ratio=0.9) for each in block.windows))
        for block in EVIDENCE.blocks
    )

    found = findings.check(PLAN, replace(EVIDENCE, blocks=blocks))

    assert codes(found) == [RuleCode.PROXY_SATURATED]


@pytest.mark.parametrize(("faulty", "broken"), [(4, False), (5, True)])
def test_a_fault_in_more_than_a_quarter_of_the_closed_windows_breaks_its_rule(
    faulty: int, *, broken: bool
) -> None:
    """Five closed windows of sixteen, where all kinds of windows together are eighty."""
    pairs = tuple(
        replace(
            pair,
            windows=tuple(
                replace(each, lag_ms=50.0) if each.mode is Mode.CLOSED else each
                for each in pair.windows
            ),
        )
        for pair in EVIDENCE.pairs[:faulty]
    )

    found = findings.check(PLAN, replace(EVIDENCE, pairs=(*pairs, *EVIDENCE.pairs[faulty:])))

    assert (codes(found) == [RuleCode.GENERATOR_SATURATED]) is broken


def test_a_proxy_that_is_full_only_before_two_replicas_of_one_side_breaks_its_rule() -> None:
    blocks = tuple(
        replace(
            block,
            windows=tuple(
                replace(each, proxy_ratio=0.9)
                if (each.side, each.replicas) == (SideName.HEAD, 2)
                else each
                for each in block.windows
            ),
        )
        for block in EVIDENCE.blocks
    )

    assert codes(findings.check(PLAN, replace(EVIDENCE, blocks=blocks))) == [
        RuleCode.PROXY_SATURATED
    ]


def test_a_start_that_was_replaced_breaks_identity() -> None:
    found = findings.check(PLAN, replace(EVIDENCE, replaced=("head-a-3",)))

    assert codes(found) == [RuleCode.IDENTITY]
    assert "head-a-3" in found[0].detail


@pytest.mark.parametrize(
    ("replaced", "broken"), [(("head-a-3",), False), (("head-a-3", "base-b-1"), True)]
)
def test_a_head_that_fails_because_its_starts_end_has_regressed_and_is_not_invalid(
    replaced: tuple[str, ...], broken: bool
) -> None:
    failing = with_windows_of_head(failed=30)

    found = findings.check(PLAN, replace(failing, replaced=replaced))

    assert (codes(found) == [RuleCode.IDENTITY]) is broken
    assert (codes(found, warning=True) == [RuleCode.IDENTITY]) is not broken


@pytest.mark.parametrize(
    ("throttled", "gain", "broken"),
    [(1.0, 0.5, False), (0.0, 0.01, False), (0.0, 0.5, True), (None, None, True)],
)
def test_something_has_to_be_full(
    throttled: float | None, gain: float | None, broken: bool
) -> None:
    pairs = tuple(
        replace(
            pair,
            windows=tuple(
                replace(
                    each,
                    base=replace(each.base, throttled_ratio=throttled),
                    head=replace(each.head, throttled_ratio=throttled),
                )
                for each in pair.windows
            ),
        )
        for pair in EVIDENCE.pairs
    )
    load = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=gain)

    found = findings.check(PLAN, replace(EVIDENCE, pairs=pairs, loads=(load,)))

    assert (codes(found) == [RuleCode.NOT_SATURATED]) is broken


def with_failures(*, head: int, base: int = 0, starts: int) -> Evidence:
    """Give evidence in which so many requests failed in one window of each of the first starts."""
    pairs = []
    for pair in EVIDENCE.pairs[:starts]:
        first = pair.windows[0]
        failing = replace(
            first,
            head=replace(first.head, failed=head),
            base=replace(first.base, failed=base),
        )
        pairs.append(replace(pair, windows=(failing, *pair.windows[1:])))
    return replace(EVIDENCE, pairs=(*pairs, *EVIDENCE.pairs[starts:]))


def test_failures_are_told_from_luck_by_their_number() -> None:
    unclear = with_failures(head=8, base=5, starts=5)

    assert not findings.head_fails_more(PLAN, EVIDENCE)
    assert findings.head_fails_more(PLAN, with_failures(head=8, starts=5))
    # Forty against twenty-five may be luck: then there is no regression, and no answer either.
    assert not findings.head_fails_more(PLAN, unclear)
    assert set(codes(findings.check(PLAN, unclear))) == {RuleCode.ERRORS}


@pytest.mark.parametrize("starts", [1, 2])
def test_requests_that_failed_in_one_start_or_two_are_no_regression_and_no_answer(
    starts: int,
) -> None:
    """One stall fails many; of two equal versions, it hits head every other time."""
    stalled = with_failures(head=40, starts=starts)

    assert not findings.head_fails_more(PLAN, stalled)
    assert codes(findings.check(PLAN, stalled)) == [RuleCode.ERRORS]


def test_a_stall_beside_single_failures_in_other_starts_is_no_regression() -> None:
    """Both versions fail one request in a start now and then, and one start of head stood still."""
    rare = with_failures(head=1, base=1, starts=6)
    first = rare.pairs[0]
    window = first.windows[0]
    stalled = replace(window, head=replace(window.head, failed=40))
    pairs = (replace(first, windows=(stalled, *first.windows[1:])), *rare.pairs[1:])
    evidence = replace(rare, pairs=pairs)

    assert not findings.head_fails_more(PLAN, evidence)
    assert codes(findings.check(PLAN, evidence)) == [RuleCode.ERRORS]


def test_failures_at_two_replicas_are_starts_that_failed_too() -> None:
    blocks = tuple(
        replace(
            block,
            windows=tuple(
                replace(each, figures=replace(each.figures, failed=20))
                if (each.side, each.replicas) == (SideName.HEAD, 2)
                else each
                for each in block.windows
            ),
        )
        for block in EVIDENCE.blocks
    )

    assert findings.head_fails_more(PLAN, replace(EVIDENCE, blocks=blocks))


@pytest.mark.parametrize(
    ("count", "broken"),
    [
        (None, False),
        (RequestCount(sent=900, counted=900), False),
        (RequestCount(sent=900, counted=897, failed=3), False),
        (RequestCount(sent=900, counted=903, failed=3), False),
        (RequestCount(sent=900, counted=904, failed=3), True),
        (RequestCount(sent=900, counted=600), True),
    ],
)
def test_a_base_that_somebody_else_asks_breaks_its_rule(
    count: RequestCount | None, *, broken: bool
) -> None:
    asked = replace(EVIDENCE.pairs[2], base_requests=count)
    evidence = replace(EVIDENCE, pairs=(*EVIDENCE.pairs[:2], asked, *EVIDENCE.pairs[3:]))

    found = findings.check(PLAN, evidence)

    assert codes(found) == ([RuleCode.CONSERVATION] if broken else [])
    assert all("pair 3: the generator sent 900" in finding.detail for finding in found)


def test_a_python_that_compiles_as_it_runs_is_only_a_warning_and_another_one_is_none() -> None:
    def entries(python: str | None) -> Evidence:
        entry = InForce(worker="gthread", server="gunicorn", python=python)
        return replace(EVIDENCE, in_force={SideName.BASE: (entry,)})

    assert codes(findings.check(PLAN, entries("PyPy")), warning=True) == [RuleCode.STEADY]
    assert codes(findings.check(PLAN, entries("PyPy"))) == []
    assert findings.check(PLAN, entries("CPython")) == findings.check(PLAN, entries(None)) == ()


LINE = "FATAL:  sorry, too many clients already"


@pytest.mark.parametrize(
    ("stores", "by_head", "broken", "warned"),
    [
        ({SideName.BASE: LINE}, None, 1, 0),
        ({SideName.BASE: LINE, SideName.HEAD: LINE}, LINE, 1, 0),
        ({SideName.HEAD: LINE}, None, 1, 0),
        ({}, LINE, 0, 1),
        ({}, None, 0, 0),
    ],
)
def test_a_refusal_by_a_store_makes_a_gate_invalid_and_words_of_head_do_not(
    stores: dict[SideName, str], by_head: str | None, broken: int, warned: int
) -> None:
    found = findings.check(PLAN, replace(EVIDENCE, store_refusals=stores, head_refusal=by_head))

    assert codes(found) == [RuleCode.ERRORS] * broken
    assert codes(found, warning=True) == [RuleCode.ERRORS] * warned
