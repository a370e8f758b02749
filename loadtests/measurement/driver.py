"""Runs loads on a stack, and reads its counters at the windows' edges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from random import Random
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from loadtests.analysis.ceilings import file_ceiling, generator_ceiling
from loadtests.analysis.consistency import lasting
from loadtests.analysis.consistency.conversation import common_headers
from loadtests.environments.keep_awake import Awake
from loadtests.environments.protocol import HasFront, MayBeReset, Stack
from loadtests.measurement import check_trial, not_ready, readiness
from loadtests.measurement.check_trial import CheckedLoad
from loadtests.measurement.consistency.declared import REPLICA_HEADER, Prober
from loadtests.measurement.consistency.undeclared import LIMIT_S, Undeclared, means_of, unreachable
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.profiles.beside import NOTHING, Beside
from loadtests.measurement.server_counters import ServerCounters
from loadtests.measurement.serving import start_time
from loadtests.measurement.serving.proxy_connections import ProxyConnections
from loadtests.measurement.user_calibration import spec_of
from loadtests.measurement.user_load import rows
from loadtests.measurement.user_load.orders import Orders
from loadtests.measurement.window_edges import check_clocks, read_edge
from loadtests.model.consistency import Check, ProbeResult
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.generator_records import Answer, Edge, Load, LoadDone, RawTrial
from loadtests.model.latency import Ceiling, FileCeiling
from loadtests.model.plan import Plan, Timing, TrialSpec, Upstream
from loadtests.model.stack import Replica
from loadtests.model.tested.target import SAMPLE_HEALTH_PATH
from loadtests.model.tested.workload import Workload
from loadtests.model.vocabulary import Role
from loadtests.targets.reset import reset
from loadtests.tools import proc

NOTHING_AWAKE = Awake(None)

NOTHING_CHECKED: Mapping[str, CheckedLoad] = MappingProxyType({})

DECLARED_S = 8.0
"""Seconds of the checks' limit that are kept for those which are declared, if there are any."""

STATIC_PATH = "/static"
"""Path that the proxy answers itself, on the port of its status page."""


class Driver:
    """A stack with its generator."""

    def __init__(
        self,
        stack: Stack,
        agent: Agent,
        metronome: Metronome | None,
        awake: Awake = NOTHING_AWAKE,
        *,
        health_path: str = SAMPLE_HEALTH_PATH,
        start_limit_s: float = readiness.READY_LIMIT_S,
        counts_requests: bool = True,
    ) -> None:
        """``counts_requests`` says that replicas count their requests, as the sample's do."""
        self._health_path = health_path
        self._start_limit_s = start_limit_s
        self._stack = stack
        self._agent = agent
        self.orders = Orders(agent)
        self._metronome = metronome
        self._awake = awake
        self._asked_s = 0.0
        """How long the checks took that need no declaration."""
        self._ending: frozenset[tuple[str, str]] = frozenset()
        """Worker models and workloads where a second login ends the first session."""
        self._server_counters = ServerCounters(stack, agent, count_in_replicas=counts_requests)
        self.proxy = ProxyConnections(stack, agent, self._server_counters)

    @property
    def _has_addresses(self) -> bool:
        """Whether the replicas can be asked one by one, and not only through a balancer."""
        return self._stack.status_url is not None or isinstance(self._stack, HasFront)

    def _replicas(self) -> dict[str, Replica]:
        return {replica.name: replica for replica in self._stack.replicas}

    def wait_ready(self, upstreams: Sequence[Upstream]) -> None:
        """Wait until every replica answers; raise with the log of one that does not.

        Behind a balancer that is not ours, replicas have no address, and the balancer is asked.
        """
        if not self._has_addresses:
            readiness.wait_for_url(self._agent, self.base_url(upstreams[0].port), self._health_path)
            return
        readiness.wait_ready(
            self._agent,
            self._stack.replicas,
            path=self._health_path,
            ended=self._ended,
            not_ready=self._never_answered,
            limit_s=self._start_limit_s,
        )

    def start_s(self, worker: str) -> float | None:
        """Start one more replica for a moment, and return the seconds to its first answer."""
        return start_time.measure(self._stack, self._agent, worker, self._health_path)

    def _ended(self, waiting: Collection[str]) -> str | None:
        running = self._stack.identities()
        ended = [name for name in waiting if running and name not in running]
        return self._not_ready(ended, answer=None, waited_s=0.0) if ended else None

    def _never_answered(self, waiting: Sequence[Replica], waited_s: float) -> str:
        names = [replica.name for replica in waiting]
        url = f"http://{self._replicas()[min(names)].address}{self._health_path}"
        return self._not_ready(names, answer=self._agent.fetch([url])[0], waited_s=waited_s)

    def _not_ready(self, names: Collection[str], *, answer: Answer | None, waited_s: float) -> str:
        name = min(names)
        others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        log = self._stack.log_of(name)
        did = not_ready.what_it_did(
            self._replicas()[name],
            state=self._stack.state_of(name),
            answer=answer,
            path=self._health_path,
            waited_s=waited_s,
            log=log,
        )
        return (
            f"Replica {name}{others} of {len(self._replicas())} {did}.\n{not_ready.log_digest(log)}"
        )

    def wait_for_proxy(self) -> None:
        """Wait until the proxy serves its status page; nothing to do without a proxy of ours."""
        if self._stack.status_url is not None:
            readiness.wait_for_proxy(
                self._agent, self._stack.status_url, lambda: self._stack.log_of(Role.PROXY)
            )

    def prove_shares(self, upstreams: Sequence[Upstream]) -> None:
        """Send one request per member to each port; raise unless each member answers once.

        Other balancers than our proxy need not take turns, so there the answers are only counted.
        """
        for upstream in upstreams if self._stack.status_url is not None else ():
            url = self.base_url(upstream.port) + self._health_path
            answers = self._agent.fetch(
                [url] * len(upstream.members), timeout_s=readiness.READY_LIMIT_S
            )
            seen = sorted(answer.headers.get("x-upstream-addr", "nobody") for answer in answers)
            expected = sorted(
                self._replicas()[f"{upstream.worker}-{number}"].address
                for number in upstream.members
            )
            if seen != expected:
                raise EnvironmentFailure(
                    f"Port {upstream.port} of the proxy should pass to {', '.join(expected)} in"
                    f" turn, but {', '.join(seen)} answered. Run `twofold down`, then try again. If"
                    " it fails again, look for another proxy in front of the replicas."
                )

    def probe(self, plan: Plan, checks: Sequence[Check]) -> tuple[ProbeResult, ...]:
        """Return the results of the consistency checks, made through the proxy."""
        hooks = plan.tested.hooks
        header = (hooks.header or "") if hooks else REPLICA_HEADER
        limit_s = max(DECLARED_S, LIMIT_S - self._asked_s)

        def serve(upstream: Upstream) -> dict[str, str]:
            self._stack.activate(spec_of(upstream, plan.workloads[0].name))
            return {replica.address: name for name, replica in self._replicas().items()}

        prober = Prober(
            self._agent,
            {},
            self.base_url,
            header=header,
            limit_s=limit_s,
            serve=serve,
            headers=common_headers(plan.workloads, Random(plan.seed)),
        )
        try:
            return prober.probe(plan, checks)
        finally:
            self._server_counters.forget()

    def ask_servers(
        self, plan: Plan, checked: Mapping[str, CheckedLoad] = NOTHING_CHECKED
    ) -> tuple[ProbeResult, ...]:
        """Ask the replicas directly what users ask, and return whether they answer as one.

        What the users of a locustfile ask is known from its check trial, in ``checked``.

        The proxy need not be there yet, and the replicas have no CPU budget then. Behind a balancer
        that is not ours they have no address, and nothing is asked.
        """
        if not self._has_addresses:
            return unreachable(plan)
        host = f"{self._stack.proxy_host}:{plan.upstreams[0].port}"
        began_s = proc.monotonic_s()
        try:
            undeclared = Undeclared(self._agent, self._stack.replicas, host, means_of(self._stack))
            asked = undeclared.check(
                check_trial.with_starts(plan, checked),
                {name: load.requests for name, load in checked.items()},
                limit_s=LIMIT_S - (DECLARED_S if plan.checks else 0.0),
            )
            self._ending = lasting.ended_by_login(asked)
            return asked
        finally:
            self._asked_s = proc.monotonic_s() - began_s
            self._server_counters.forget()

    def check_load(self, workload: Workload, upstream: Upstream) -> CheckedLoad:
        """Run the check trial of a user's own load on a replica of ``upstream``.

        The proxy need not be there yet. Where it is not ours, it is asked all the same.
        """
        url = self.base_url(upstream.port)
        if self._has_addresses:
            replica = self._replicas()[f"{upstream.worker}-{upstream.members[0]}"]
            url = f"http://{replica.address}"
        try:
            return check_trial.check(self._agent, self.orders, workload, url)
        finally:
            self._server_counters.forget()

    def reset(self, plan: Plan) -> None:
        """Take back what the load left behind; replicas that this starts anew are waited for."""
        if plan.reset_command and isinstance(self._stack, MayBeReset):
            self._stack.forget_replicas()
        reset(plan)

    def end_users(self) -> None:
        """End the users of the user's own loads, who live from trial to trial."""
        self._agent.end_users()

    def base_url(self, port: int) -> str:
        """Return the URL of one of the proxy's ports, as seen by the generator.

        The user's own proxy has one port for all replicas.
        """
        if isinstance(self._stack, HasFront):
            port = self._stack.front_port
        return f"http://{self._stack.proxy_host}:{port}"

    def load_of(self, spec: TrialSpec, workload: Workload, timing: Timing) -> Load:
        """Return the load of a trial, without users or rate."""
        return replace(self._plain_load(spec, workload, timing), **self.orders.of(workload))

    def _plain_load(self, spec: TrialSpec, workload: Workload, timing: Timing) -> Load:
        return Load(
            id=spec.id,
            base_url=self.base_url(spec.port),
            path=workload.path,
            scenario=workload.scenario,
            settle_s=timing.settle_s,
            window_s=timing.window_s,
            drain_limit_s=timing.drain_limit_s,
        )

    def measure_ceiling(self, processes: int) -> Ceiling | None:
        """Return the generator's ceiling: its throughput on the static answer of our proxy."""
        if self._stack.status_url is None:
            return None
        users = generator_ceiling.USERS_A_PROCESS * processes
        done = self._load_on_static("ceiling", users)
        return generator_ceiling.reduce(done, users=users)

    def measure_file_ceiling(self, workload: Workload) -> FileCeiling:
        """Return what a user's locustfile costs one generator process for each request.

        Its check trial must have been run, whose answers it gets. Our proxy must be there.
        """
        assert workload.locustfile is not None
        done = self._load_on_static(
            f"ceiling-{workload.name}",
            file_ceiling.USERS,
            replay=True,
            **self.orders.of(workload),
        )
        return file_ceiling.reduce(done, workload, PurePath(workload.locustfile.path).name)

    def _load_on_static(self, name: str, users: int, **fields: Any) -> LoadDone:
        """Put a load on the answer that our proxy gives by itself; return what was sent."""
        load = Load(
            id=name,
            base_url=f"http://{urlsplit(self._stack.status_url or '').netloc}",
            path=STATIC_PATH,
            users=users,
            settle_s=generator_ceiling.SETTLE_S,
            window_s=generator_ceiling.WINDOW_S,
            drain_limit_s=generator_ceiling.DRAIN_LIMIT_S,
            **fields,
        )
        return self._agent.load(load, on_opened=lambda: None, on_closed=lambda: None)

    def measure(self, spec: TrialSpec, load: Load, beside: Beside = NOTHING) -> RawTrial:
        """Run one load, with something beside its window, and return its raw measurements."""
        load = self._activated(spec, load)
        started_s = proc.monotonic_s()
        active = tuple(f"{spec.cell.worker}-{number}" for number in spec.members)
        self._server_counters.start(active)
        edges: list[Edge] = []
        done = self._agent.load(
            load,
            on_opened=lambda: self._at_edge(edges, beside.start),
            on_closed=lambda: self._at_edge(edges, beside.stop),
        )
        check_clocks(edges[0], done.finished)
        request_counts = self._server_counters.finish(active)
        self.proxy.after_trial()
        replicas = self._replicas()
        return RawTrial(
            spec=spec,
            users=load.users or 0,
            finished=done.finished,
            samples=done.samples,
            opened=edges[0],
            closed=edges[1],
            proxy_requests=request_counts.proxy,
            replica_requests=request_counts.replicas,
            addresses={replicas[name].address: name for name in active},
            identities=self._stack.identities(),
            wall_s=proc.monotonic_s() - started_s,
        )

    def _activated(self, spec: TrialSpec, load: Load) -> Load:
        """Make a trial's replicas serve; return its load, over new connections if they changed.

        A connection that is kept may lead to a replica that is about to end, and still answers. Our
        proxy may have closed it.
        """
        before = self._stack.replicas
        self._stack.activate(spec)
        load = rows.of_users(spec, load, self._ending)
        keeps = self._stack.replicas == before and not self.proxy.has_closed
        return load if keeps else replace(load, reconnect=True)

    def _at_edge(self, edges: list[Edge], then: Callable[[], None]) -> None:
        edges.append(read_edge(self._stack, self._awake, self._metronome))
        then()
