"""The generators of a gate's stack, which open windows together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from loadtests.environments.keep_awake import Awake
from loadtests.gate.model import SideName
from loadtests.gate.stack import GateStack
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.window_edges import read_edge
from loadtests.model.generator_records import Edge, Load, LoadDone

TIMEOUT_S = 30.0
"""How long any request may take."""

Key = tuple[int, SideName]
"""A generator: the lane that it loads, and the side."""

Keep = Callable[[str, bytes], None]
"""Told the name of a load and its samples, the bytes of an ``.npz``."""

ALONE: Key = (0, SideName.BASE)
"""The generator that makes the loads which stand alone."""


class GeneratorPool:
    """The generators of one worker model's stack; ``keep`` is given every load's samples."""

    def __init__(
        self,
        stack: GateStack,
        worker: str,
        agents: Mapping[Key, Agent],
        awake: Awake,
        keep: Keep | None = None,
    ) -> None:
        self._stack = stack
        self._worker = worker
        self._agents = agents
        self._awake = awake
        self._keep = keep

    @property
    def agent(self) -> Agent:
        """The generator for all that only one is needed for."""
        return self._agents[ALONE]

    def open(
        self, loads: Sequence[tuple[Key, Load]], metronome: Metronome | None = None
    ) -> tuple[list[LoadDone], Edge, Edge]:
        """Put loads on at once, each by its generator; read the counters at the edges."""
        pairs = [(self._agents[key], load) for key, load in loads]
        for agent, load in pairs:
            agent.begin(load)
        for agent, load in pairs:
            agent.wait_opened(load)
        opened = read_edge(self._stack, self._awake, metronome)
        for agent, load in pairs:
            agent.wait_closed(load)
        closed = read_edge(self._stack, self._awake, metronome)
        done = [agent.collect(load) for agent, load in pairs]
        if self._keep is not None:
            for (_, load), finished in zip(pairs, done, strict=True):
                self._keep(f"{self._worker}-{load.id}", finished.samples)
        return done, opened, closed
