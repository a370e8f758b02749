"""What a task's own verdict makes of a request."""

from __future__ import annotations

import pytest

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.session.response import UserResponse


def counted(response: UserResponse, *, message: str = "") -> Outcome:
    """Give how a request counts whose task looks at its status in a ``with`` block."""
    with response.judged_by_task(lambda _: None) as answer:
        if answer.status_code != 200:
            answer.failure(message or f"got {answer.status_code}")
    return response.outcome


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.RESET])
def test_a_request_without_an_answer_keeps_its_reason(outcome: Outcome) -> None:
    """Neither is the application's own word, as an answer that the load rejects is."""
    assert counted(UserResponse("http://shop/", outcome)) is outcome


def test_an_answer_that_the_task_rejects_is_rejected() -> None:
    assert counted(UserResponse("http://shop/", Outcome.STATUS, 404)) is Outcome.REJECTED
    assert counted(UserResponse("http://shop/", Outcome.OK, 200)) is Outcome.OK
