from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.options import Options
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.server_counters import RequestCounts, ServerCounters
from loadtests.planning.run_plan import make_plan
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeStack, World, metrics_page, says, status_page

OPTIONS = replace(Options(), workers=("gthread",), replicas=(1, 2))
PLAN = make_plan(OPTIONS, make_machine(), backend="fake", seed=1)


def an_answer(body: str, status: int | None = 200) -> dict[str, Any]:
    return {"url": "http://somewhere/", "status": status, "headers": {}, "body": body}


def a_counters(*fetches: Iterable[dict[str, Any]], **options: bool) -> ServerCounters:
    """Give a counters whose generator fetches these answers, one list after the other."""
    stack = FakeStack(World(), PLAN)
    child = says(*({"event": "fetched", "answers": list(answers)} for answers in fetches))
    return ServerCounters(stack, Agent(child), **options)


def test_a_trials_requests_are_what_was_counted_since_without_the_asking() -> None:
    counters = a_counters(
        (an_answer(status_page(10)), an_answer(metrics_page(3))),
        (an_answer(status_page(10 + 40 + 1)), an_answer(metrics_page(3 + 40))),
    )

    counters.start(["gthread-1"])

    assert counters.finish(["gthread-1"]) == RequestCounts(proxy=40, replicas=40)


def test_the_replicas_counts_are_added_up() -> None:
    counters = a_counters(
        (an_answer(status_page(1)), an_answer(metrics_page(3)), an_answer(metrics_page(4))),
        (an_answer(status_page(12)), an_answer(metrics_page(8)), an_answer(metrics_page(9))),
    )

    counters.start(["gthread-1", "gthread-2"])

    assert counters.finish(["gthread-1", "gthread-2"]) == RequestCounts(proxy=10, replicas=10)


def test_what_was_asked_after_a_trial_is_not_asked_again_before_the_next() -> None:
    counters = a_counters(
        (an_answer(status_page(1)), an_answer(metrics_page(0))),
        (an_answer(status_page(12)), an_answer(metrics_page(10))),
        (an_answer(status_page(33)), an_answer(metrics_page(30))),
    )
    counters.start(["gthread-1"])
    counters.finish(["gthread-1"])

    counters.start(["gthread-1"])

    assert counters.finish(["gthread-1"]) == RequestCounts(proxy=20, replicas=20)


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (an_answer("", None), None),
        (an_answer("Not found", 404), None),
        (an_answer("# nothing of ours\nother_total 7\n"), None),
        (an_answer('app_requests_finished_total{process="1"} 8\n'), 8),
        (an_answer("app_requests_finished_total 8.0\n"), 8),
        (an_answer("app_requests_finished_total 1.5e+06\n"), 1_500_000),
    ],
)
def test_a_replica_that_does_not_tell_leaves_the_count_unknown(
    answer: dict[str, Any], counted: int | None
) -> None:
    counters = a_counters(
        (an_answer(status_page(1)), an_answer(metrics_page(0))),
        (an_answer(status_page(12)), answer),
    )

    counters.start(["gthread-1"])

    assert counters.finish(["gthread-1"]) == RequestCounts(proxy=10, replicas=counted)


@pytest.mark.parametrize("page", [an_answer("", None), an_answer("<html>"), an_answer("", 503)])
def test_a_proxy_that_does_not_tell_leaves_its_count_unknown(page: dict[str, Any]) -> None:
    counters = a_counters(
        (page, an_answer(metrics_page(0))), (an_answer(status_page(9)), an_answer(metrics_page(5)))
    )

    counters.start(["gthread-1"])

    assert counters.finish(["gthread-1"]) == RequestCounts(proxy=None, replicas=5)


def test_a_replica_that_began_anew_is_seen_in_the_count() -> None:
    counters = a_counters(
        (an_answer(status_page(1)), an_answer(metrics_page(100))),
        (an_answer(status_page(12)), an_answer(metrics_page(4))),
    )

    counters.start(["gthread-1"])

    assert counters.finish(["gthread-1"]).replicas == -96


def test_replicas_of_others_are_not_asked_for_the_samples_counts() -> None:
    counters = a_counters(
        [an_answer(status_page(10))], [an_answer(status_page(51))], count_in_replicas=False
    )

    counters.start(["gthread-1"])

    assert counters.finish(["gthread-1"]) == RequestCounts(proxy=40, replicas=None)
