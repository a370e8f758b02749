"""The machine that runs the experiment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine's engine that takes part in a Swarm.

    ``id`` is the Swarm's, and ``engine`` the address at which it is reached. ``host`` is the same
    for nodes that are on one machine, whose cores are then counted once. ``role`` is the value of
    the label ``twofold.role``, or empty.
    """

    name: str
    id: str
    engine: str
    host: str
    cores: int
    memory_bytes: int
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The facts of a machine that a result depends on."""

    cores: int
    core_ids: tuple[int, ...]
    memory_bytes: int
    cpu_model: str
    system: str
    python: str
    engine: str | None = None
    compose: str | None = None
    cgroup: str | None = None
    can_budget: bool = True
    """Whether a CPU budget can be set for a replica here."""
    can_pin: bool = True
    """Whether a process can be pinned to cores here."""
    nodes: tuple[Node, ...] = ()
    """The nodes of a Swarm that take part, the manager first; none without a Swarm."""
    hardware_threads: tuple[tuple[int, ...], ...] = ()
    """The usable logical CPUs of each physical core, where one has several; () where each has one,
    or where it is not known. ``cores`` counts logical CPUs."""

    @property
    def physical_cores(self) -> int:
        """The number of cores, of which each may have several logical CPUs."""
        return len(self.hardware_threads) or self.cores

    @property
    def cores_in_words(self) -> str:
        """The cores for people: ``2 cores``, or ``8 logical CPUs, 4 cores``."""
        cores = f"{self.physical_cores} core{'s' * (self.physical_cores != 1)}"
        return f"{self.cores} logical CPUs, {cores}" if self.hardware_threads else cores
