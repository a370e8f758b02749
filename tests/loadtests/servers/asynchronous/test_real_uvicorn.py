"""uvicorn with an asynchronous application, started by its own command line. Needs nginx here."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from loadtests.environments.processes.backend import ProcessesBackend, ProcessesStack
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.serving import in_force, keep_alive
from loadtests.model.plan import Plan
from loadtests.model.tested.in_force import InForce
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.servers import registry
from loadtests.tools import nginx
from tests.checkout import CHECKOUT
from tests.loadtests.generator_agent import agent
from tests.loadtests.servers.test_real_servers import plan_for
from tests.loadtests.targets.application.folders import make_folder

__all__ = ["agent"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        nginx.find_program() is None or importlib.util.find_spec("uvicorn") is None,
        reason="needs nginx and uvicorn here",
    ),
]

APP = """
import json, os
STARTED = []

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        STARTED.append(os.getpid())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = json.dumps({"started": STARTED == [os.getpid()], "replica": os.environ["REPLICA"]})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})
"""

UVICORN = registry.worker_models()["uvicorn"]
TWO = replace(UVICORN, name="two", processes=2)


@dataclass
class Running:
    plan: Plan
    stack: ProcessesStack
    agent: Agent

    def address(self, worker: str) -> str:
        return next(replica.address for replica in self.stack.replicas if replica.worker == worker)


@pytest.fixture(scope="module")
def running(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = make_folder(tmp_path_factory.mktemp("project"), {"main.py": APP})
    tested = Target(
        kind=TargetKind.IMPORT_STRING,
        given="main:app",
        name="main:app",
        folder=str(folder),
        application="main:app",
        python=sys.executable,
        interface=Interface.ASGI,
        health="/",
    )
    plan = replace(plan_for(UVICORN, TWO), tested=tested)
    logs = tmp_path_factory.mktemp("run")
    with (
        ProcessesBackend(CHECKOUT, tested=tested).open(plan, logs, lambda line: None) as stack,
        stack.start_metronome(),
    ):
        Driver(stack, agent, None, health_path="/").wait_ready(plan.upstreams)
        yield Running(plan=plan, stack=stack, agent=agent)


@pytest.fixture(scope="module")
def seen(running: Running) -> dict[str, InForce]:
    entries = in_force.see(running.stack, running.plan, kept={})
    return {entry.worker: entry for entry in entries}


@pytest.mark.parallel
@pytest.mark.parametrize("name", ["uvicorn", "two"])
def test_an_application_answers_after_its_lifespan_has_begun(running: Running, name: str) -> None:
    (answer,) = running.agent.fetch([f"http://{running.address(name)}/"])

    assert answer.status == 200
    assert json.loads(answer.body) == {"started": True, "replica": f"{name}-1"}


@pytest.mark.parallel
@pytest.mark.parametrize(("name", "processes"), [("uvicorn", 1), ("two", 2)])
def test_what_was_put_into_force_is_seen(
    seen: dict[str, InForce], name: str, processes: int
) -> None:
    entry = seen[name]

    assert (entry.server, entry.mode, entry.processes) == ("uvicorn", "event loop", processes)
    assert (entry.threads, entry.slots, entry.notes) == (None, None, ())


@pytest.mark.parallel
def test_idle_connections_stay_open(running: Running) -> None:
    kept = keep_alive.watch(running.stack, running.plan)

    assert {name: entry.closed_after_s for name, entry in kept.items()} == dict.fromkeys(kept)
    assert all(entry.answered == entry.opened for entry in kept.values())


@pytest.mark.parallel
def test_each_has_an_idle_control_that_runs(running: Running) -> None:
    assert set(running.stack.idle_controls()) == {"uvicorn-0", "two-0"}
