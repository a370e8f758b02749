"""Trials of users whose client is the locustfile's own, and tells Locust of its requests."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.stub_server import late, stub_server
from tests.loadtests.generator.user_load.test_trials import counts, written

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator and its trials

OWN_CLIENT = """
from http.client import HTTPConnection
class Shop(User):
    host = "localhost:5000"
    @task
    def index(self):
        asked = HTTPConnection(self.host)
        asked.request("GET", "/own")
        self.environment.events.request.fire(
            request_type="GET", name="/own", response_time=1,
            response_length=len(asked.getresponse().read()), exception=None, context={})
"""


def test_a_client_of_the_files_own_asks_the_address_of_each_trial_and_its_answers_are_awaited(
    tmp_path: Path,
) -> None:
    load = written(tmp_path, OWN_CLIENT)
    slow = late(0.3)
    with (
        Child() as child,
        stub_server(slow) as (first, asked_first),
        stub_server(slow) as (second, asked_second),
    ):
        for url, asked in ((first, asked_first), (second, asked_second), (first, asked_first)):
            before = len(asked)
            answered = child.trial(base_url=url, locustfile=load, users=2)

            assert counts(answered).keys() == {"GET /own"}
    # No user is new in the last trial, so each of its requests is counted.
    assert len(asked) - before == len(answered.columns["name"])


def test_a_client_of_the_files_own_sends_as_many_requests_a_second_as_an_open_loop_asks_for(
    tmp_path: Path,
) -> None:
    load = written(tmp_path, OWN_CLIENT)
    with Child() as child, stub_server(late(0.02)) as (url, asked):
        answered = child.trial(
            base_url=url,
            locustfile=load,
            users=4,
            window_s=1.0,
            mode="open",
            rate_rps=20.0,
            arrivals="constant",
            max_in_flight=32,
        )

    assert len(asked) == answered.count("ok") == 22  # in a window of 1 s and 0.1 s before it


def test_users_with_a_client_of_their_own_live_on_where_they_pause_as_a_trial_ends(
    tmp_path: Path,
) -> None:
    pausing = OWN_CLIENT.replace("    @task", "    wait_time = constant(0.6)\n    @task")
    load = {**written(tmp_path, pausing), "keep_waits": True}
    with Child() as child, stub_server() as (url, asked):
        child.trial(base_url=url, locustfile=load, users=2, drain_limit_s=5.0)
        began, before = time.monotonic(), len(asked)
        time.sleep(0.7)
        between = len(asked)
        answered = child.trial(base_url=url, locustfile=load, users=2, drain_limit_s=5.0)
        took_s = time.monotonic() - began - 0.7

    assert (before, between) == (2, 2)  # nothing is sent between trials
    assert counts(answered) == {"GET /own": 2}  # no user had to begin anew
    assert took_s < 4.0


def test_users_end_whose_own_client_takes_no_further_attributes(tmp_path: Path) -> None:
    """Such as a socket."""
    text = (
        OWN_CLIENT
        + """
    def on_start(self): self.client = Slotted()
    def on_stop(self): self.index()
class Slotted:
    __slots__ = ()
"""
    )
    with Child() as child, stub_server() as (url, asked):
        child.trial(base_url=url, locustfile=written(tmp_path, text), users=2)
        before = len(asked)
        ended = child.ask(op="end", id="e", limit_s=5.0)

    assert ended == {"event": "ended", "id": "e"}
    assert len(asked) == before + 2
