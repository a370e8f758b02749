"""Users who register, each once, also with several generator processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.locustfile_case import written

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator, or three, and its trials

REGISTRATION = """
import itertools
numbers = itertools.count()
other = 0
class Shop(HttpUser):
    seen = 0
    def on_start(self):
        global other
        other += 1
        Shop.seen += 1
        for name in (f"user-{next(numbers)}", f"other-{other}", f"seen-{Shop.seen}"):
            self.client.post("/register", json={"name": name})
    @task
    def index(self): self.client.get("/")
"""


def test_users_register_once_also_with_several_processes(tmp_path: Path) -> None:
    app = SmallApp()
    with Child("--processes", "3") as child, stub_server(app.answering) as (url, _):
        load = written(tmp_path, REGISTRATION)
        checked = child.ask(op="check", id="c", base_url=url, locustfile=load)
        answered = child.trial(base_url=url, locustfile=load, users=7)

    names = [json.loads(body)["name"] for body in app.bodies if b"name" in body]
    assert len(names) == len(set(names)) == 3 * 8
    assert all(request["good"] for request in checked["steps"][0]["attempts"][0]["requests"])
    assert (answered.finished["start_requests"], answered.finished["start_failed"]) == (21, 0)
    assert answered.finished["workers"] == 3
    assert answered.count("ok") == len(answered.columns["name"])
