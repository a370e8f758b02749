"""Trials of users whose client is the locustfile's own, and tells Locust of its requests."""

from __future__ import annotations

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
