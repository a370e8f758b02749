"""Whose servers count a rate limit alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.consistency.rate_limits import (
    Heard,
    counting_alone,
    counts_alone,
    limits,
)
from loadtests.model.consistency import Seen


def seen(replica: str, left: int, request: str = "GET /") -> Heard:
    return Heard(seen=Seen(replica=replica, status=200, limit_left=left), request=request)


def refused(replica: str, retry_after_s: int | None = None) -> Heard:
    answer = Seen(replica=replica, status=429)
    return Heard(seen=answer, request="GET /", retry_after_s=retry_after_s)


def accepted(replica: str) -> Heard:
    return Heard(seen=Seen(replica=replica, status=200), request="GET /")


def test_worker_models_whose_servers_count_alone_are_named() -> None:
    alone = [seen("sync-1", 5), seen("sync-2", 9), seen("sync-1", 4)]
    together = [refused("gthread-1"), refused("gthread-2")]

    found = [
        limits(Asked(worker="sync", workload="browse"), alone),
        limits(Asked(worker="gthread", workload="browse"), together),
    ]

    assert counting_alone([one for one in found if one is not None]) == {"sync"}
    assert all(found)


ASKED = Asked(worker="sync", workload="browse")


def is_alone(*found: Heard) -> bool:
    result = limits(ASKED, found)
    return result is not None and counts_alone(result)


def test_several_requests_to_one_server_before_the_next_are_one_turn() -> None:
    """Each server is asked all requests of a load before the next is."""
    assert is_alone(
        *(seen("sync-1", 6, "GET /a"), seen("sync-1", 5, "GET /b")),
        *(seen("sync-2", 10, "GET /a"), seen("sync-2", 9, "GET /b")),
        *(seen("sync-1", 4, "GET /a"), seen("sync-1", 3, "GET /b")),
    )


def test_a_limit_that_all_servers_share_is_not_counted_alone_whatever_is_asked() -> None:
    left = iter(range(12, 0, -1))

    assert not is_alone(
        *(
            seen(server, next(left), path)
            for server in ("sync-1", "sync-2", "sync-1")
            for path in ("GET /a", "GET /a", "GET /b", "GET /b")
        )
    )


@pytest.mark.parametrize(
    "left",
    [
        (("sync-1", 0), ("sync-2", 1), ("sync-1", 0)),  # two a second
        (("sync-1", 1), ("sync-1", 0), ("sync-2", 2), ("sync-2", 1), ("sync-1", 0)),
        (("sync-1", 0), ("sync-2", 1), ("sync-1", 0), ("sync-2", 1), ("sync-1", 0)),
    ],
)
def test_a_limit_that_all_servers_share_may_begin_anew_in_between(
    left: tuple[tuple[str, int], ...],
) -> None:
    assert not is_alone(*(seen(server, number) for server, number in left))


def test_what_was_asked_meanwhile_may_have_been_taken_from_the_limit() -> None:
    """A stranger's requests count where the limit is one of the address."""
    stranger = replace(seen("sync-1", 2), as_stranger=True)
    silent = accepted("sync-1")
    first, second, third = seen("sync-1", 0), seen("sync-2", 3), seen("sync-1", 0)

    assert is_alone(first, second, third)
    assert not is_alone(first, second, stranger, silent, third)


def test_a_limit_of_each_request_is_not_compared_with_another_requests() -> None:
    assert not is_alone(
        seen("sync-1", 2, "GET /a"), seen("sync-2", 9, "GET /b"), seen("sync-1", 1, "GET /a")
    )


def test_a_server_that_accepts_what_another_refuses_for_an_hour_counts_alone() -> None:
    found = (refused("sync-1", 3600), accepted("sync-2"), refused("sync-1", 3600))

    assert is_alone(*found)
    result = limits(ASKED, found)
    assert result is not None
    assert result.detail == (
        "Each server counts the rate limit alone: sync-1 refused GET / for the next 3600 s,"
        " sync-2 accepted it after that, and sync-1 still refused it."
        " Two servers allow twice as much."
    )


def test_one_that_may_have_been_free_again_does_not() -> None:
    assert not is_alone(refused("sync-1", 1), accepted("sync-2"), refused("sync-1", 1))
    assert not is_alone(refused("sync-1"), accepted("sync-2"), refused("sync-1"))
    assert not is_alone(refused("sync-1", 3600), accepted("sync-1"), refused("sync-1", 3600))


def test_a_limit_that_says_the_same_seconds_always_may_be_over_for_both() -> None:
    """A refusal with a fixed ``Retry-After`` says nothing of when the limit ends."""
    assert not is_alone(refused("sync-1", 3600), accepted("sync-2"))
    assert not is_alone(refused("sync-1", 3600), accepted("sync-2"), accepted("sync-1"))
    assert not is_alone(
        *(refused("sync-1", 3600), accepted("sync-2"), accepted("sync-1")),
        *(accepted("sync-2"), accepted("sync-1")),
    )
    assert not is_alone(  # used up again
        *(refused("sync-1", 3600), accepted("sync-2"), refused("sync-2", 3600)),
        refused("sync-1", 3600),
    )


def test_one_of_four_servers_is_asked_again_after_the_others() -> None:
    others = [accepted(f"sync-{number}") for number in (2, 3, 4)]

    assert is_alone(refused("sync-1", 3600), *others, refused("sync-1", 3600))
    assert not is_alone(refused("sync-1", 3600), *others, accepted("sync-1"))
