"""Locustfiles send and count what they do with stock Locust, for the same seed and one user."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT
from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.case import HEAD

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # Locust starts, too, for each file

REQUESTS = 60

Request = tuple[str, str, bool, int]

STYLES = {
    "weights, names and parameters": """
class Shop(HttpUser):
    wait_time = between(0, 0.001)
    @task(5)
    def search(self):
        self.client.get("/search", params={"q": random.choice(["a b", "c"]), "page": [1, 2]})
    @task(2)
    def item(self): self.client.get(f"/items?id={random.randint(1, 9)}", name="/items?id=[id]")
    @task
    def broken(self): self.client.get("/broken")
    @task
    def grouped(self):
        with self.client.rename_request("/group"):
            self.client.get("/a")
            self.client.get("/b#part")
""",
    "the same with FastHttpUser": """
class Shop(FastHttpUser):
    wait_time = between(0, 0.001)
    default_headers = {"X-Shop": "1"}
    @task(5)
    def search(self):
        self.client.get("/search", params={"q": random.choice(["a b", "c"])})
    @task(2)
    def item(self): self.client.get(f"/items?id={random.randint(1, 9)}", name="/items?id=[id]")
    @task
    def broken(self): self.client.get("/broken")
""",
    "bodies of every kind": """
class Shop(HttpUser):
    @task
    def bodies(self):
        self.client.post("/items", json={"a": [1, None, "ü"], "b": True})
        self.client.post("/upload", data={"a": "b c", "d": ["e", "f"], "n": None})
        self.client.post("/upload", data="text")
        self.client.put("/upload", data=b"bytes")
        self.client.patch("/upload", json=[])
        self.client.post("/upload", data=[("a", "1"), ("a", "2")])
        self.client.delete("/items")
        self.client.head("/moved")
        self.client.options("/items")
        self.client.post("/items")
""",
    "bodies of every kind with FastHttpUser": """
class Shop(FastHttpUser):
    @task
    def bodies(self):
        self.client.post("/items", json={"a": [1, None, "ü"], "b": True})
        self.client.post("/upload", data={"a": "b c"})
        self.client.post("/upload", data="text")
        self.client.put("/upload", data=b"bytes")
        self.client.patch("/upload", json=[1])
        self.client.delete("/items")
        self.client.post("/items")
""",
    "judged answers": """
class Shop(HttpUser):
    @task
    def judged(self):
        with self.client.get("/missing", catch_response=True) as r:
            if r.status_code == 404: r.success()
        with self.client.get("/", catch_response=True) as r:
            if random.random() < 0.5: r.failure("no luck")
        with self.client.get("/broken", catch_response=True) as r:
            pass
        with self.rest("GET", "/items") as r:
            assert r.js["id"] == 8, "wrong id"
""",
    "a session with a form and redirects": """
import re
class Shop(HttpUser):
    def on_start(self): self.client.post("/login", {"user": "ada"})
    @task
    def form(self):
        token = re.search('value="([^"]+)"', self.client.get("/form").text).group(1)
        assert self.client.post("/form", {"csrf": token}).text == "thanks"
        self.client.get("/moved")
        self.client.get("/moved", allow_redirects=False)
        self.client.get("/gzip")
""",
    "sequences, nesting and interrupts": """
class Shop(HttpUser):
    @task(3)
    class Browse(SequentialTaskSet):
        def on_start(self): self.client.get("/start")
        @task
        def one(self): self.client.get("/one")
        @task
        class Inner(TaskSet):
            @task(2)
            def look(self): self.client.get("/look")
            @task
            def leave(self): self.interrupt(reschedule=random.random() < 0.5)
        @task
        def stop(self):
            if random.random() < 0.5: self.interrupt()
    @task
    def plain(self): self.client.get("/plain")
""",
    "tasks as a dictionary, and a Markov chain": """
def index(user): user.client.get("/index")
def about(user): user.client.get("/about")
class Walk(MarkovTaskSet):
    @transitions({"one": 1, "two": 2})
    def one(self): self.client.get("/one")
    @transition("one")
    def two(self):
        self.client.get("/two")
        if random.random() < 0.3: self.interrupt()
class Shop(FastHttpUser):
    tasks = {index: 3, about: 1, Walk: 1}
""",
    "exceptions of tasks": """
class Shop(HttpUser):
    @task(3)
    def index(self): self.client.get("/")
    @task
    def bad(self):
        self.client.get("/bad")
        raise KeyError("x")
""",
}


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def by_stock(path: Path, app: SmallApp) -> list[Request]:
    script = Path(__file__).with_name("stock_locust.py")
    with stub_server(app.answering) as (url, _):
        done = subprocess.run(
            (sys.executable, str(script), str(path), url, str(REQUESTS), "1/0"),
            capture_output=True,
            check=True,
            timeout=60,
            cwd=CHECKOUT,
        )
    return [tuple(request) for request in json.loads(done.stdout)]


def by_ours(child: Child, path: Path, app: SmallApp) -> list[Request]:
    with stub_server(app.answering) as (url, _):
        answer = child.trial(
            base_url=url, locustfile={"path": str(path)}, users=1, seed=1, window_s=0.6
        )
    finished, columns = answer.finished, answer.columns
    assert finished["event"] == "finished", finished
    requests = []
    for name, outcome, size in zip(
        columns["name"].tolist(),
        columns["outcome"].tolist(),
        columns["bytes"].tolist(),
        strict=True,
    ):
        method, _, text = finished["names"][name].partition(" ")
        requests.append((method, text, finished["outcomes"][outcome] != "ok", size))
    return requests[:REQUESTS]


@pytest.mark.parametrize("style", STYLES)
def test_a_locustfile_sends_and_counts_what_it_does_with_stock_locust(
    child: Child, style: str, tmp_path: Path
) -> None:
    path = tmp_path / "locustfile.py"
    path.write_text(HEAD + STYLES[style].lstrip("\n"))
    stock_app, own_app = SmallApp(), SmallApp()

    stock, ours = by_stock(path, stock_app), by_ours(child, path, own_app)

    assert len(ours) == len(stock) == REQUESTS
    sizes = "gzip" not in HEAD + STYLES[style]  # ours are those on the wire
    assert [request[: 4 if sizes else 3] for request in ours] == [
        request[: 4 if sizes else 3] for request in stock
    ]
    assert own_app.bodies[:REQUESTS] == stock_app.bodies[:REQUESTS]
