"""Head's answers to single requests beside base's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from loadtests.gate.analysis import answers, findings, verdict
from loadtests.gate.model.evidence import Evidence, Figures, ScalingWindow
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.model.failures import AnswerCount
from loadtests.model.tested.workload import Locustfile, RequestSpec, Workload
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_figures,
    make_gate_plan,
    make_side,
)

PLAN = make_gate_plan()
EVIDENCE = make_evidence(PLAN)
LEVEL = 1e-4

Kinds = Mapping[str, int]


def an_answer(name: str, kinds: Kinds, body_bytes: int | None = None) -> AnswerCount:
    good = {kind: count for kind, count in kinds.items() if kind != answers.FAILED}
    return AnswerCount(
        name=name,
        good=good,
        failed=kinds.get(answers.FAILED, 0),
        body_bytes=100 * sum(good.values()) if body_bytes is None else body_bytes,
    )


def answered(
    base: Mapping[str, Kinds], head: Mapping[str, Kinds], *, starts: int | None = None
) -> Evidence:
    """Give a gate each of whose windows had these answers, the head's only in ``starts``."""

    def of(figures: Figures, kinds: Mapping[str, Kinds]) -> Figures:
        return replace(figures, answers=tuple(an_answer(name, own) for name, own in kinds.items()))

    pairs = []
    for number, pair in enumerate(EVIDENCE.pairs):
        its = head if starts is None or number < starts else base
        windows = tuple(
            replace(window, base=of(window.base, base), head=of(window.head, its))
            for window in pair.windows
        )
        pairs.append(replace(pair, windows=windows))
    return replace(EVIDENCE, pairs=tuple(pairs))


def told(evidence: Evidence) -> list[tuple[str, str]]:
    found = answers.differences(PLAN, evidence, level=LEVEL)
    return [(difference.place.name, difference.kind) for difference in found]


def test_one_request_of_many_that_always_fails_is_found() -> None:
    """It is one of 1,500, so of all requests less than one in a thousand fails."""
    usual = {"/": {"2xx": 1500}, "/checkout": {"2xx": 1}}
    evidence = answered(usual, {**usual, "/checkout": {answers.FAILED: 1}})

    assert told(evidence) == [("/checkout", answers.FAILED)]
    assert not findings.all_fail_more(PLAN, evidence)
    assert findings.head_fails_more(PLAN, evidence)


@pytest.mark.parametrize(
    ("base", "head", "found"),
    [
        ({"2xx": 300}, {"2xx": 300}, False),
        ({"2xx": 300}, {"3xx": 300}, True),
        # Base redirects now and then, head always.
        ({"2xx": 297, "3xx": 3}, {"3xx": 300}, True),
        # Both redirect every fifth time, and differ by chance.
        ({"2xx": 240, "3xx": 60}, {"2xx": 234, "3xx": 66}, False),
        # Head repairs what base fails, or sends to the login.
        ({answers.FAILED: 300}, {"2xx": 300}, False),
        ({"2xx": 140, "3xx": 160}, {"2xx": 300}, False),
        ({"2xx": 60, answers.FAILED: 240}, {"2xx": 300}, False),
        # Less than one in a thousand.
        ({"2xx": 30_000}, {"2xx": 29_980, "3xx": 20}, False),
    ],
)
def test_an_answer_of_another_kind_counts_where_it_is_frequent(
    base: Kinds, head: Kinds, *, found: bool
) -> None:
    evidence = answered({"/item": base}, {"/item": head})

    assert [kind for _, kind in told(evidence)] == (["3xx"] if found else [])


def listed(*, headers: Mapping[str, str] = MappingProxyType({})) -> Workload:
    return Workload(name="list", path="/", requests=(RequestSpec(path="/item", headers=headers),))


FILE = Workload(name="file", path="/", locustfile=Locustfile(path="/locustfile.py"))


@pytest.mark.parametrize(
    ("asked", "is_page"),
    [
        (None, False),
        (listed(), False),
        (listed(headers={"If-None-Match": '"7"'}), True),
        (replace(listed(), headers={"if-modified-since": "Sun, 29 Nov 2026 10:00:00 GMT"}), True),
        (FILE, True),
    ],
)
def test_a_304_is_the_page_only_for_users_who_may_have_it(
    asked: Workload | None, *, is_page: bool
) -> None:
    """Nobody else may get it: it has no body."""
    plan = replace(PLAN, asked=asked)
    evidence = answered({"/item": {"2xx": 300}}, {"/item": {"304": 300}})

    found = answers.differences(plan, evidence, level=LEVEL)

    assert [each.kind for each in found] == ([] if is_page else ["304"])


def test_a_page_in_the_place_of_a_304_is_none_of_another_kind() -> None:
    assert not told(answered({"/item": {"304": 300}}, {"/item": {"2xx": 300}}))


def test_a_page_in_the_place_of_redirects_only_is_of_another_kind() -> None:
    evidence = answered({"/item": {"3xx": 300}}, {"/item": {"2xx": 300}})

    assert told(evidence) == [("/item", "2xx")]


def test_what_base_shows_late_is_no_failure_of_the_same_version() -> None:
    """Many names that now and then redirect: each is compared by shares, not by who was first."""
    names = {f"/page/{number}": {"2xx": 4, "3xx": 1} for number in range(40)}

    assert not told(answered(names, names))


def test_what_hit_two_starts_may_be_a_stall() -> None:
    stalled = {"/": {"2xx": 200, answers.FAILED: 100}}

    assert not told(answered({"/": {"2xx": 300}}, stalled, starts=2))
    assert told(answered({"/": {"2xx": 300}}, stalled, starts=3))


def test_a_stall_beside_single_failures_in_other_starts_may_be_one_too() -> None:
    rare = {"/": {"2xx": 299, answers.FAILED: 1}}
    stalled = answered(rare, {"/": {"2xx": 200, answers.FAILED: 100}}, starts=2)

    assert not told(stalled)


def test_two_replicas_are_compared_with_two_of_base() -> None:
    def of(window: ScalingWindow) -> ScalingWindow:
        redirects = window.side is SideName.HEAD and window.replicas == 2
        kinds = {"2xx": 150, "3xx": 150} if redirects else {"2xx": 300}
        own = (an_answer("/me", kinds),)
        return replace(window, figures=replace(window.figures, answers=own))

    blocks = tuple(
        replace(block, windows=tuple(map(of, block.windows))) for block in EVIDENCE.blocks
    )

    (difference,) = answers.differences(PLAN, replace(EVIDENCE, blocks=blocks), level=LEVEL)

    assert "/me to head at 2 replicas had a status 3xx" in str(difference)


def test_a_head_that_answers_otherwise_is_regressed_however_fast_it_is() -> None:
    evidence = answered({"/": {"2xx": 300}}, {"/": {"3xx": 300}})
    sides = make_side(SideName.BASE), make_side(SideName.HEAD)

    result = verdict.conclude(make_facts(), MACHINE, sides, PLAN, evidence)

    assert result.verdict is GateVerdict.REGRESSED
    (errors,) = [each for each in result.endpoints if each.endpoint is EndpointName.ERRORS]
    assert (errors.base, errors.head) == (0.0, 1.0)
    assert "requests / to head had a status 3xx, 0 of" in errors.reason


@pytest.mark.parametrize(("body_bytes", "warned"), [(100, False), (60, False), (40, True)])
def test_bodies_of_less_than_half_the_length_are_worth_knowing(
    body_bytes: int, *, warned: bool
) -> None:
    evidence = answered({"/": {"2xx": 1}}, {"/": {"2xx": 1}})
    pairs = tuple(
        replace(
            pair,
            windows=tuple(
                replace(
                    window,
                    head=replace(window.head, answers=(an_answer("/", {"2xx": 1}, body_bytes),)),
                )
                for window in pair.windows
            ),
        )
        for pair in evidence.pairs
    )

    found = findings.check(PLAN, replace(evidence, pairs=pairs))

    assert [finding.warning for finding in found] == ([True] if warned else [])
    assert all("does less" in finding.detail for finding in found)


def test_a_head_whose_users_never_get_to_a_request_of_their_own_has_regressed() -> None:
    """Their logins fail, so that nothing at all ended in the windows of head."""

    def with_logins(figures: Figures, *, failed: int) -> Figures:
        return replace(figures, answers=answers.of_starts(8, failed))

    dead = make_figures(
        completed=0,
        failed=0,
        throughput_rps=0.0,
        cpu_us_per_request=None,
        p50_ms=None,
        p99_ms=None,
    )
    evidence = make_evidence(PLAN, blocks=0)
    pairs = tuple(
        replace(
            pair,
            windows=tuple(
                replace(
                    each,
                    base=with_logins(each.base, failed=0),
                    head=with_logins(dead, failed=8),
                )
                for each in pair.windows
            ),
        )
        for pair in evidence.pairs
    )

    endpoints = verdict.judge_endpoints(PLAN, replace(evidence, pairs=pairs))

    assert endpoints[-1].endpoint is EndpointName.ERRORS
    assert endpoints[-1].verdict is GateVerdict.REGRESSED
    assert endpoints[-1].reason.endswith("0 of 384 to base.")
