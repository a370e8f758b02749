"""How the program ends, and what does not end it."""

from __future__ import annotations

import signal
import time

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.stub_server import stub_server

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # the program starts in a second


def test_it_ends_when_told_to() -> None:
    with Child() as child:
        child.ask(op="hello")
        child.say({"op": "quit"})

        assert child.process.wait(10) == 0


def test_it_does_not_outlive_the_harness_even_in_a_trial() -> None:
    with Child() as child, stub_server() as (url, _):
        trial = {"op": "trial", "id": "t", "base_url": url, "users": 2, "settle_s": 30}
        child.say(trial | {"window_s": 30})
        time.sleep(1.5)
        assert child.process.poll() is None
        assert child.process.stdin is not None
        child.process.stdin.close()

        assert child.process.wait(5) == 0


def test_an_interrupt_is_the_harnesss_to_handle() -> None:
    with Child() as child:
        child.ask(op="hello")
        child.process.send_signal(signal.SIGINT)

        assert child.ask(op="hello")["event"] == "hello"
