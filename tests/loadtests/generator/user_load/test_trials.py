"""Trials of the user's own loads: users who live on, on_start counted apart, mixes, other hosts."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.generator.child import Answer, Child
from tests.loadtests.generator.small_app import SmallApp, answer
from tests.loadtests.generator.stub_server import late, stub_server
from tests.loadtests.generator.user_load.case import HEAD

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator, or three, and its trials


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def written(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "locustfile.py"
    path.write_text(HEAD + text.lstrip("\n"))
    return {"path": str(path)}


def counts(answered: Answer) -> Counter[str]:
    """Return how many requests there were by name."""
    assert answered.finished["event"] == "finished", answered.finished
    names = answered.finished["names"]
    return Counter(names[index] for index in answered.columns["name"].tolist())


def in_window(answered: Answer) -> Counter[str]:
    done_us, names = answered.columns["done_us"], answered.finished["names"]
    return Counter(names[index] for index in answered.columns["name"][done_us >= 0].tolist())


LOGIN = """
class Shop(HttpUser):
    def on_start(self): self.client.post("/login", {"user": "ada"})
    @task
    def cart(self): self.client.get("/cart")
"""


def test_users_log_in_once_before_the_window_and_keep_their_cookies(
    child: Child, tmp_path: Path
) -> None:
    app = SmallApp(login_page=True)
    with stub_server(app.answering) as (url, _):
        load = written(tmp_path, LOGIN)
        first, second, more = (
            child.trial(base_url=url, locustfile=load, users=users) for users in (4, 4, 6)
        )

    assert [each.finished["start_requests"] for each in (first, second, more)] == [4, 0, 2]
    assert [counts(each)["POST /login"] for each in (first, second, more)] == [4, 0, 2]
    assert in_window(first)["POST /login"] == 0
    assert app.counts["POST /login"] == 6
    assert first.count("ok") == len(first.columns["name"])
    # Each login was followed by a redirect, which has no row of its own.
    assert first.finished["redirects"] == {"10.0.0.1:80": 4}
    assert first.finished["sent"] == len(first.columns["name"]) + 4


def test_fewer_users_than_before_make_a_smaller_load(child: Child, tmp_path: Path) -> None:
    most: list[int] = []

    def slow(_request: bytes) -> bytes:
        most.append(1)
        running = len(most)
        time.sleep(0.02)
        most.pop()
        seen.append(running)
        return answer(200)

    seen: list[int] = []
    with stub_server(slow) as (url, _):
        load = written(
            tmp_path, "class Shop(HttpUser):\n @task\n def i(self): self.client.get('/')"
        )
        child.trial(base_url=url, locustfile=load, users=6)
        seen.clear()
        child.trial(base_url=url, locustfile=load, users=2)

    assert max(seen) == 2


def test_a_slow_login_does_not_reach_into_the_window(child: Child, tmp_path: Path) -> None:
    def login(request: bytes) -> bytes:
        time.sleep(0.3 if request.startswith(b"POST") else 0.001)
        return answer(200)

    with stub_server(login) as (url, _):
        load = written(tmp_path, LOGIN)
        answered = child.trial(base_url=url, locustfile=load, users=12, settle_s=0.1)

    assert in_window(answered)["POST /login"] == 0
    assert counts(answered)["POST /login"] == 12
    assert answered.finished["user_errors"] == 0


@pytest.mark.parametrize("users", [4, 8, 16])
def test_classes_have_the_same_mix_at_every_number_of_users(
    child: Child, tmp_path: Path, users: int
) -> None:
    text = """
class Reader(HttpUser):
    weight = 3
    def on_start(self): self.client.post("/reader")
    @task
    def read(self): self.client.get("/read")
class Writer(FastHttpUser):
    weight = 1
    def on_start(self): self.client.post("/writer")
    @task
    def write(self): self.client.post("/write")
"""
    with stub_server(late(0.005)) as (url, _):
        answered = child.trial(base_url=url, locustfile=written(tmp_path, text), users=users)

    names = counts(answered)
    assert names["POST /reader"] == 3 * names["POST /writer"] == users * 3 / 4
    assert names["GET /read"] / names["POST /write"] == pytest.approx(3, rel=0.3)


def test_a_list_has_the_exact_mix_at_one_two_and_four_replicas(child: Child) -> None:
    weights = {"GET /read": 7, "GET /search": 2, "POST /write": 1}
    requests = [
        dict(zip(("method", "path"), name.split(" "), strict=True), weight=weight)
        for name, weight in weights.items()
    ]
    with stub_server(late(0.002)) as (url, _):
        for users in (5, 20, 10, 5, 20, 7):  # users of four replicas wait while one has its turn
            sent = counts(child.trial(base_url=url, requests=requests, users=users, window_s=0.2))
            cycles, begun = divmod(sent.total(), 10)
            for name, weight in weights.items():
                least = weight * cycles
                assert least <= sent[name] <= least + min(weight, begun), (users, sent)


def test_a_task_that_computes_for_ever_is_ended_and_named(child: Child, tmp_path: Path) -> None:
    text = """
class Shop(HttpUser):
    count = 0
    @task
    def index(self):
        self.client.get("/")
        self.count += 1
        while self.count > 2: pass
"""
    with stub_server() as (url, _):
        load = written(tmp_path, text)
        answered = child.trial(base_url=url, locustfile=load, users=1, window_s=0.2)
        after = child.trial(base_url=url, locustfile=load, users=1, window_s=0.1, settle_s=0.01)

    assert answered.finished["user_errors"] == 1
    assert "NeverEnds" in answered.finished["user_error"]
    assert "locustfile.py:9" in answered.finished["user_error"]
    assert after.finished["event"] == "finished"  # another user took its place


def test_exceptions_of_tasks_are_counted_in_the_window(child: Child, tmp_path: Path) -> None:
    text = "class Shop(HttpUser):\n @task\n def i(self): self.client.get('/').json()['x']"
    with stub_server(lambda _request: answer(200, {})) as (url, _):
        answered = child.trial(base_url=url, locustfile=written(tmp_path, text), users=1)

    finished = answered.finished
    assert 0 < finished["user_errors_in_window"] < finished["user_errors"]
    assert finished["user_error"] == "KeyError: 'x' (locustfile.py:5)"


def test_users_who_cannot_start_are_an_error_with_the_reason(child: Child, tmp_path: Path) -> None:
    text = """
class Shop(HttpUser):
    def on_start(self): self.token = self.client.get("/").json()["token"]
    @task
    def index(self): self.client.get("/")
"""
    with stub_server(lambda _request: answer(200, {})) as (url, _):
        answered = child.trial(base_url=url, locustfile=written(tmp_path, text), users=2)

    error = answered.lines[-1]
    assert (error["event"], error["kind"]) == ("error", "users")
    assert "KeyError: 'token' (locustfile.py:4)" in error["detail"]


def test_credentials_that_users_take_from_a_list_are_there_again_for_each_address(
    child: Child, tmp_path: Path
) -> None:
    text = """
PEOPLE = ["ada", "bob"]
class Shop(HttpUser):
    def on_start(self): self.client.post("/login", {"user": PEOPLE.pop()})
    @task
    def cart(self): self.client.get("/cart")
"""
    app = SmallApp()
    with stub_server(app.answering) as (url, _), stub_server(app.answering) as (other, _):
        load = written(tmp_path, text)
        trials = [
            child.trial(base_url=base_url, locustfile=load, users=2) for base_url in (url, other)
        ]

    assert [trial.finished["start_requests"] for trial in trials] == [2, 2]


def test_many_ids_in_paths_are_one_name(child: Child, tmp_path: Path) -> None:
    text = """
import itertools
n = itertools.count()
class Shop(HttpUser):
    @task
    def item(self): self.client.get(f"/item/{next(n)}?page={next(n)}")
    @task
    def index(self): self.client.get("/page/1")
"""
    with stub_server() as (url, _):
        answered = child.trial(base_url=url, locustfile=written(tmp_path, text), users=2)

    assert set(counts(answered)) == {"GET /item/{id}?page={}", "GET /page/1"}


def test_a_request_that_is_given_up_behind_a_redirect_is_counted_once(
    child: Child, tmp_path: Path
) -> None:
    def moved(request: bytes) -> bytes:
        if request.startswith(b"GET /slow"):
            time.sleep(1.5)
            return answer(200)
        return answer(302, "", Location="/slow")

    text = "class Shop(HttpUser):\n @task\n def i(self): self.client.get('/')"
    order: dict[str, Any] = {"settle_s": 0, "window_s": 0.2, "drain_limit_s": 0.2, "users": 2}
    with stub_server(moved) as (url, requests):
        answered = child.trial(base_url=url, locustfile=written(tmp_path, text), **order)

    assert counts(answered) == {"GET /": 2}
    assert answered.count("undrained") == 2
    assert answered.finished["sent"] == len(requests) == 4


def test_on_stop_and_the_last_events_come_when_the_users_are_ended(tmp_path: Path) -> None:
    text = """
@events.test_stop.add_listener
def over(**_): open("over", "w").write("over")
class Shop(HttpUser):
    def on_stop(self): self.client.post("/logout")
    @task
    def index(self): self.client.get("/")
"""
    app = SmallApp()
    with Child() as child, stub_server(app.answering) as (url, _):
        load = written(tmp_path, text)
        for _ in range(2):
            child.trial(base_url=url, locustfile=load, users=3)
        before = app.counts["POST /logout"], (tmp_path / "over").exists()

        assert child.ask(op="end", id="e")["event"] == "ended"

        assert before == (0, False)
        assert app.counts["POST /logout"] == 3
        assert (tmp_path / "over").read_text() == "over"


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


@pytest.mark.parametrize("processes", [3, 4])
def test_users_register_once_also_with_several_processes(tmp_path: Path, processes: int) -> None:
    app = SmallApp()
    with Child("--processes", str(processes)) as child, stub_server(app.answering) as (url, _):
        load = written(tmp_path, REGISTRATION)
        checked = child.ask(op="check", id="c", base_url=url, locustfile=load)
        answered = child.trial(base_url=url, locustfile=load, users=7)

    names = [json.loads(body)["name"] for body in app.bodies if b"name" in body]
    assert len(names) == len(set(names)) == 3 * 8
    assert all(request["good"] for request in checked["steps"][0]["attempts"][0]["requests"])
    assert (answered.finished["start_requests"], answered.finished["start_failed"]) == (21, 0)
    assert answered.finished["workers"] == processes
    assert answered.count("ok") == len(answered.columns["name"])


@pytest.mark.parametrize(("most_rps", "least", "most"), [("20", 0.5, 1.0), (None, 0.0, 0.0)])
def test_the_time_for_which_the_limit_holds_users_is_told(
    most_rps: str | None, least: float, most: float
) -> None:
    """The two users of each process could ask a hundred times, and may ask twenty times."""
    env = {} if most_rps is None else {"TWOFOLD_MAX_RPS": most_rps}
    requests = [{"method": "GET", "path": "/", "weight": 1}]
    with Child("--processes", "2", env=env) as child, stub_server(late(0.02)) as (url, _):
        answered = child.trial(base_url=url, requests=requests, users=4, window_s=1.0)

    held_s = answered.finished["held_s"]
    assert least * 4 <= held_s <= most * 4


def test_a_file_is_measured_against_a_static_answer_with_the_answers_of_its_check_trial(
    child: Child, tmp_path: Path
) -> None:
    text = """
class Shop(HttpUser):
    def on_start(self): self.item = self.client.post("/items").json()["id"]
    @task
    def item(self): assert self.client.get("/items", params={"id": self.item}).json()["id"] == 7
"""
    app = SmallApp()
    with stub_server(app.answering) as (url, _), stub_server() as (static, requests):
        load = written(tmp_path, text)
        child.ask(op="check", id="c", base_url=url, locustfile=load)
        before = dict(app.counts)
        answered = child.trial(
            base_url=static, path="/static", locustfile=load, users=4, replay=True
        )

    assert app.counts == before
    assert {request.split(b" HTTP")[0] for request in requests} == {b"GET /static"}
    assert answered.finished["user_errors"] == 0
    assert counts(answered)["GET /items?id=7"] > 10
