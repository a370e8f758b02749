from __future__ import annotations

from time import monotonic

import pytest
from locust.exception import StopUser

from loadtests.generator.loops.closed import ClosedGate


def test_a_user_is_admitted_at_once_until_the_end() -> None:
    before = monotonic()

    assert before <= ClosedGate(before + 5).admit() <= monotonic()


def test_nobody_is_admitted_after_the_end() -> None:
    with pytest.raises(StopUser):
        ClosedGate(monotonic()).admit()
