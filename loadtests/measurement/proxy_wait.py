"""Waits for a stack's proxy, which begins when its configuration is there."""

from __future__ import annotations

from collections.abc import Callable

from loadtests.measurement.generator_client import Agent
from loadtests.tools import proc

LIMIT_S = 20.0
"""How long nginx may take to start, with room for a machine that is busy."""


def wait_for_proxy(agent: Agent, url: str, log: Callable[[], str]) -> None:
    """Wait until ``url``, which the proxy serves, is answered; raise with the end of its log."""
    proc.wait_until(
        lambda: agent.fetch([url])[0].status is not None,
        limit_s=LIMIT_S,
        failure=lambda: f"The proxy did not answer in {LIMIT_S:g} s. The end of its log:\n{log()}",
    )
