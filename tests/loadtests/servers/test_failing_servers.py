"""Every server that is here hangs, is killed, and exits: one message each, exit code 4, no rest."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import EXIT_ENVIRONMENT, EnvironmentFailure
from loadtests.model.stack import Replica
from loadtests.tools import proc, procfs
from tests.loadtests.generator_agent import agent
from tests.loadtests.servers.test_real_servers import HERE, Running, running
from tests.loadtests.servers.test_real_servers import pytestmark as needed

__all__ = ["agent"]

pytestmark = [*needed, pytest.mark.parallel]

OTHERS_SAY_NOTHING = {"cheroot", "waitress"}
"""Servers whose log has no line of a start; waitress's is one of ``logging``."""


class Only:
    """A stack of one replica of a stack."""

    def __init__(self, stack: Any, replica: Replica) -> None:
        self._stack = stack
        self.replicas = (replica,)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stack, name)


def said_of(up: Running, name: str, *, limit_s: float) -> str:
    """Give what is said of one replica that does not come up."""
    replica = next(each for each in up.stack.replicas if each.worker == name)
    alone: Any = Only(up.stack, replica)
    with pytest.raises(EnvironmentFailure) as caught:
        Driver(alone, up.agent, None, start_limit_s=limit_s).wait_ready(up.plan.upstreams)
    assert caught.value.exit_code == EXIT_ENVIRONMENT
    return str(caught.value)


def pids(up: Running, name: str) -> list[int]:
    return [process.pid for process in up.stack.processes_of(f"{name}-1")]


EACH = {model.server: name for name, model in reversed(HERE.items())}.values()
"""One worker model of each server."""


@pytest.fixture(scope="module")
def serving(agent: Agent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(agent, tmp_path_factory.mktemp("run"), *(HERE[name] for name in EACH)) as up:
        up.driver().wait_ready(up.plan.upstreams)
        started = [pid for name in EACH for pid in pids(up, name)]
        yield up
    left = [procfs.command_of(pid) for pid in started if procfs.facts_of(pid) is not None]
    assert left == []


@pytest.mark.parametrize("name", EACH)
def test_a_server_that_hangs_is_one_message(serving: Running, name: str) -> None:
    frozen = pids(serving, name)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        message = said_of(serving, name, limit_s=0.5)
    finally:
        for pid in reversed(frozen):
            os.kill(pid, signal.SIGCONT)

    assert message.startswith(f"Replica {name}-1 of 1 did not answer GET /healthz at 127.")
    assert "The end of its log:\n" in message


@pytest.mark.parametrize("name", EACH)
def test_a_server_that_is_killed_is_one_message(serving: Running, name: str) -> None:
    for pid in pids(serving, name):
        os.kill(pid, signal.SIGKILL)
    proc.wait_until(
        lambda: serving.stack.state_of(f"{name}-1").exit_code is not None,
        limit_s=20,
        failure="its exit code is not known",
    )

    message = said_of(serving, name, limit_s=5.0)

    assert message.startswith(f"Replica {name}-1 of 1 was ended by signal 9 before it answered.")
    if name not in OTHERS_SAY_NOTHING:
        assert "(it wrote nothing)" not in message


def test_a_server_that_exits_is_one_message_with_its_own_line(
    agent: Agent, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wrong = [
        replace(worker, env={"PYTHONHOME": "/nowhere"}) for worker in (HERE[name] for name in EACH)
    ]
    with running(agent, tmp_path_factory.mktemp("run"), *wrong) as up:
        messages = {name: said_of(up, name, limit_s=20.0) for name in EACH}

    for name, message in messages.items():
        assert message.startswith(f"Replica {name}-1 of 1 ended with code "), message
        assert "No module named 'encodings'" in message
