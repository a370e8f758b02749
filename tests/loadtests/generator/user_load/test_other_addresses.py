"""No way leads from a user's code to another address than the target's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import answer
from tests.loadtests.generator.stub_server import stub_server
from tests.loadtests.generator.user_load.case import HEAD

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator, and its trials


WAYS = (
    "__import__('requests').get('{other}/x')",
    "__import__('urllib.request', fromlist=['x']).urlopen('{other}/x')",
    "__import__('socket').create_connection(('127.0.0.1', {port}))",
    "self.client.get('/', headers=dict(a=__import__('socket').gethostbyname('example.com')))",
    "setattr(self.client, 'base_url', '{other}') or self.client.get('/x')",
    "self.client.get(self.host + '.example.com/x')",
    "__import__('locust').clients.HttpSession('{other}', self.environment.events.request, None)"
    ".get('/x')",
)
"""Expressions of a task that want to reach ``{other}``, an address that ends in ``{port}``."""


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def written(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "locustfile.py"
    path.write_text(HEAD + text.lstrip("\n"))
    return {"path": str(path)}


def test_a_request_to_another_address_is_not_sent_and_ends_the_trial(
    child: Child, tmp_path: Path
) -> None:
    with stub_server() as (other, others), stub_server() as (url, requests):
        text = f"""
class Shop(HttpUser):
    @task(50)
    def index(self): self.client.get("/")
    @task
    def rare(self): self.client.get("{other}/production")
"""
        error = child.trial(base_url=url, locustfile=written(tmp_path, text), users=2).lines[-1]

    assert (error["event"], error["kind"]) == ("error", "elsewhere")
    assert f"locustfile.py:7: {other}/production is not the target" in error["detail"]
    assert others == []
    assert requests


@pytest.mark.parametrize("ask", WAYS)
def test_no_way_to_another_address_is_open(child: Child, tmp_path: Path, ask: str) -> None:
    with stub_server() as (other, others), stub_server() as (url, _):
        way = ask.format(other=other, port=other.rpartition(":")[2])
        text = f"class Shop(HttpUser):\n @task\n def away(self): {way}"
        checked = child.ask(op="check", id="c", base_url=url, locustfile=written(tmp_path, text))

    assert others == []
    assert len(checked["refused"]) == 1, checked


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_target_is_asked_without_the_proxy_of_the_environment(
    tmp_path: Path, name: str
) -> None:
    text = """
import requests
from urllib.request import urlopen

@events.test_start.add_listener
def ready(environment, **_):
    assert requests.post(f"{environment.host}/reset", timeout=5).status_code == 200
    urlopen(f"{environment.host}/more", timeout=5).close()

class Shop(HttpUser):
    @task
    def index(self): self.client.get("/")
"""
    with stub_server() as (proxy, asked), stub_server() as (url, requests):
        env = {name: proxy, "NO_PROXY": "", "no_proxy": ""}
        with Child(env=env) as child:
            order = written(tmp_path, text)
            checked = child.ask(op="check", id="c", base_url=url, locustfile=order)
            ended = child.trial(base_url=url, locustfile=order, users=1)

    assert asked == []
    assert checked["refused"] == []
    assert ended.lines[-1]["event"] == "finished", ended.lines[-1]
    assert requests


def test_a_redirect_to_another_address_is_not_followed(child: Child, tmp_path: Path) -> None:
    with stub_server() as (other, others):
        moved = answer(302, "", Location=f"{other}/x")
        with stub_server(lambda _request: moved) as (url, _):
            text = "class Shop(HttpUser):\n @task\n def index(self): self.client.get('/')"
            answered = child.trial(base_url=url, locustfile=written(tmp_path, text), users=1)

    assert others == []
    assert answered.columns["status"].tolist() == [302] * len(answered.columns["status"])
