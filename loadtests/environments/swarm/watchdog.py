"""Removes a run's stack from a Swarm when the harness ends without having removed it.

``python -m loadtests.environments.swarm.watchdog <stack> <manager> [<engine> …]`` waits for the end
of the harness. The engines are those of the nodes. It logs what it does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from loadtests.environments.compose.watchdog import watch_and_remove
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.docker.swarm import NodeEngine


def main(stack: str, addresses: Sequence[str]) -> int:
    """Wait for the end of the harness, remove its stack, and return the exit code."""
    return watch_and_remove(stack, partial(_removed, addresses))


def _removed(addresses: Sequence[str], stack: str, say: Say) -> bool:
    """Remove what is there of a stack; return whether there was nothing."""
    engines = []
    try:
        for address in addresses:
            try:
                engines.append(NodeEngine(address))
            except EnvironmentFailure as failure:
                say(str(failure))
                if not engines:  # the manager
                    return False
        return removed(engines[0], engines, stack, say, force=True)
    finally:
        for engine in engines:
            with closing(engine):
                pass


def removed(
    manager: NodeEngine,
    engines: Sequence[NodeEngine],
    stack: str,
    say: Callable[[str], object],
    force: bool,  # noqa: FBT001  one of a few, all given
) -> bool:
    """Ask once for the removal of a stack; return whether nothing is left where engines answer.

    Nodes remove the containers of removed services themselves; ``force`` does it for them.
    """
    try:
        if stack in manager.stacks():
            manager.remove_services(stack)
    except EnvironmentFailure as failure:
        say(str(failure))
        return False
    # Each is asked, also after one that is not empty.
    left = [engine for engine in engines if not _is_empty(engine, stack, say, force=force)]
    if left:
        return False
    try:
        manager.remove_networks(stack)
        return stack not in manager.stacks()
    except EnvironmentFailure as failure:  # such as a network that a task is leaving
        say(str(failure))
        return False


def _is_empty(engine: NodeEngine, stack: str, say: Callable[[str], object], *, force: bool) -> bool:
    """Return whether a node has no container of a stack; one that does not answer counts as so."""
    if not engine.alive():
        return True
    try:
        if not engine.containers(stack):
            return True
        if force:
            engine.remove(stack)
            return not engine.containers(stack)
        say(f"The engine at {engine.host} still has containers.")
    except EnvironmentFailure as failure:
        say(str(failure))
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
