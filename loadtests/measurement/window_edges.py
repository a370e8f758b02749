"""Reads a stack's counters at the edges of windows."""

from __future__ import annotations

from loadtests.environments.keep_awake import Awake
from loadtests.environments.protocol import Stack
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.model.generator_records import Edge
from loadtests.model.vocabulary import Role
from loadtests.tools import proc

SERVICES = tuple(role.value for role in (Role.PROXY, Role.GENERATOR, Role.METRONOME, Role.STORE))
"""Members that are not replicas; not every stack has a store."""


def read_edge(stack: Stack, awake: Awake, metronome: Metronome | None) -> Edge:
    """Return all present counters; core speed is unknown without a reliable CPU speed probe."""
    if metronome is not None:
        metronome.ask()
    members = stack.read((*(replica.name for replica in stack.replicas), *SERVICES))
    host = stack.read_host()
    harness_cpu_s = proc.own_cpu_s() + awake.cpu_s()
    pulse = metronome.answer() if metronome is not None else None
    return Edge(
        members=members,
        host=host,
        harness_cpu_s=harness_cpu_s,
        # On cores that may sleep, the probe runs faster the more replicas keep them awake. Its
        # speed would bias the doubling factor, so there the intervals stay wider instead.
        pulse=pulse if awake.holds else None,
    )
