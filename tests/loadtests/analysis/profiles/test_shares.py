"""The time of a request by line, from looks and the rate."""

from dataclasses import replace

import pytest

from loadtests.analysis.profiles.shares import result_of
from loadtests.model.profiles.records import Stack, Waiting
from tests.loadtests.analysis.profiles.builders import (
    EXECUTE,
    FLASK,
    LOCK_ROW,
    SERVER,
    SITE,
    STACKS,
    frame,
    make_profile,
)

SEEN = [(0, 0, 0, 1), (0, 0, 0, 2)] * 20
"""Three requests wait in each look, one computes in every other one."""


def test_time_is_the_mean_number_of_requests_over_their_rate() -> None:
    result = result_of(make_profile(SEEN, throughput_rps=50.0))

    assert result.application_ms is not None
    assert result.application_ms.estimate == pytest.approx(3.5 / 50 * 1000)
    assert [str(line) for line in result.lines] == [
        "/srv/shop/db.py:88 lock_row",
        "/srv/shop/pages.py:12 render",
    ]
    assert [line.ms.estimate for line in result.lines] == pytest.approx([60.0, 10.0])
    assert [line.share_ratio for line in result.lines] == pytest.approx([6 / 7, 1 / 7])


def test_a_look_stands_for_all_processes_of_its_cell() -> None:
    one, four = (result_of(make_profile(SEEN, processes=count, mean_ms=200.0)) for count in (1, 4))

    assert four.lines[0].ms.estimate == pytest.approx(4 * one.lines[0].ms.estimate)


def test_a_line_says_what_its_requests_do_and_whom_they_wait_for() -> None:
    first, second = result_of(make_profile(SEEN)).lines

    assert (first.kind, first.peer, first.callee) == (
        Waiting.STORE,
        "10.0.0.2:5432",
        "psycopg execute",
    )
    assert (second.kind, second.peer) == (Waiting.CPU, "")


def test_a_driver_in_a_folder_of_packages_is_what_the_users_line_called() -> None:
    deps = [
        replace(
            stack,
            frames=tuple(
                replace(frame, file=frame.file.replace(SITE, "/srv/deps")) for frame in stack.frames
            ),
        )
        for stack in STACKS
    ]

    first, _ = result_of(make_profile(SEEN, stacks=tuple(deps))).lines

    assert (str(first), first.callee) == ("/srv/shop/db.py:88 lock_row", "psycopg execute")


def test_a_request_with_an_async_view_counts_once() -> None:
    lib, sync = "/usr/lib/python3.11", f"{SITE}/asgiref/sync.py"
    waits = Stack(
        frames=(*SERVER, *FLASK, frame(f"{sync}:254", "AsyncToSync.__call__")),
        kind=Waiting.UNKNOWN,
    )
    around = (*SERVER[:2], frame(f"{lib}/asyncio/events.py:84", "Handle._run"))
    runs = Stack(
        frames=(*around, frame(f"{sync}:340", "AsyncToSync.main_wrap"), LOCK_ROW),
        kind=Waiting.CPU,
    )

    result = result_of(make_profile([(0, 1)] * 40, stacks=(waits, runs)))

    assert result.application_ms is not None
    assert result.application_ms.estimate == pytest.approx(10.0)
    assert list(result.kinds) == [Waiting.UNKNOWN]


def test_the_line_below_a_decorator_that_nobody_knows_is_the_installed_applications() -> None:
    guard = frame(f"{SITE}/acme_guard/views.py:12", "guarded.<locals>.wrapper")
    rank, show = (frame(f"{SITE}/shop/search.py:{line}", "rank") for line in (31, 4))
    stacks = tuple(
        Stack(frames=(*SERVER, *FLASK, *below, EXECUTE), kind=Waiting.CPU)
        for below in ((guard, rank), (show,))
    )

    result = result_of(make_profile([(0, 0, 1)] * 40, stacks=stacks))

    assert [(line.file, line.line) for line in result.lines] == [
        (rank.file, rank.line),
        (show.file, show.line),
    ]


def test_a_decorator_on_all_views_is_known_where_a_profile_names_the_application() -> None:
    guard = frame(f"{SITE}/acme_guard/views.py:12", "check")
    rank = frame(f"{SITE}/shop/search.py:31", "rank")
    stack = Stack(frames=(*SERVER, *FLASK, guard, rank, EXECUTE), kind=Waiting.CPU)

    (line,) = result_of(make_profile([(0,)] * 40, stacks=(stack,), application="shop")).lines

    assert (line.file, line.line) == (rank.file, rank.line)


def test_the_interval_is_wider_where_the_looks_differ_more() -> None:
    steady = result_of(make_profile([(0, 0)] * 40)).lines[0].ms
    bursts = result_of(make_profile([(0,) * 4] * 20 + [()] * 20)).lines[0].ms

    assert steady.low == steady.estimate == steady.high
    assert bursts.estimate == pytest.approx(steady.estimate)
    assert bursts.low < 0.6 * bursts.estimate < 1.4 * bursts.estimate < bursts.high


def test_too_few_looks_give_no_number_but_their_reason() -> None:
    result = result_of(make_profile(SEEN[:5], failures={"py-spy cannot read it.": 30}))

    assert (result.application_ms, result.lines) == (None, ())
    assert result.unseen == "Only 5 looks gave stacks; that is too few. py-spy cannot read it."


def test_a_window_without_a_request_in_the_application_has_no_number() -> None:
    result = result_of(make_profile([(2, 2)] * 40))

    assert result.lines == ()
    assert result.unseen.startswith("No look saw a request inside the application")


def test_a_window_without_an_answer_has_no_number() -> None:
    assert result_of(make_profile(SEEN, throughput_rps=0.0)).lines == ()


def test_what_looking_cost_is_told_against_the_measured_rounds() -> None:
    assert result_of(make_profile(SEEN), 110.0).slowdown_ratio == pytest.approx(0.1)
    assert result_of(make_profile(SEEN)).slowdown_ratio is None


def test_threads_that_compute_and_wait_for_the_gil_count_together() -> None:
    waiting = STACKS[1].__class__(frames=STACKS[1].frames, kind=Waiting.GIL)
    asleep = STACKS[1].__class__(frames=STACKS[1].frames, kind=Waiting.SLEEP)
    stacks = (STACKS[1], waiting, asleep)

    line = result_of(make_profile([(0, 1, 1, 2, 2)] * 40, stacks=stacks)).lines[0]

    assert line.kind is Waiting.GIL


def test_a_thread_that_is_ready_but_gets_no_core_still_waits_for_its_store() -> None:
    """Two of four requests wait for the store, two have its answer: the store fills the cores."""
    ready = replace(STACKS[0], kind=Waiting.CPU, peer="")
    profile = make_profile([(0, 0, 1, 1)] * 40, stacks=(STACKS[0], ready), throughput_rps=50.0)

    full, queued, busy = (
        result_of(replace(profile, cpu_ms=cpu_ms)).lines[0] for cpu_ms in (None, 1.0, 20.0)
    )

    assert queued.kind is Waiting.STORE
    assert queued.kinds == pytest.approx({Waiting.STORE: 79.0, Waiting.CPU: 1.0})
    assert queued.ms == full.ms
    for line in (full, busy):  # the budget is full, or requests did use what was seen
        assert line.kinds == pytest.approx({Waiting.STORE: 40.0, Waiting.CPU: 40.0})


def test_a_line_that_never_waits_does_not_wait_for_a_core_either() -> None:
    profile = replace(make_profile([(1, 1)] * 40, throughput_rps=50.0), cpu_ms=1.0)

    (line,) = result_of(profile).lines

    assert set(line.kinds) == {Waiting.CPU}


def test_a_window_without_an_answer_is_told_as_that_and_not_as_too_few_looks() -> None:
    result = result_of(make_profile(SEEN, throughput_rps=0.0))

    assert result.unseen == (
        "No correct answer fell into the 4.0 s of the profile trial, so the time of a request"
        " cannot be told. Requests take longer, or fail."
    )


def test_a_request_cannot_be_in_the_application_for_longer_than_it_takes() -> None:
    """Few answers came while many requests were in flight: Little's law has no steady load."""
    stuck = make_profile([(0,) * 30] * 40, throughput_rps=2.0, mean_ms=250.0)

    result = result_of(stuck)

    assert (result.application_ms, result.lines) == (None, ())
    assert result.unseen == (
        "The looks give a request 15000 ms in the application, and an answer took 250 ms. So the"
        " load of the profile trial was not steady, or requests failed, and the time of a request"
        " cannot be told."
    )


def test_requests_that_fail_are_seen_too_and_count_in_the_rate() -> None:
    failing = make_profile(SEEN, throughput_rps=10.0, ended_rps=50.0, mean_ms=80.0)

    result = result_of(failing)

    assert result.unseen == ""
    assert result.application_ms is not None
    assert result.application_ms.estimate == pytest.approx(70.0)


@pytest.mark.parametrize(("rate_rps", "told"), [(10.0, True), (1000.0, False)])
def test_a_little_more_time_than_the_answers_took_is_noise_of_few_requests(
    rate_rps: float, told: bool
) -> None:
    """30 % more: 2 errors of 40 requests are that much, 2 errors of 4000 are 3 %."""
    profile = make_profile(
        [(0,)] * 40, throughput_rps=rate_rps, mean_ms=1000.0 / rate_rps / 1.3, window_s=4.0
    )

    assert bool(result_of(profile).lines) is told
