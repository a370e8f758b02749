"""What a locustfile shows without being run."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from loadtests.measurement.user_load.static_look import Remark, read_file, read_locustfile


def remarks(text: str, *, missing: frozenset[str] = frozenset()) -> list[Remark]:
    return list(read_locustfile(dedent(text), "locustfile.py", lambda name: name not in missing))


def codes(text: str, **more: frozenset[str]) -> list[str]:
    return [remark.code for remark in remarks(text, **more)]


def task(call: str, before: str = "") -> str:
    return (
        f"import requests, httpx\nfrom urllib.request import urlopen\nfrom urllib.parse import"
        f" urljoin\nfrom locust import HttpUser, task\n{before}\n"
        f"class Shop(HttpUser):\n    @task\n    def one(self):\n        {call}\n"
    )


@pytest.mark.parametrize(
    "call",
    [
        "self.client.get('https://shop.example.com/')",
        "self.client.post(url='http://shop.example.com/cart', json={})",
        "self.client.request('GET', 'http://shop.example.com')",
        "self.client.get(f'https://shop.example.com/{self.item}')",
        "self.client.get('https://shop.example.com/%s' % 7)",
        "self.client.get('HTTPS://SHOP.example.com/x')",
        "self.client.get('https://shop.example.com/{}'.format(7))",
        "self.client.get('https://{}/x'.format('shop.example.com'))",
        "self.client.get('https://{name}/x'.format(name=NAME))",
        "self.client.get('https://%s/x' % NAME)",
        "self.client.get('https://%s/%s' % (NAME, 'x'))",
        "self.client.get('https://' + NAME + '/x')",
        "self.client.get(f'https://{NAME}/{self.item}')",
        "self.client.get('https://shop.example.com' + self.path)",
        "self.client.get(BASE + '/items')",
        "self.client.get(f'{BASE}/items')",
        "self.client.get(ITEMS)",
        "self.client.get(urljoin(BASE, '/items'))",
        "requests.get('http://shop.example.com/')",
        "httpx.post('http://shop.example.com/')",
        "urlopen('http://shop.example.com/')",
        "self.rest('GET', 'https://shop.example.com/').js",
        "self.api_client.get('https://shop.example.com/')",
    ],
)
def test_a_call_of_another_host_is_found_with_its_line(call: str) -> None:
    before = "BASE = 'https://shop.example.com'; NAME = 'shop.example.com'\nITEMS = BASE + '/items'"
    text = task(call, before)
    found = [remark for remark in remarks(text) if remark.code == "elsewhere"]

    assert len(found) == 1
    assert found[0].place == "locustfile.py:10"
    assert "shop.example.com" in found[0].detail.lower()
    assert "Nothing is sent there" in found[0].detail


@pytest.mark.parametrize(
    "call",
    [
        "self.client.get('/search?next=https://shop.example.com/')",
        "self.client.get(self.host + '/items')",
        "self.client.get(f'{self.host}/items')",
        "self.client.get(host + '/items')",
        "print('https://shop.example.com/')",
        "self.client.headers.get('https://shop.example.com/')",
        "self.client.get('/', headers={'Referer': 'https://shop.example.com/'})",
        "dict().get('https://shop.example.com/')",
        "self.client.get('http://' + self.name + 'shop.example.com/')",
        "self.client.get(f'http://{self.name}shop.example.com/')",
        "self.client.get('http://{}shop.example.com/'.format(self.name))",
        "self.client.get('http://%sshop.example.com/' % self.name)",
        "self.client.get('{}/items'.format(self.host))",
        "self.client.get('/items/%d' % 7)",
    ],
)
def test_a_path_and_a_host_that_is_only_mentioned_are_not(call: str) -> None:
    assert "elsewhere" not in codes(task(call, "host = 'https://shop.example.com'"))


def test_a_constant_that_is_set_twice_is_not_known() -> None:
    before = "BASE = 'https://shop.example.com'\nBASE = ''"

    assert "elsewhere" not in codes(task("self.client.get(BASE + '/x')", before))


def test_listeners_and_the_main_part_are_told_apart() -> None:
    text = """
    from locust import HttpUser, events, task
    import requests
    @events.test_stop.add_listener
    def tell(**_): requests.post("https://hooks.example.com/x")
    class Shop(HttpUser):
        @task
        def index(self): self.client.get("/")
    if __name__ == "__main__":
        requests.get("https://shop.example.com/")
    """

    assert codes(text) == ["aside"]


@pytest.mark.parametrize(
    "listening",
    [
        "@events.test_start.add_listener\ndef start(**_): first()",
        "events.test_start.add_listener(first)",
        "events.test_start.add_listener(lambda **_: first())",
        "events.test_start.add_listener(partial(first, 7))",
        "def start(**_):\n    first()\nevents.test_start.add_listener(start)",
    ],
)
def test_what_only_listeners_call_is_none_of_the_users(listening: str) -> None:
    text = (
        "import requests\nfrom functools import partial\n"
        "from locust import HttpUser, events, task\n"
        "def second(): requests.post('https://hooks.example.com/x')\n"
        f"def first(*_): second()\n{listening}\n"
        "class Shop(HttpUser):\n    @task\n    def index(self): self.client.get('/')\n"
    )

    assert codes(text) == ["aside"]
    assert codes(text.replace("self.client.get('/')", "second()")) == ["elsewhere"]
    assert codes(text.replace("self.client.get('/')", "first()")) == [
        "aside" if "(first" in listening else "elsewhere"
    ]


def test_a_lambda_that_listens_is_none_of_the_users() -> None:
    text = """
    import requests
    from locust import events
    events.test_stop.add_listener(lambda **_: requests.post("https://hooks.example.com/x"))
    """

    assert codes(text) == ["aside"]


def test_a_function_that_nobody_names_may_be_anybodys() -> None:
    text = """
    import requests
    def later(): requests.post("https://hooks.example.com/x")
    """

    assert codes(text) == ["elsewhere"]


def test_names_of_old_versions_are_found_and_todays_are_not() -> None:
    text = """
    from locust import HttpLocust, TaskSequence, seq_task, task
    from locust import events
    events.request_success += print
    events.hatch_complete.add_listener(print)
    events.request.add_listener(print)
    events.spawning_complete.add_listener(print)
    """
    details = [remark.detail for remark in remarks(text) if remark.code == "old_locust"]

    assert [detail.partition(" is of")[0] for detail in details] == [
        *("HttpLocust", "TaskSequence", "seq_task"),
        *("events.request_success", "events.hatch_complete"),
    ]


def test_missing_modules_are_found_where_they_are_needed() -> None:
    text = """
    import fakerz.providers, json
    from fakerz import Faker
    from .own import x
    try:
        import orjsonz
    except ImportError:
        orjsonz = None
    def later():
        import lazyz
    """
    missing = frozenset({"fakerz", "orjsonz", "lazyz", "own"})
    found = [remark for remark in remarks(text, missing=missing) if remark.code == "missing_module"]

    assert [remark.place for remark in found] == ["locustfile.py:2", "locustfile.py:3"]
    assert "--generator-requirements" in found[0].detail


def test_a_file_that_changes_its_path_may_import_what_nobody_knows() -> None:
    text = "import sys\nsys.path.append('lib')\nimport fakerz\n"

    assert codes(text, missing=frozenset({"fakerz"})) == []


@pytest.mark.parametrize("text", ["class Shop(HttpUser)\n pass", "x = 'a\nb'", "\x00"])
def test_what_is_no_python_is_the_only_remark(text: str) -> None:
    (remark,) = read_locustfile(text, "locustfile.py")

    assert remark.code == "syntax"
    assert remark.place.startswith("locustfile.py")


def test_sleeps_are_told() -> None:
    assert codes("import time\ndef f():\n    time.sleep(1)\n    time.monotonic()\n") == ["sleep"]


def test_remarks_are_in_the_order_of_their_lines() -> None:
    text = task("self.client.get('http://a.example.com')") + "\nimport time\ntime.sleep(1)\nx = y\n"

    assert codes(text) == ["elsewhere", "sleep", "undefined_name"]


def test_what_is_no_address_is_shown_as_it_is() -> None:
    call = "self.client.get('http://[object Object]/')"
    found = [remark for remark in remarks(task(call)) if remark.code == "elsewhere"]

    assert [remark.detail.startswith("It asks http://[object Object]/,") for remark in found] == [
        True
    ]


def test_a_file_that_begins_with_a_byte_order_mark_is_read_as_python_reads_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "locustfile.py"
    path.write_text(task("self.client.get('/')"), encoding="utf-8-sig")

    assert read_locustfile(read_file(path), path.name) == ()
