"""Reads a stack's counters at the edges of windows."""

from __future__ import annotations

from loadtests.environments.keep_awake import Awake
from loadtests.environments.protocol import (
    HasIdleControls,
    Stack,
    WatchesDeployment,
    WatchesNodes,
    WatchesShared,
)
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.model.errors import GeneratorFailure
from loadtests.model.generator_records import Edge, Finished
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role
from loadtests.tools import proc

SERVICES = tuple(role.value for role in (Role.PROXY, Role.GENERATOR, Role.METRONOME, Role.STORE))
"""Members that are not replicas; not every stack has a store."""


CLOCKS_LIMIT_S = 10.0
"""How far the generator's clock may be from this machine's. Counters are read within a second after
the window opens, so that is mostly the time of a slow machine."""


def check_clocks(opened: Edge, finished: Finished) -> None:
    """Raise if the generator's moments cannot be compared with those of the counters.

    The clocks may differ on another machine, or if somebody set this one's as the run started.
    """
    read_at_s = min(map(_read_from_s, opened.members), default=finished.opened_at_s)
    apart_s = read_at_s - finished.opened_at_s
    if abs(apart_s) > CLOCKS_LIMIT_S:
        side = "behind" if apart_s > 0 else "ahead of"
        raise GeneratorFailure(
            f"The generator's clock is {abs(apart_s):.0f} s {side} this machine's, so requests and"
            " CPU time cannot be compared. Synchronise the clocks (NTP), and start again."
        )


def _read_from_s(reading: Reading) -> float:
    """Return when somebody was asked for a reading; a program of the user's may take its time."""
    return reading.at_s if reading.asked_at_s is None else reading.asked_at_s


def read_edge(stack: Stack, awake: Awake, metronome: Metronome | None) -> Edge:
    """Return all present counters; core speed is unknown without a reliable CPU speed probe."""
    if metronome is not None:
        metronome.ask()
    controls = stack.idle_controls() if isinstance(stack, HasIdleControls) else ()
    members = stack.read((*(replica.name for replica in stack.replicas), *controls, *SERVICES))
    host = stack.read_host()
    harness_cpu_s = proc.own_cpu_s() + awake.cpu_s()
    pulse = metronome.answer() if metronome is not None else None
    shared = stack.look_at_shared() if isinstance(stack, WatchesShared) else None
    nodes = stack.look_at_nodes() if isinstance(stack, WatchesNodes) else None
    deployment = stack.look_at_deployment() if isinstance(stack, WatchesDeployment) else None
    return Edge(
        members=members,
        host=host,
        harness_cpu_s=harness_cpu_s,
        # On cores that may sleep, the probe runs faster the more replicas keep them awake. Its
        # speed would bias the doubling factor, so there the intervals stay wider instead.
        pulse=pulse if awake.holds else None,
        shared=shared,
        nodes=nodes,
        deployment=deployment,
    )
