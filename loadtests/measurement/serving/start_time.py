"""How long a replica takes from its start to its first answer."""

from __future__ import annotations

from loadtests.analysis.shared.statuses import FIRST_SERVER_ERROR
from loadtests.environments.protocol import Grows, Stack
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc

LIMIT_S = 60.0
ASK_LIMIT_S = 2.0
"""Timeout of one request; one that is accepted early gets its answer as soon as there is one."""


def measure(stack: Stack, agent: Agent, worker: str, path: str) -> float | None:
    """Start one more replica, without a CPU limit; return the seconds to its first answer.

    In a container, they include what Compose and the engine take. None where a stack cannot grow,
    or the replica does not answer: that must not cost a run that is over.
    """
    if not isinstance(stack, Grows):
        return None
    began_s = proc.monotonic_s()
    try:
        with stack.further_replica(worker) as address:
            url = f"http://{address}{path}"
            proc.wait_until(lambda: _answers(agent, url), limit_s=LIMIT_S, failure="no answer")
            return proc.monotonic_s() - began_s
    except (EnvironmentFailure, OSError):
        return None


def _answers(agent: Agent, url: str) -> bool:
    status = agent.fetch([url], timeout_s=ASK_LIMIT_S)[0].status
    return status is not None and status < FIRST_SERVER_ERROR
