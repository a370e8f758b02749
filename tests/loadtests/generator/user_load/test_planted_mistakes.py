"""Mistakes in a load: all of them are said at once, and none that is not there."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtests.measurement.check_trial import check, read_ahead
from loadtests.measurement.user_load.orders import Orders
from loadtests.model.errors import TwofoldError, UnusableLoad
from loadtests.model.tested.workload import Locustfile, RequestSpec, Workload
from tests.loadtests.generator.child import Child
from tests.loadtests.generator.small_app import SmallApp, answer
from tests.loadtests.generator.stub_server import late, stub_server
from tests.loadtests.generator.user_load import (
    case_files,
    further_files,
    planted_before_start,
    planted_lists,
    planted_redirects,
    planted_while_tried,
    strange_files,
)
from tests.loadtests.generator.user_load.case import HEAD, Case
from tests.loadtests.generator.user_load.planted import Planted

FILES: Mapping[str, Planted] = {
    **planted_before_start.FILES,
    **planted_while_tried.FILES,
    **planted_lists.FILES,
    **planted_redirects.FILES,
}

CORRECT: Mapping[str, Case] = {
    name: case
    for cases in (case_files.CASES, further_files.CASES, strange_files.CASES)
    for name, case in cases.items()
    if case.code == 0 and not case.said and not case.options
}

NAMED = (
    "import time, random\n"
    "from locust import FastHttpUser, HttpUser, MarkovTaskSet, SequentialTaskSet, TaskSet, User,"
    " between, constant, events, tag, task, transition\n"
)
"""What files import, by name, so that a name that nothing defines can be told."""

pytestmark = [pytest.mark.slow, pytest.mark.parallel]  # a generator, and its check trials


class ChildAgent:
    """What ``check`` and ``Orders`` ask of the generator, by its child process on this machine."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def check(self, base_url: str, fields: Mapping[str, Any], *, limit_s: float) -> dict[str, Any]:
        return self._child.ask(op="check", id="c", base_url=base_url, limit_s=limit_s, **fields)

    def place(self, folder: str, **_: Any) -> str:
        return folder


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def tried(child: Child, workload: Workload, app: SmallApp) -> tuple[str, ...]:
    """Read and try a load as a run does; return the notes, or raise what the run would say."""
    notes = read_ahead([workload])
    agent: Any = ChildAgent(child)
    with stub_server(app.answering) as (url, _):
        return (*notes, *check(agent, Orders(agent), workload, url).notes)


def of_file(folder: Path, text: str, siblings: Mapping[str, str], **options: Any) -> Workload:
    for name, content in siblings.items():
        (folder / name).write_text(content)
    path = folder / "locustfile.py"
    path.write_text(text)
    return Workload(name="shop", path="/", locustfile=Locustfile(path=str(path), **options))


def said_of(child: Child, planted: Planted, folder: Path) -> tuple[int, list[str]]:
    """Return the exit code of a load and the lines that are said of it."""
    if planted.requests:
        workload = Workload(name="shop", path="/", requests=planted.requests, start=planted.start)
    else:
        workload = of_file(folder, planted.file, planted.siblings, **planted.options)
    with pytest.raises(TwofoldError) as raised:
        tried(child, workload, SmallApp(**planted.app))
    return raised.value.exit_code, str(raised.value).splitlines()[1:]


def test_a_limit_of_a_second_is_waited_for(child: Child) -> None:
    """What a run asks before its check trial uses such a limit up."""
    load = Workload(name="shop", path="/", requests=(RequestSpec(path="/"),))

    assert tried(child, load, SmallApp(limited_s=2.0)) == ()


def test_a_limit_that_lasts_is_told_with_what_to_do(child: Child) -> None:
    load = Workload(name="shop", path="/", requests=(RequestSpec(path="/"),))

    with pytest.raises(UnusableLoad, match="Raise or switch off its limit for the test"):
        tried(child, load, SmallApp(limited_s=60.0))


def test_there_are_more_than_forty_mistakes_of_one_to_three_a_load() -> None:
    counts = [len(planted.mistakes) for planted in FILES.values()]

    assert sum(counts) >= 40
    assert set(counts) == {1, 2, 3}


@pytest.mark.parametrize("name", FILES)
def test_all_mistakes_of_a_load_are_said_at_once_and_none_is_invented(
    child: Child, name: str, tmp_path: Path
) -> None:
    planted = FILES[name]
    code, lines = said_of(child, planted, tmp_path)

    unsaid = [part for part in planted.mistakes if not any(part in line for line in lines)]
    invented = [
        line
        for line in lines
        if not any(part in line for part in (*planted.mistakes, *planted.also))
    ]
    assert (code, unsaid, invented) == (planted.code, [], []), lines
    assert len(lines) == len(planted.mistakes) + len(planted.also)


def test_there_are_ten_correct_files() -> None:
    assert len(CORRECT) >= 10


@pytest.mark.parametrize("head", [HEAD, NAMED], ids=["all names", "names one by one"])
@pytest.mark.parametrize("name", CORRECT)
def test_nothing_is_said_of_a_correct_file(
    child: Child, name: str, head: str, tmp_path: Path
) -> None:
    case = CORRECT[name]
    text = case.file.replace(HEAD, head)

    assert tried(child, of_file(tmp_path, text, case.siblings), SmallApp(**case.app)) == ()


TASKS = 20


def test_twenty_tasks_are_tried_in_less_than_ten_seconds_though_some_of_them_hang(
    child: Child, tmp_path: Path
) -> None:
    tasks = "".join(
        f" @task\n def t{number}(self):\n  for _ in range(3): self.client.get('/{number}')\n"
        for number in range(TASKS - 2)
    )
    hanging = (
        " @task\n def wait(self):\n  while True: time.sleep(0.5)\n"
        " @task\n def loop(self):\n  while True: pass\n"
    )
    text = (
        f"import time\nfrom locust import HttpUser, task\nclass Shop(HttpUser):\n{hanging}{tasks}"
    )
    workload = of_file(tmp_path, text, {})
    agent: Any = ChildAgent(child)

    began = time.monotonic()
    with stub_server(late(0.02, answer(200))) as (url, requests):
        with pytest.raises(TwofoldError) as raised:
            check(agent, Orders(agent), workload, url)
        seconds = time.monotonic() - began

    lines = str(raised.value).splitlines()[1:]
    assert seconds < 10
    assert len(lines) == 2
    assert all("did nothing for 2 s" in line for line in lines)
    asked = {re.split(rb"[ ?]", request)[1] for request in requests}
    assert asked == {f"/{number}".encode() for number in range(TASKS - 2)}
