"""A list of credentials that has enough for one server, and too few for two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.case import HEAD

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator, or three, and its trials

SHOP = """
USER_CREDENTIALS = [("ada", "1"), ("bob", "2"), ("eve", "3")]
class Behaviour(TaskSet):
    def on_start(self):
        if len(USER_CREDENTIALS) > 0:
            self.user.name, _ = USER_CREDENTIALS.pop()
            self.client.post("/login", {"user": self.user.name})
    @task
    def cart(self): self.client.get("/cart")
class Shop(HttpUser):
    tasks = [Behaviour]
"""

VISITORS = """
class Visitor(HttpUser):
    @task
    def front(self): self.client.get("/")
"""


@pytest.fixture
def load(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "locustfile.py"
    path.write_text(HEAD + SHOP)
    return {"path": str(path)}


@pytest.fixture
def url() -> Iterator[str]:
    with stub_server(SmallApp(login_page=True).answering) as (url, _):
        yield url


@pytest.mark.parametrize("options", [(), ("--processes", "2")])
def test_users_at_two_servers_who_find_no_credentials_are_refused(
    options: tuple[str, ...], load: dict[str, Any], url: str
) -> None:
    each = 2 if options else 1
    with Child(*options) as child:
        answered = child.trial(base_url=url, locustfile=load, users=4 * each, fewest_users=2 * each)

    error = answered.lines[-1]
    assert (error["event"], error["kind"]) == ("error", "list")
    who = "users of one generator process" if options else "users"
    assert error["detail"].startswith(
        f"USER_CREDENTIALS has 3 entries; 4 {who} need one each. Add entries"
    )


def test_as_many_users_as_credentials_are_not_refused(load: dict[str, Any], url: str) -> None:
    with Child() as child:
        answered = child.trial(base_url=url, locustfile=load, users=3, fewest_users=2)

    assert answered.finished["event"] == "finished"
    assert answered.finished["start_requests"] == 3


@pytest.fixture
def mixed(tmp_path: Path) -> dict[str, Any]:
    """Return a load of which every second user takes an entry."""
    path = tmp_path / "mixed.py"
    path.write_text(HEAD + SHOP + VISITORS)
    return {"path": str(path)}


def test_a_list_is_too_short_for_those_users_who_take_from_it(
    mixed: dict[str, Any], url: str
) -> None:
    with Child() as child:
        answered = child.trial(base_url=url, locustfile=mixed, users=8, fewest_users=4)

    error = answered.lines[-1]
    assert (error["event"], error["kind"]) == ("error", "list")
    assert error["detail"].startswith("USER_CREDENTIALS has 3 entries; 4 users need one each.")


def test_an_empty_list_from_which_each_user_has_taken_is_not_too_short(
    mixed: dict[str, Any], url: str
) -> None:
    with Child() as child:
        answered = child.trial(base_url=url, locustfile=mixed, users=6, fewest_users=3)

    assert answered.finished["event"] == "finished"
    assert answered.finished["start_requests"] == 3


def test_a_trial_with_fewer_users_than_were_started_before_needs_no_more_entries(
    load: dict[str, Any], url: str
) -> None:
    """One server is calibrated with four users; then two are enough."""
    with Child() as child:
        first = child.trial(base_url=url, locustfile=load, users=4, fewest_users=4)
        second = child.trial(base_url=url, locustfile=load, users=2, fewest_users=2)

    assert [first.finished["event"], second.finished["event"]] == ["finished", "finished"]


def test_users_who_come_later_at_one_address_find_what_others_left_there(
    load: dict[str, Any], url: str
) -> None:
    """One server is calibrated, then two servers take all credentials, then it gets one more."""
    with stub_server(SmallApp().answering) as (other, _), Child() as child:
        trials = [
            child.trial(base_url=base_url, locustfile=load, users=users, fewest_users=users)
            for base_url, users in ((url, 2), (other, 3), (url, 3))
        ]

    assert [trial.finished["start_requests"] for trial in trials] == [2, 3, 1]
