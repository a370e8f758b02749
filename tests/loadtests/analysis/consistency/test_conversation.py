"""What one client asks in a check."""

from __future__ import annotations

import pytest

from loadtests.analysis.consistency.conversation import reads_of_answer
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

NOTE = RequestSpec(path="/notes/{1..99}")
ANSWER = Seen(replica="gthread-1", status=201)


def test_an_id_in_the_range_of_a_read_is_read() -> None:
    (derived,) = reads_of_answer([NOTE], ANSWER, ["7"])

    assert derived.request.path == "/notes/7"


@pytest.mark.parametrize("number", ["\xb2", "9" * 5000, "100", "x"])
def test_an_id_that_is_no_number_of_the_range_is_not(number: str) -> None:
    assert reads_of_answer([NOTE], ANSWER, [number]) == ()
