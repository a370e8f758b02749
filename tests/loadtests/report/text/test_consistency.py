"""What the section "One answer from all servers?" says."""

from dataclasses import replace
from typing import Any

from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.failures import FailureCount, FailureResult, FailureShape
from loadtests.model.tested.target import Target, TargetKind
from loadtests.report.formats import html, markdown
from loadtests.report.text import advice, consistency
from tests.loadtests.builders import make_plan, make_probe, make_result, make_trials


def broken_probe(**fields: Any) -> ProbeResult:
    detail = "After PUT /x through gthread-1, GET /x was answered by gthread-2 with 404 (8 of 8)."
    return make_probe(state=ProbeState.BREAKS, detail=detail, **fields)


def undeclared(**fields: Any) -> ProbeResult:
    defaults: dict[str, Any] = {
        "check": "GET /me",
        "read": "GET /me",
        "write": "",
        "kind": ProbeKind.ANSWER,
        "workload": "browse",
        "detail": "All 2 servers answered GET /me alike (4 answers).",
    }
    return make_probe(**defaults | fields)


REFUSED = undeclared(
    state=ProbeState.BREAKS,
    detail="The cookie that gthread-1 gave is refused by gthread-2.",
    remedy="Give all servers one SECRET_KEY.",
    right={"gthread-1": 10},
    wrong={"gthread-2": 10},
    answers=(
        Seen(replica="gthread-1", status=200, body="ada"),
        Seen(replica="gthread-2", status=302, location="/login"),
    ),
)


def a_failure(shape: FailureShape, **fields: Any) -> FailureResult:
    count = FailureCount(replicas=1, failed=0, total=1000, windows=4, failed_windows=0)
    defaults: dict[str, Any] = {
        "worker": "gthread",
        "workload": "browse",
        "name": None,
        "shape": shape,
        "counts": (count, replace(count, replicas=2)),
        "detail": "None of 2,000 requests failed.",
    }
    return FailureResult(**defaults | fields)


def test_consistency_checks_are_listed_with_the_broken_ones_first() -> None:
    result = make_result(
        probes=(
            make_probe(),
            make_probe(check="session"),
            broken_probe(check="counter"),
            make_probe(worker="sync", state=ProbeState.UNCHECKED, detail="PUT /x got 503"),
        )
    )

    assert consistency.sentences(result) == [
        (ProbeState.BREAKS, f"gthread, counter: {broken_probe().detail}"),
        (
            ProbeState.UNCHECKED,
            "Not checked: sync (note). PUT /x got 503.",
        ),
        (ProbeState.OK, "Every replica read what another had written: gthread (note, session)."),
    ]


def test_without_a_store_the_option_that_starts_one_is_named() -> None:
    probes = (make_probe(state=ProbeState.UNCHECKED, detail='PUT /x got 503 from 1: {"detail"'),)

    ((_, told),) = consistency.sentences(make_result(make_plan(), probes=probes))

    assert told.startswith("Not checked: gthread (note). This run has no data store")
    assert "--probe" in told
    assert "503" not in told


def test_of_a_users_own_target_the_reason_is_the_answer_and_no_store_is_advised() -> None:
    probe = make_probe(state=ProbeState.UNCHECKED, detail="POST /login got 404 from web-1")
    plan = replace(make_plan(), tested=Target(kind=TargetKind.IMAGE, given="shop:1.2", name="shop"))

    told = consistency.sentences(make_result(plan, probes=(probe,)))

    assert told == [
        (ProbeState.UNCHECKED, "Not checked: gthread (note). POST /login got 404 from web-1.")
    ]


def test_with_a_store_the_reason_is_the_answer_itself() -> None:
    probe = make_probe(state=ProbeState.UNCHECKED, detail="PUT /x got 503")

    told = consistency.sentences(make_result(make_plan(with_store=True), probes=(probe,)))

    assert told == [(ProbeState.UNCHECKED, "Not checked: gthread (note). PUT /x got 503.")]


def test_a_check_that_nobody_meets_is_told_with_what_to_do() -> None:
    probe = make_probe(
        state=ProbeState.UNCHECKED, detail="No replica met it.", remedy="Correct the check."
    )

    told = consistency.sentences(make_result(make_plan(with_store=True), probes=(probe,)))

    assert told == [
        (
            ProbeState.UNCHECKED,
            "Not checked: gthread (note). No replica met it. Correct the check.",
        )
    ]


def test_a_run_without_consistency_checks_says_nothing_of_them() -> None:
    assert consistency.sentences(make_result()) == []


def test_what_breaks_says_what_to_do_and_so_does_the_advice() -> None:
    result = make_result(probes=(REFUSED,))

    assert consistency.sentences(result) == [
        (
            ProbeState.BREAKS,
            "gthread, GET /me: The cookie that gthread-1 gave is refused by gthread-2."
            " Give all servers one SECRET_KEY.",
        )
    ]
    assert advice.next_steps(result)[0] == "Give all servers one SECRET_KEY."


def test_what_is_alike_and_what_could_not_be_compared_is_listed_by_worker_model() -> None:
    why = "GET /x was not asked: it uploads a file."
    result = make_result(
        probes=(
            undeclared(),
            undeclared(worker="sync"),
            undeclared(check="GET /x", state=ProbeState.UNCHECKED, detail=why),
        )
    )

    assert consistency.sentences(result) == [
        (ProbeState.UNCHECKED, f"Not compared: gthread (GET /x). {why}"),
        (
            ProbeState.OK,
            "All servers answered one client alike: gthread (GET /me); sync (GET /me).",
        ),
    ]


def test_of_many_harmless_differences_three_are_told() -> None:
    notes = [
        undeclared(check=f"GET /{n}", state=ProbeState.NOTE, detail="It differs.") for n in range(5)
    ]

    told = [text for _, text in consistency.sentences(make_result(probes=tuple(notes)))]

    assert told == [
        *(f"gthread, GET /{n}: It differs." for n in range(3)),
        "2 more differences may be harmless, too.",
    ]


def test_where_nothing_failed_the_smallest_visible_share_is_told() -> None:
    sound = a_failure(FailureShape.NONE, visible_ratio={2: 0.01})

    assert consistency.sentences(make_result(failures=(sound,))) == [
        (
            ProbeState.OK,
            "None of 2,000 requests failed. A fault in 1 in 100 requests from 2 replicas on would"
            " have been found in 99 of 100 runs.",
        )
    ]


def test_requests_that_fail_with_more_servers_come_with_their_remedy() -> None:
    failing = a_failure(
        FailureShape.MORE_SERVERS, breaks_at=(2,), detail="They fail.", remedy="Share the key."
    )
    result = make_result(failures=(failing,))

    assert consistency.sentences(result) == [
        (ProbeState.BREAKS, "gthread on browse: They fail. Share the key.")
    ]
    assert advice.next_steps(result)[0] == "Share the key."


def test_the_pages_show_what_was_asked_of_whom_and_both_answers() -> None:
    result = make_result(probes=(REFUSED,))

    page = html.render(result, make_trials(make_plan()), live=False)
    text = markdown.render(result)

    for shown in (page, text):
        assert consistency.TITLE in shown
        assert "gthread-1: 10 right, gthread-2: 10 wrong" in shown
    assert "302 → /login" in page
    assert page.count("<pre>") == 2


def test_servers_that_only_accept_a_request_are_not_said_to_answer_alike() -> None:
    detail = "All 2 servers accepted GET /hits (4 answers), which are not all the same."
    counted = undeclared(check="GET /hits", read="GET /hits", detail=detail)

    result = make_result(probes=(undeclared(), counted))

    said = consistency.sentences(result)
    assert (ProbeState.OK, "All servers answered one client alike: gthread (GET /me).") in said
    assert (
        ProbeState.OK,
        "All servers accepted what changes from answer to answer: gthread (GET /hits).",
    ) in said
