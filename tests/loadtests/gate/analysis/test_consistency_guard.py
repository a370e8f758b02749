"""When wrong answers with two replicas are head's doing, and when they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.consistency import declared
from loadtests.gate.analysis import consistency_guard, verdict
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.gate.report import markdown, verdict_json, wording
from loadtests.model.consistency import ProbeKind, ProbeRecord, ProbeState, Seen
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_probe,
    make_side,
)

PLAN = make_gate_plan()
OK, BREAKS, UNCHECKED = ProbeState.OK, ProbeState.BREAKS, ProbeState.UNCHECKED
NOTE, SESSION, COUNTER = consistency_guard.CHECKS


def tried(base: Sequence[ProbeState], head: Sequence[ProbeState], **named: Any) -> Evidence:
    """Evidence in which all else is sound."""
    probes = (
        *(make_probe(SideName.BASE, state, **named) for state in base),
        *(make_probe(SideName.HEAD, state, **named) for state in head),
    )
    return make_evidence(PLAN, probes=probes)


def conclude(evidence: Evidence) -> GateResult:
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    return verdict.conclude(make_facts(), MACHINE, sides, PLAN, evidence)


def guard(result: GateResult) -> list[tuple[GateVerdict, float | None, float | None]]:
    return [
        (each.verdict, each.base, each.head)
        for each in result.endpoints
        if each.endpoint is EndpointName.ANSWERS
    ]


@pytest.mark.parametrize("base", [OK, UNCHECKED])
def test_a_head_that_is_wrong_in_every_try_has_regressed(base: ProbeState) -> None:
    result = conclude(tried([base] * consistency_guard.TRIES, [BREAKS] * consistency_guard.TRIES))

    assert result.verdict is GateVerdict.REGRESSED
    assert guard(result) == [(GateVerdict.REGRESSED, 0.0 if base is OK else None, 0.5)]
    assert result.cause is not None
    assert "do not share their state" in result.cause
    assert "Head gave wrong answers with two replicas in all 6 tries (note)." in result.reason
    assert ("Base is consistent." in result.reason) is (base is OK)
    assert wording.remarks(result) == ("gthread note: head-a-2 says breaks.",)
    for said in ("0.500 wrong", "head-a-2 says breaks."):
        assert said in markdown.render(result)


def of_head(*tries: tuple[ProbeState, bool], base: Sequence[ProbeState] = ()) -> Evidence:
    """Evidence of a declared check that head met in these tries, or refused; base met it in all."""
    probes = (
        *(make_probe(SideName.BASE, state) for state in base or [OK] * len(tries)),
        *(make_probe(SideName.HEAD, state, refused=refused) for state, refused in tries),
    )
    return make_evidence(PLAN, probes=probes)


REFUSED = (UNCHECKED, True)
NO_ANSWER = (UNCHECKED, False)


@pytest.mark.parametrize(
    "tries", [[REFUSED] * consistency_guard.TRIES, [REFUSED] + [(BREAKS, False)] * 5]
)
def test_a_declared_check_that_base_meets_in_every_try_and_head_in_none_has_regressed(
    tries: list[tuple[ProbeState, bool]],
) -> None:
    result = conclude(of_head(*tries))

    assert result.verdict is GateVerdict.REGRESSED
    assert [found for found, *_ in guard(result)] == [GateVerdict.REGRESSED]
    assert "Base met note with two replicas in all 6 tries, and head in none: head-a-2 says" in (
        result.reason
    )
    assert result.cause == "gthread: head does not do what a declared check asks."
    assert wording.remarks(result) == ("gthread note: head-a-2 says unchecked.",)


@pytest.mark.parametrize(
    ("tries", "base"),
    [
        ([REFUSED] * 5, [OK] * 5),  # not yet often enough
        ([NO_ANSWER] * 6, [OK] * 6),  # a server that is too busy says nothing
        ([REFUSED] * 5 + [NO_ANSWER], [OK] * 6),
        ([REFUSED] * 5 + [(OK, False)], [OK] * 6),
        ([REFUSED] * 6, [OK] * 5 + [UNCHECKED]),
        ([REFUSED] * 6, [UNCHECKED] * 6),  # it is new, and neither version meets it
    ],
)
def test_less_than_that_is_no_regression_of_a_declared_check(
    tries: list[tuple[ProbeState, bool]], base: list[ProbeState]
) -> None:
    assert conclude(of_head(*tries, base=base)).verdict is GateVerdict.PASS


@pytest.mark.parametrize(("refused", "again"), [(True, True), (False, False)])
def test_a_declared_check_that_head_alone_does_not_meet_is_tried_again(
    *, refused: bool, again: bool
) -> None:
    evidence = of_head((UNCHECKED, refused))

    assert (NOTE in consistency_guard.to_try(evidence, "gthread")) is again


@pytest.mark.parametrize("side", list(SideName))
def test_a_check_that_is_open_on_one_version_is_said_to_be_so(side: SideName) -> None:
    states = dict.fromkeys(SideName, OK) | {side: UNCHECKED}
    result = conclude(tried([states[SideName.BASE]], [states[SideName.HEAD]]))

    assert result.verdict is GateVerdict.PASS
    (remark,) = wording.remarks(result)
    assert remark.endswith(f"Not checked on {side}: note. {side}-a-2 says unchecked.")
    assert consistency_guard.ALIKE not in verdict_json.render(result)


def test_a_request_of_the_load_that_is_open_on_head_alone_is_no_regression() -> None:
    """What such a check needs may be missing: only what is declared has to be met."""
    probes = [
        make_probe(
            side, OK if side is SideName.BASE else UNCHECKED, kind=ProbeKind.ANSWER, refused=True
        )
        for side in SideName
        for _ in range(consistency_guard.TRIES)
    ]

    assert conclude(make_evidence(PLAN, probes=tuple(probes))).verdict is GateVerdict.PASS


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (
            [OK] * (consistency_guard.TRIES - 1),
            [BREAKS] * (consistency_guard.TRIES - 1),
        ),  # not yet often enough
        ([BREAKS], [BREAKS]),
        ([BREAKS], [OK]),
        ([OK] * 6, [BREAKS] * 5 + [OK]),
        ([OK] * 5 + [BREAKS], [BREAKS] * 6),
        ([OK], [OK]),
    ],
)
def test_less_than_that_is_no_regression(base: list[ProbeState], head: list[ProbeState]) -> None:
    result = conclude(tried(base, head))

    assert result.verdict is GateVerdict.PASS
    assert [found for found, *_ in guard(result)] == [GateVerdict.PASS]


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        (BREAKS, BREAKS, "Both versions give wrong answers with two replicas"),
        (BREAKS, OK, "Base gives wrong answers with two replicas; head does not"),
        (OK, BREAKS, "Head gave wrong answers in 1 of 1 tries"),
    ],
)
def test_wrong_answers_that_are_no_regression_are_said_all_the_same(
    base: ProbeState, head: ProbeState, said: str
) -> None:
    result = conclude(tried([base], [head]))
    remark, example = wording.remarks(result)

    assert said in remark
    assert "a-2 says breaks." in example
    assert said in markdown.render(result)


def test_of_what_could_not_be_tried_nothing_is_said() -> None:
    result = conclude(tried([UNCHECKED], [UNCHECKED]))

    assert guard(result) == []
    assert wording.remarks(result) == ()


def test_of_answers_that_are_right_only_the_row_tells() -> None:
    result = conclude(tried([OK], [OK]))

    assert guard(result) == [(GateVerdict.PASS, 0.0, 0.0)]
    assert wording.remarks(result) == ()


@pytest.mark.parametrize(
    ("base", "head", "again"),
    [
        (OK, OK, False),
        (OK, BREAKS, True),
        (UNCHECKED, BREAKS, True),
        (BREAKS, BREAKS, False),
        (BREAKS, OK, False),
        (UNCHECKED, UNCHECKED, False),
    ],
)
def test_only_what_head_alone_gets_wrong_is_tried_again(
    base: ProbeState, head: ProbeState, *, again: bool
) -> None:
    evidence = tried([base], [head])

    assert (NOTE in consistency_guard.to_try(evidence, "gthread")) is again
    assert (
        consistency_guard.to_try(evidence, "sync") == consistency_guard.CHECKS
    )  # of which nothing is known yet


def test_no_try_is_left_when_it_is_shown() -> None:
    evidence = tried([OK] * consistency_guard.TRIES, [BREAKS] * consistency_guard.TRIES)

    assert consistency_guard.to_try(evidence, "gthread") == (SESSION, COUNTER)


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([OK, BREAKS, ProbeState.NOTE], BREAKS),
        ([UNCHECKED, OK], OK),
        ([OK, ProbeState.NOTE, UNCHECKED], ProbeState.NOTE),
        ([UNCHECKED, UNCHECKED], UNCHECKED),
    ],
)
def test_of_several_results_of_one_check_in_one_try_the_worst_counts(
    states: list[ProbeState], worst: ProbeState
) -> None:
    results = [make_probe(SideName.HEAD, state, check="GET /notes").result for state in states]
    other = make_probe(SideName.HEAD, OK, check="GET /").result

    folded = consistency_guard.folded([*results, other])

    assert [(each.check, each.state) for each in folded] == [("GET /notes", worst), ("GET /", OK)]


def record(check: Any, *bodies: str, before: str | None = None) -> ProbeRecord:
    return ProbeRecord(
        worker="gthread",
        replicas=("head-a-1", "head-a-2"),
        check=check,
        token="t0k3n",
        before=None if before is None else Seen(replica="head-a-1", status=200, body=before),
        writes=(Seen(replica="head-a-1", status=200),),
        reads=tuple(
            Seen(replica=f"head-a-{turn % 2 + 1}", status=200, body=body)
            for turn, body in enumerate(bodies)
        ),
    )


@pytest.mark.parametrize(
    ("found", "state"),
    [
        # One that takes any path and gives the same page for each.
        (record(NOTE, "Welcome", "Welcome"), UNCHECKED),
        (record(COUNTER, "Welcome", "Welcome", before="Welcome"), UNCHECKED),
        (record(COUNTER, "© 2026", "© 2026", before="© 2026"), UNCHECKED),
        # One that keeps it in the memory of a replica.
        (record(NOTE, "t0k3n", "nothing"), BREAKS),
        (record(COUNTER, "2", "3", before="2"), BREAKS),
        # One that shares it.
        (record(NOTE, "t0k3n", "t0k3n"), OK),
        (record(COUNTER, "3", "3", before="2"), OK),
    ],
)
def test_an_application_that_keeps_nothing_has_nothing_to_check(
    found: ProbeRecord, state: ProbeState
) -> None:
    assert consistency_guard.judge(found).state is state


@pytest.mark.parametrize(
    ("status", "met_nowhere"),
    [(500, True), (403, True), (503, False), (429, False), (None, False)],
)
def test_a_write_that_the_application_refuses_is_met_nowhere(
    status: int | None, *, met_nowhere: bool
) -> None:
    writes = (Seen(replica="head-a-1", status=status),)
    result = consistency_guard.judge(replace(record(NOTE), writes=writes))

    assert result.state is UNCHECKED
    assert declared.was_met_by_nobody(result) is met_nowhere


ADVICE = (declared.CORRECT_EXPECTED, declared.CORRECT_STEPS)


def never_right(states: dict[SideName, ProbeState], remedy: str, tries: int) -> GateResult:
    """Conclude with a check that is open on some version with this remedy."""
    detail = "After POST /login, no replica answered GET /me: head-a-1 answered 200 guest."
    probes = []
    for side, state in states.items():
        given = make_probe(side, state, refused=state is UNCHECKED)
        if state is UNCHECKED:
            result = replace(given.result, detail=detail, remedy=remedy)
            given = replace(given, result=result)
        probes += [given] * tries
    return conclude(make_evidence(PLAN, probes=tuple(probes)))


@pytest.mark.parametrize("advice", ADVICE)
@pytest.mark.parametrize("tries", [1, consistency_guard.TRIES])
def test_a_check_that_base_meets_is_not_to_be_corrected(advice: str, tries: int) -> None:
    result = never_right({SideName.BASE: OK, SideName.HEAD: UNCHECKED}, advice, tries)
    said = f"{result.reason} {' '.join(wording.remarks(result))}"

    assert "head-a-1 answered 200 guest." in said
    assert "Correct" not in f"{said} {markdown.render(result)}"
    regressed = result.verdict is GateVerdict.REGRESSED
    assert regressed is (tries == consistency_guard.TRIES)


@pytest.mark.parametrize("advice", ADVICE)
def test_a_check_that_base_did_not_meet_may_have_to_be_corrected(advice: str) -> None:
    states = {SideName.BASE: UNCHECKED, SideName.HEAD: BREAKS}
    result = never_right(states, advice, consistency_guard.TRIES - 1)

    comparisons = consistency_guard.compared(result.evidence, "gthread")
    assert advice in consistency_guard._unchecked(comparisons)


def test_evidence_without_any_try_says_nothing() -> None:
    assert guard(conclude(replace(make_evidence(PLAN), probes=()))) == []
