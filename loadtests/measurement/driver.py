"""Puts loads on a stack, and reads its counters at the windows' edges."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from loadtests.analysis import generator_ceiling
from loadtests.environments.keep_awake import Awake
from loadtests.environments.protocol import Stack
from loadtests.measurement.consistency_checks import Prober
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.proxy_wait import wait_for_proxy
from loadtests.measurement.server_counters import Tally
from loadtests.model.consistency import Check, ProbeResult
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.generator_records import Edge, Load, RawTrial
from loadtests.model.latency import Ceiling
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.tools import proc

PROXY = "proxy"
GENERATOR = "generator"
METRONOME = "metronome"
STORE = "store"

READY_LIMIT_S = 90.0
"""How long a replica may take to answer first: at a tenth of a core Flask needs some 20 s."""

SERVER_ERROR = 500

NOTHING_AWAKE = Awake(None)

STATIC_PATH = "/static"
"""What the proxy answers by itself, on the port of its status page."""


class Driver:
    """One stack with its generator, ready to be loaded."""

    def __init__(
        self, stack: Stack, agent: Agent, metronome: Metronome, awake: Awake = NOTHING_AWAKE
    ) -> None:
        self._stack = stack
        self._agent = agent
        self._metronome = metronome
        self._awake = awake
        self._tally = Tally(stack, agent)
        self._replicas = {replica.name: replica for replica in stack.replicas}

    def wait_ready(self, path: str = "/healthz") -> None:
        """Wait until every replica answers; raise, naming one that does not and its log."""
        waiting = dict(self._replicas)

        def all_answer() -> bool:
            urls = [f"http://{replica.address}{path}" for replica in waiting.values()]
            answers = self._agent.fetch(urls, timeout_s=READY_LIMIT_S / 6)
            for name, answer in zip(tuple(waiting), answers, strict=True):
                if answer.status is not None and answer.status < SERVER_ERROR:
                    del waiting[name]
            there = self._stack.identities()
            if ended := [name for name in waiting if there and name not in there]:
                raise EnvironmentFailure(self._not_ready(ended, "ended before it answered"))
            return not waiting

        proc.wait_until(
            all_answer,
            limit_s=READY_LIMIT_S,
            failure=lambda: self._not_ready(waiting, f"did not answer in {READY_LIMIT_S:g} s"),
        )

    def _not_ready(self, names: Collection[str], what: str) -> str:
        name = min(names)
        others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        return (
            f"Replica {name}{others} of {len(self._replicas)} {what}."
            f" The end of its log:\n{self._stack.log_of(name)}"
        )

    def wait_for_proxy(self) -> None:
        """Wait until the proxy serves its own status page."""
        wait_for_proxy(self._agent, self._stack.status_url, lambda: self._stack.log_of(PROXY))

    def prove_shares(self, upstreams: Sequence[Upstream], path: str = "/healthz") -> None:
        """Ask each port once for each of its members; every member has to answer once."""
        for upstream in upstreams:
            url = self.base_url(upstream.port) + path
            answers = self._agent.fetch([url] * len(upstream.members), timeout_s=READY_LIMIT_S)
            seen = sorted(answer.headers.get("x-upstream-addr", "nobody") for answer in answers)
            wanted = sorted(
                self._replicas[f"{upstream.worker}-{number}"].address for number in upstream.members
            )
            if seen != wanted:
                raise EnvironmentFailure(
                    f"Port {upstream.port} of the proxy should pass to {', '.join(wanted)} in turn,"
                    f" but {', '.join(seen)} answered. Run `twofold down`, then try again; if it"
                    " stays so, something stands between the proxy and the replicas."
                )

    def probe(self, plan: Plan, checks: Sequence[Check]) -> tuple[ProbeResult, ...]:
        """Try through the proxy whether the replicas of each worker model answer as one."""
        names = {replica.address: name for name, replica in self._replicas.items()}
        try:
            return Prober(self._agent, names, self.base_url).probe(plan, checks)
        finally:
            self._tally.forget()

    def base_url(self, port: int) -> str:
        """Give the address of one of the proxy's ports as the generator has to use it."""
        return f"http://{self._stack.proxy_host}:{port}"

    def measure_ceiling(self, processes: int) -> Ceiling:
        """Put the generator alone on the proxy's own answer: the most that it gets out of it."""
        users = generator_ceiling.USERS_A_PROCESS * processes
        origin = urlsplit(self._stack.status_url)
        load = Load(
            id="ceiling",
            base_url=f"http://{origin.netloc}",
            path=STATIC_PATH,
            users=users,
            settle_s=generator_ceiling.SETTLE_S,
            window_s=generator_ceiling.WINDOW_S,
            drain_limit_s=generator_ceiling.DRAIN_LIMIT_S,
        )
        done = self._agent.load(load, on_opened=lambda: None, on_closed=lambda: None)
        return generator_ceiling.reduce(done, users=users)

    def measure(self, spec: TrialSpec, load: Load) -> RawTrial:
        """Put one load on, and give all that was seen of it."""
        started_s = proc.monotonic_s()
        active = tuple(f"{spec.cell.worker}-{number}" for number in spec.members)
        self._tally.start(active)
        edges: list[Edge] = []
        done = self._agent.load(
            load,
            on_opened=lambda: edges.append(self._edge()),
            on_closed=lambda: edges.append(self._edge()),
        )
        counted = self._tally.finish(active)
        return RawTrial(
            spec=spec,
            users=load.users or 0,
            finished=done.finished,
            samples=done.samples,
            opened=edges[0],
            closed=edges[1],
            proxy_requests=counted.proxy,
            replica_requests=counted.replicas,
            addresses={self._replicas[name].address: name for name in active},
            identities=self._stack.identities(),
            wall_s=proc.monotonic_s() - started_s,
        )

    def _edge(self) -> Edge:
        # Those of them that there are: not every stack has a store.
        members = (*self._replicas, PROXY, GENERATOR, METRONOME, STORE)
        self._metronome.ask()
        edge = Edge(
            members=self._stack.read(members),
            host=self._stack.read_host(),
            harness_cpu_s=proc.own_cpu_s() + self._awake.cpu_s(),
            pulse=self._metronome.answer(),
        )
        # On a core that falls asleep the metronome runs the faster, the more replicas keep it from
        # that: its word would bend the factor. Wider intervals are the honest answer there.
        return edge if self._awake.holds else replace(edge, pulse=None)
