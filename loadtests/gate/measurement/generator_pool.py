"""Runs the load generators of a gate's stack, with common windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from loadtests.environments.keep_awake import Awake
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.stack import GateStack
from loadtests.measurement import check_trial
from loadtests.measurement.check_trial import CheckedLoad
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.profiles.beside import NOTHING, Beside
from loadtests.measurement.user_load.orders import Orders
from loadtests.measurement.window_edges import check_clocks, read_edge
from loadtests.model.errors import UnusableLoad
from loadtests.model.generator_records import Edge, Load, LoadDone
from loadtests.model.tested.workload import Workload

TIMEOUT_S = 30.0
"""Timeout of a request, in seconds."""

Key = tuple[int, SideName]
"""Identifies a generator by its lane and its version."""

Keep = Callable[[str, bytes], None]
"""Stores the samples (the bytes of an ``.npz``) of a load under its name."""

ALONE: Key = (0, SideName.BASE)
"""The generator for loads that run alone."""

NEW_REQUEST = (
    "Base is asked first. A request that only head answers cannot be compared: leave it out of the"
    " gate's load until base has it."
)
"""What to do where the check trial of base fails, since the change brings a request."""


class GeneratorPool:
    """The generators of one worker model's stack; ``keep`` receives the samples of each load.

    ``asked`` is the user's own load, which every load has then; ``seed`` is what it draws from.
    """

    def __init__(
        self,
        stack: GateStack,
        worker: str,
        agents: Mapping[Key, Agent],
        awake: Awake,
        keep: Keep | None = None,
        *,
        asked: Workload | None = None,
        seed: int = 0,
    ) -> None:
        self._asked = asked
        self._seed = seed
        self._orders = {key: Orders(agent) for key, agent in agents.items()}
        self._stack = stack
        self._worker = worker
        self._agents = agents
        self._awake = awake
        self._keep = keep

    @property
    def agent(self) -> Agent:
        """The generator for requests that need only one."""
        return self._agents[ALONE]

    @property
    def has_users(self) -> bool:
        """Whether the load is the user's own, whose users live from load to load."""
        return self._asked is not None

    @property
    def may_pause(self) -> bool:
        """Whether users may do more than wait for answers, so that they may leave slots idle."""
        return self._asked is not None and self._asked.locustfile is not None

    def check(self, base_url: str) -> CheckedLoad | None:
        """Run the check trial of the user's own load at a start of base; None where there is none.

        Raises with everything that is wrong; see ``measurement.check_trial``.
        """
        if self._asked is None:
            return None
        return check_trial.check(
            self.agent,
            self._orders[ALONE],
            self._asked,
            base_url,
            version=SideName.BASE,
            advice=NEW_REQUEST,
        )

    def end_users(self) -> None:
        """End the users who live on."""
        for agent in self._agents.values() if self.has_users else ():
            agent.end_users()

    def _with_users(self, key: Key, load: Load) -> Load:
        """Return a load with the user's own requests.

        Both versions draw the same ones: the generator draws by seed and id, so the version is left
        out of the id.
        """
        if self._asked is None:
            return load
        return replace(
            load,
            id="-".join(word for word in load.id.split("-") if word not in set(SideName)),
            seed=self._seed if load.seed is None else load.seed,
            **self._orders[key].of(self._asked),
        )

    def rehearse(self, loads: Sequence[tuple[Key, Load]]) -> list[LoadDone]:
        """Run loads that are not measured: their users start, and stay for later loads.

        Users may log in first, which takes different times; the loads that follow begin together.
        Raises :class:`UnusableLoad` with the version on which they do not get to their first task,
        when all other loads are over: their generators may be asked again.
        """
        return [_collected(agent, load) for agent, load in self._opened(loads)]

    def _opened(self, loads: Sequence[tuple[Key, Load]]) -> list[tuple[Agent, Load]]:
        """Begin loads and return them when all windows are open; raise as :meth:`rehearse` does."""
        opened: list[tuple[Agent, Load]] = []
        errors: list[UnusableLoad] = []
        for (agent, load), (key, given) in zip(self._begun(loads), loads, strict=True):
            try:
                with _on(version_of(key, given)):
                    agent.wait_opened(load)
            except UnusableLoad as error:
                errors.append(error)
            else:
                opened.append((agent, load))
        if errors:
            for agent, load in opened:
                _collected(agent, load)
            raise errors[0]
        return opened

    def _begun(self, loads: Sequence[tuple[Key, Load]]) -> list[tuple[Agent, Load]]:
        """Begin loads at the same time; return each as it was sent, with its generator."""
        pairs = [(self._agents[key], self._with_users(key, load)) for key, load in loads]
        for agent, load in pairs:
            agent.begin(load)
        return pairs

    def open(
        self,
        loads: Sequence[tuple[Key, Load]],
        metronome: Metronome | None = None,
        beside: Beside = NOTHING,
    ) -> tuple[list[LoadDone], Edge, Edge]:
        """Run loads at the same time, and return their samples and the window's two edges.

        ``beside`` is started in the open window. It has to end by itself. Raises
        :class:`UnusableLoad` as :meth:`rehearse` does.
        """
        pairs = self._opened(loads)
        opened = read_edge(self._stack, self._awake, metronome)
        beside.start()
        for agent, load in pairs:
            agent.wait_closed(load)
        closed = read_edge(self._stack, self._awake, metronome)
        done = [agent.collect(load) for agent, load in pairs]
        for load_done in done:
            check_clocks(opened, load_done.finished)
        if self._keep is not None:
            for (_, load), finished in zip(loads, done, strict=True):
                self._keep(f"{self._worker}-{load.id}", finished.samples)
        return done, opened, closed


def _collected(agent: Agent, load: Load) -> LoadDone:
    agent.wait_closed(load)
    return agent.collect(load)


def version_of(key: Key, load: Load) -> SideName:
    """Return the version that is loaded, by the load's id; the generator's own where it has none.

    Loads through the proxy of either version come from one generator.
    """
    words = (word for word in load.id.split("-") if word in set(SideName))
    return SideName(next(words, key[1]))


@contextmanager
def _on(version: SideName) -> Iterator[None]:
    """Name the version in the error of a load whose users do not get to their first task."""
    try:
        yield
    except UnusableLoad as error:
        raise UnusableLoad(f"On {version}: {error}") from error
