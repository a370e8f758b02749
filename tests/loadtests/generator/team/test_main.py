"""The whole of it: two generators that listen at addresses of their own, and one that is asked."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from loadtests.generator.team.handshake import VARIABLE
from tests.checkout import CHECKOUT
from tests.loadtests.generator.child import Child
from tests.loadtests.generator.stub_server import stub_server

SECRET = {VARIABLE: "a secret of the tests"}
MODULE = "loadtests.generator.team"

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

SHIFTED = (
    "import runpy; from loadtests.generator import clock; clock.EPOCH_S += 7.0;"
    " runpy.run_module('loadtests.generator', run_name='__main__')"
)
"""A generator whose machine's clock is 7 s ahead."""

OF_ANOTHER_VERSION = (
    "import json, sys\n"
    "for line in sys.stdin:\n"
    "    hello = {'event': 'hello', 'protocol': 99, 'locust': '2.47.0', 'pid': 7}\n"
    "    print(json.dumps(hello), flush=True)"
)
"""A generator that speaks another version of the protocol, whatever it is asked."""


@contextmanager
def listening(host: str) -> Iterator[str]:
    process = subprocess.Popen(
        (sys.executable, "-m", "loadtests.generator.team.listen", f"{host}:0"),
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, **SECRET},
    )
    assert process.stderr is not None
    with process.stderr:
        told = re.search(r"at (\S+)$", process.stderr.readline())
        assert told is not None
        try:
            yield told[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[str]]:
    with ExitStack() as stack:
        yield [stack.enter_context(listening(host)) for host in ("127.0.0.2", "127.0.0.3")]


@pytest.fixture(scope="module")
def team(addresses: list[str]) -> Iterator[Child]:
    with Child(*addresses, module=MODULE, env=SECRET) as child:
        yield child


def test_both_machines_make_their_parts_of_the_same_arrivals(team: Child) -> None:
    with stub_server() as (url, _requests):
        answer = team.trial(
            base_url=url, mode="open", rate_rps=100, arrivals="constant", window_s=0.5
        )

    assert [line["event"] for line in answer.lines] == ["opened", "closed", "samples", "finished"]
    finished = answer.finished
    assert (finished["workers"], finished["lost_workers"]) == (2, 0)
    inside = (answer.columns["due_us"] >= 0) & (answer.columns["due_us"] < 500_000)
    assert int(inside.sum()) == 50
    assert all(machine["sent"] > 20 for machine in finished["machines"])
    assert finished["sent"] == len(answer.columns["due_us"])
    assert finished["clock_offset_ms"] < 50
    assert finished["clock_error_ms"] < 50


def test_a_killed_machine_is_counted_and_is_there_again_in_the_next_trial(team: Child) -> None:
    pids = [machine["pid"] for machine in team.ask(op="hello")["machines"]]
    with stub_server() as (url, _requests):
        broken = team.trial(lambda: os.kill(pids[1], signal.SIGKILL), base_url=url, users=4)
        whole = team.trial(base_url=url, users=4)

    assert (broken.finished["workers"], broken.finished["lost_workers"]) == (2, 1)
    assert len(broken.finished["machines"]) == 1
    assert whole.finished["lost_workers"] == 0
    assert all(machine["sent"] > 0 for machine in whole.finished["machines"])


def test_a_shifted_clock_is_corrected(addresses: list[str]) -> None:
    argv = [sys.executable, "-c", SHIFTED]
    place = json.dumps({"name": "shifted", "argv": argv})
    with (
        stub_server() as (url, _requests),
        Child(place, module=MODULE, env=SECRET) as child,
    ):
        answer = child.trial(base_url=url, users=2)

    finished = answer.finished
    assert finished["clock_offset_ms"] == pytest.approx(7000, abs=100)
    assert finished["clock_error_ms"] < 50
    assert finished["opened_at_s"] == pytest.approx(time.time(), abs=5.0)
    assert finished["drained_at_s"] == pytest.approx(time.time(), abs=5.0)
    assert int((answer.columns["due_us"] >= 0).sum()) > 0


def test_a_machine_that_is_not_there_is_an_error_of_the_workers() -> None:
    with Child("127.0.0.4:1", module=MODULE, env={VARIABLE: "x" * 20}) as child:
        child.say({"op": "hello"})
        error = child.hear()

    assert (error["event"], error["kind"]) == ("error", "workers")
    assert "No generator answers at 127.0.0.4:1" in error["detail"]


def test_a_machine_with_another_version_of_the_protocol_is_refused_with_both() -> None:
    place = json.dumps({"name": "old", "argv": [sys.executable, "-c", OF_ANOTHER_VERSION]})
    with Child(place, module=MODULE, env=SECRET) as child:
        child.say({"op": "hello"})
        error = child.hear()

    assert (error["event"], error["kind"]) == ("error", "workers")
    assert error["detail"].startswith(
        "The generator at old speaks version 99 of the protocol, and this harness version 1."
    )
