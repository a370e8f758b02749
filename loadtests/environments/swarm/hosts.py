"""Tells apart the machines of nodes that have one host name, as several Raspberry Pis often do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from loadtests.model.machine import Node

Info = Mapping[str, Any]
"""What an engine tells of itself and its machine (``docker info``)."""

OF_ONE_MACHINE = ("MemTotal", "KernelVersion")
"""Facts that all engines of a machine share. The cores are none: an engine may have only some."""

ROOT = "DockerRootDir"
"""Where an engine keeps its data. Two engines of one machine cannot have the same place."""


def told_apart(
    nodes: Sequence[Node], here: Collection[str], info: Callable[[Node], Info]
) -> tuple[Node, ...]:
    """Return the nodes, with hosts of different names where they certainly are several machines.

    ``here`` are the ids of the nodes on this machine, which are one. What is not certain here is
    seen later by the kernel's boot id, which only a container can read.
    """
    hosts: dict[str, str] = {}
    for name in {node.host for node in nodes}:
        named = [node for node in nodes if node.host == name]
        if len(named) == 1 or all(node.id in here for node in named):
            continue
        machines = _machines(named, here, {node.id: info(node) for node in named})
        if len(machines) > 1:
            hosts |= _names(name, machines, here)
    return tuple(replace(node, host=hosts.get(node.id, node.host)) for node in nodes)


def _machines(
    nodes: Sequence[Node], here: Collection[str], facts: Mapping[str, Info]
) -> list[list[Node]]:
    """Return the nodes by machine; those of this machine are the first."""
    machines = [[node for node in nodes if node.id in here]]
    for node in nodes:
        if node.id in here:
            continue
        mine = facts[node.id]
        shared = (
            machine
            for machine in machines
            if not any(_are_two_machines(mine, facts[other.id]) for other in machine)
        )
        machine = next((found for found in shared if found), None)
        if machine is None:
            machines.append([node])
        else:
            machine.append(node)
    return [machine for machine in machines if machine]


def _are_two_machines(one: Info, other: Info) -> bool:
    """Return whether two engines are certainly on two machines."""
    has_one_root = bool(one.get(ROOT)) and one.get(ROOT) == other.get(ROOT)
    return has_one_root or any(one.get(name) != other.get(name) for name in OF_ONE_MACHINE)


def _names(
    name: str, machines: Sequence[Sequence[Node]], here: Collection[str]
) -> Mapping[str, str]:
    """Return a name of its own for each machine, by its nodes' ids; this machine keeps its name."""
    urls = [urlsplit(machine[0].engine) for machine in machines]
    places, hosts = [url.netloc for url in urls], [url.hostname for url in urls]
    found: dict[str, str] = {}
    for machine, place, host in zip(machines, places, hosts, strict=True):
        told = host if hosts.count(host) == 1 else place
        own = name if machine[0].id in here else f"{name} ({told})"
        found |= dict.fromkeys([node.id for node in machine], own)
    return found
