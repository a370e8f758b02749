"""A generator on this machine that several stacks are asked by; it takes long to start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from loadtests.environments.child_python import python_path
from loadtests.measurement.generator_client import Agent
from loadtests.tools import proc


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """Whoever imports this fixture has one generator for all tests of the module."""
    argv = (sys.executable, "-m", "loadtests.generator")
    log = tmp_path_factory.mktemp("generator") / "generator.log"
    with proc.Child(argv, log=log, env=python_path()) as child:
        asking = Agent(child)
        asking.hello()
        yield asking
