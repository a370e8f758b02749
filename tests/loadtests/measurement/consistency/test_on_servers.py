"""The checks on real servers with real processes: gthread and gevent with one, sync with two."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.tested.workload import RequestSpec, Workload
from tests import needs
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_budget, make_plan
from tests.loadtests.generator_agent import agent

__all__ = ["agent"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parallel,
    needs.PROCESSES,
]

SERVED = Target(
    kind=TargetKind.IMPORT_STRING,
    given="served_app:create_app()",
    name="served_app",
    folder=str(Path(__file__).parent),
    application="served_app:create_app()",
    python=sys.executable,
)

REQUESTS = (
    RequestSpec(path="/me"),
    RequestSpec(method="POST", path="/notes", form={"text": "a note of {1000..9999}"}),
    RequestSpec(path="/notes/{1..9999}"),
)
LOGIN = RequestSpec(method="POST", path="/login", form={"user": "ada lovelace"})


def found(
    agent: Agent, case: str, folder: Path, requests: tuple[RequestSpec, ...] = REQUESTS
) -> Sequence[ProbeResult]:
    """Give what the checks find of one application, served by three worker models."""
    plan = replace(
        make_plan(
            workers=("gthread", "sync", "gevent"),
            replica_counts=(1, 2),
            backend="processes",
            budget=make_budget(replica_cpus=None, replica_cores=(), service_cores=()),
        ),
        workloads=(Workload(name="own", path="/me", requests=requests, start=(LOGIN,)),),
    )
    settings = {"*": {"CASE": case, "FOLDER": str(folder)}}
    backend = ProcessesBackend(CHECKOUT, tested=SERVED, settings=settings)
    with backend.open(plan, folder, lambda _: None) as stack:
        driver = Driver(stack, agent, None)
        driver.wait_ready(plan.upstreams)
        names = set(stack.identities())
        results = driver.ask_servers(plan)
        assert set(stack.identities()) == names  # what was started further has ended
        return results


def broken(results: Sequence[ProbeResult]) -> list[tuple[str, str, bool]]:
    return [
        (result.worker, result.check, result.one_server)
        for result in results
        if result.state is ProbeState.BREAKS
    ]


def test_a_random_key_breaks_with_every_worker_model(agent: Agent, tmp_path: Path) -> None:
    assert broken(found(agent, "random_key", tmp_path)) == [
        ("gthread", "GET /me", False),
        ("sync", "GET /me", True),
        ("gevent", "GET /me", False),
    ]


def test_a_file_of_each_server_breaks_with_every_worker_model(agent: Agent, tmp_path: Path) -> None:
    assert broken(found(agent, "own_file", tmp_path)) == [
        (worker, "GET /notes/{1..9999}", False) for worker in ("gthread", "sync", "gevent")
    ]


def test_a_shared_file_and_a_shared_key_are_ok_with_every_worker_model(
    agent: Agent, tmp_path: Path
) -> None:
    results = found(agent, "shared", tmp_path)

    assert broken(results) == []
    kinds = (ProbeKind.ANSWER, ProbeKind.WRITTEN)
    states = [(r.worker, r.kind, r.state) for r in results if r.check != "POST /notes"]
    asked = [state for state in states if state[1] in kinds]
    assert [state[2] for state in states if state[1] is ProbeKind.START] == [ProbeState.OK] * 3
    assert asked == [
        (worker, kind, ProbeState.OK) for worker in ("gthread", "sync", "gevent") for kind in kinds
    ]


def test_tables_that_each_start_empties_break_with_every_worker_model(
    agent: Agent, tmp_path: Path
) -> None:
    results = found(agent, "drops_tables", tmp_path)

    assert broken(results) == [
        (worker, "a further server starts", False) for worker in ("gthread", "sync", "gevent")
    ]
    assert "what POST /notes wrote was gone" in results[-1].detail


def test_a_list_of_each_process_breaks_with_every_worker_model(
    agent: Agent, tmp_path: Path
) -> None:
    """The text is the same every time, so it gets a word of its own."""
    write = RequestSpec(method="POST", path="/list", form={"text": "buy milk"})

    results = found(agent, "in_memory", tmp_path, (RequestSpec(path="/list"), write))

    assert broken(results) == [
        ("gthread", "GET /list", False),
        ("sync", "GET /list", True),
        ("gevent", "GET /list", False),
    ]
