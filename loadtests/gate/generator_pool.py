"""Runs the load generators of a gate's stack, with common windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from loadtests.environments.keep_awake import Awake
from loadtests.gate.model import SideName
from loadtests.gate.stack import GateStack
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.window_edges import check_clocks, read_edge
from loadtests.model.generator_records import Edge, Load, LoadDone

TIMEOUT_S = 30.0
"""Timeout of a request, in seconds."""

Key = tuple[int, SideName]
"""Identifies a generator by its lane and its version."""

Keep = Callable[[str, bytes], None]
"""Stores the samples (the bytes of an ``.npz``) of a load under its name."""

ALONE: Key = (0, SideName.BASE)
"""The generator for loads that run alone."""


class GeneratorPool:
    """The generators of one worker model's stack; ``keep`` receives the samples of each load."""

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
        """The generator for requests that need only one."""
        return self._agents[ALONE]

    def open(
        self, loads: Sequence[tuple[Key, Load]], metronome: Metronome | None = None
    ) -> tuple[list[LoadDone], Edge, Edge]:
        """Run loads at the same time, and return their samples and the window's two edges."""
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
        for load_done in done:
            check_clocks(opened, load_done.finished)
        if self._keep is not None:
            for (_, load), finished in zip(pairs, done, strict=True):
                self._keep(f"{self._worker}-{load.id}", finished.samples)
        return done, opened, closed
