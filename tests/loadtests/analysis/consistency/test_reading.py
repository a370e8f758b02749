"""What the status of an answer says of the client's state."""

from __future__ import annotations

import pytest

from loadtests.analysis.consistency.reading import Standing, standing
from loadtests.model.consistency import Seen


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, "Forbidden", Standing.REFUSED),
        (403, '{"detail": "Rate limit exceeded"}', Standing.SILENT),
        (400, "too many requests", Standing.SILENT),
        (500, "KeyError" + " in a frame" * 200 + " of ratelimit/core.py", Standing.ERROR),
        (429, "", Standing.SILENT),
        (200, "Our rate limit is 100 requests an hour.", Standing.ACCEPTED),
        (500, "", Standing.ERROR),
    ],
)
def test_an_answer_that_limits_the_rate_says_nothing_whatever_its_status(
    status: int, body: str, expected: Standing
) -> None:
    assert standing(Seen(replica="gthread-1", status=status, body=body)) is expected
