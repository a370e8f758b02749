"""A stack and a generator in memory: a whole run in milliseconds.

A :class:`World` has a clock of its own and knows how fast a cell is. Its :class:`FakeBackend` and
what comes from it speak the real protocols, so everything between them is the real thing.
"""

from __future__ import annotations

import base64
import io
import json
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np

from loadtests.environments.counters import role_of
from loadtests.environments.protocol import Say
from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import Plan, Upstream
from loadtests.model.stack import HostReading, Reading, Replica
from loadtests.model.vocabulary import Role
from loadtests.tools.proc import Child
from tests.loadtests.builders import STARTED_AT_S

PERIODS_PER_S = 10
CORES = 2
STATUS_URL = "http://proxy:9000/status"
Order = dict[str, Any]


@dataclass(kw_only=True)
class World:
    """What is true in a test.

    ``rps`` gives a trial's throughput from its order and members, ``share`` who answers which turn,
    ``foreign`` the share of the cores that others use in a trial's window, and ``state`` where the
    application keeps what it is told (None: it has no store).
    """

    rps: Callable[[Order, Sequence[str]], float] = lambda _, members: 50.0 * len(members)
    share: Callable[[Sequence[str], int], str] = lambda members, turn: members[turn % len(members)]
    before_trial: Callable[[int], None] = lambda _: None
    foreign: Callable[[Order], float] = lambda _: 0.0
    wait_ms: Callable[[Order, Sequence[str], Any], Any] = lambda _, __, due_s: 20.0 + 0.0 * due_s
    """How long the requests of an open loop take, from when each is due (s since the start)."""
    ceiling_rps: float = 20_000.0
    lost_workers: Callable[[Order], int] = lambda _: 0
    throttled_ratio: float = 1.0
    now_s: float = STARTED_AT_S
    trials: list[Order] = field(default_factory=list)
    open: int = 0
    replica_cpus: float = 0.1
    finished: dict[str, int] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    foreign_s: float = 0.0
    proxy_requests: int = 0
    state: Literal["store", "memory"] | None = None
    kept: dict[str, list[str]] = field(default_factory=dict)
    upstreams: dict[int, Upstream] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)

    def members_behind(self, port: int) -> list[str]:
        upstream = self.upstreams[port]
        return [f"{upstream.worker}-{number}" for number in upstream.members]

    def work(self, members: Sequence[str], seconds: float) -> None:
        self.now_s += seconds
        used = 0.98 if self.throttled_ratio > 0.5 else 0.4
        for member, cpus in (*((name, self.replica_cpus) for name in members), ("proxy", 0.1)):
            self.cpu_s[member] = self.cpu_s.get(member, 0.0) + used * cpus * seconds


class ScriptedChild(Child):
    """A child that answers each line by a function; it is no process."""

    def __init__(self, answer: Callable[[str], Iterator[str]]) -> None:
        self.argv = ("fake",)
        self.log = Path("fake.log")
        self.sent: list[str] = []
        self._answer = answer
        self._answers: deque[Iterator[str]] = deque()

    def send(self, line: str) -> None:
        self.sent.append(line)
        self._answers.append(self._answer(line))

    def receive(self, timeout_s: float) -> str:
        assert timeout_s > 0
        while self._answers:
            for line in self._answers[0]:
                return line
            self._answers.popleft()
        raise ProcessFailure("`fake` did not answer. Its log: fake.log")

    def close(self, *, grace_s: float = 3.0) -> None:
        pass


def says(*lines: str | Mapping[str, Any]) -> ScriptedChild:
    """Give a child that says these lines one after the other, whatever it is told."""
    rest = iter([line if isinstance(line, str) else json.dumps(line) for line in lines])
    return ScriptedChild(lambda _: rest)


class FakeStack:
    """A stack of the plan's replicas; see ``environment.protocol.Stack``."""

    proxy_host = "proxy"
    status_url = STATUS_URL
    host_cores = ()

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self._plan = plan
        self.replicas = tuple(
            Replica(
                name=f"{worker.name}-{number}",
                worker=worker.name,
                number=number,
                address=f"10.0.{index}.{number}:8000",
                identity=f"container {worker.name}-{number}",
            )
            for index, worker in enumerate(plan.workers)
            for number in range(1, plan.replica_counts[-1] + 1)
        )
        world.replicas = {replica.name: replica for replica in self.replicas}

    def start_generator(self) -> Child:
        return ScriptedChild(lambda line: _generate(self.world, json.loads(line)))

    def start_metronome(self) -> Child:
        return ScriptedChild(lambda _: _beat(self.world))

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        self.world.upstreams = {upstream.port: upstream for upstream in upstreams}

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        return tuple(self._reading(member) for member in members if self._is_there(member))

    def _is_there(self, member: str) -> bool:
        return member != Role.STORE or self._plan.with_store

    def _reading(self, member: str) -> Reading:
        cpu_s = self.world.cpu_s.get(member, 0.0)
        periods = round(cpu_s / 0.098 * PERIODS_PER_S)
        replica = role_of(member) is Role.REPLICA
        return Reading(
            member=member,
            role=role_of(member),
            at_s=self.world.now_s,
            cpu_s=cpu_s,
            periods=periods if replica else None,
            throttled_periods=round(periods * self.world.throttled_ratio) if replica else None,
            memory_bytes=60 * 2**20,
        )

    def read_host(self) -> HostReading | None:
        busy_s = sum(self.world.cpu_s.values()) + self.world.foreign_s
        return HostReading(
            at_s=self.world.now_s,
            busy_s=busy_s,
            steal_s=0.0,
            idle_s=CORES * (self.world.now_s - STARTED_AT_S) - busy_s,
            cores=CORES,
        )

    def identities(self) -> Mapping[str, str]:
        return {replica.name: replica.identity for replica in self.replicas}

    def log_of(self, member: str) -> str:
        return f"the log of {member}"


class FakeBackend:
    """A backend whose stacks are in memory; ``world.open`` counts those that are up."""

    name = "fake"

    def __init__(self, world: World) -> None:
        self._world = world

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[FakeStack]:
        assert folder.is_dir()
        self._world.open += 1
        self._world.replica_cpus = plan.budget.replica_cpus or 0.1
        try:
            yield FakeStack(self._world, plan)
        finally:
            say("Taking the stack down")
            self._world.open -= 1


def _beat(world: World) -> Iterator[str]:
    elapsed_s = world.now_s - STARTED_AT_S
    yield json.dumps({"cores": {"1": [1e6 * elapsed_s, elapsed_s]}})


def _generate(world: World, order: Order) -> Iterator[str]:
    if order["op"] == "hello":
        yield json.dumps({"event": "hello", "protocol": 1, "locust": "2.47.0", "python": "3.13.5"})
    elif order["op"] == "fetch":
        asks = [{"url": url} for url in order.get("urls", ())] + order.get("requests", [])
        answers = _answers(world, asks)
        yield json.dumps({"event": "fetched", "id": order["id"], "answers": answers})
    else:
        yield from map(json.dumps, _trial(world, order))


def _answers(world: World, asks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    by_address = {replica.address: name for name, replica in world.replicas.items()}
    answers = []
    for turn, ask in enumerate(asks):
        url = ask["url"]
        parts = urlsplit(url)
        answer: dict[str, Any] = {"url": url, "status": 200, "headers": {}, "body": ""}
        if url == STATUS_URL:
            world.proxy_requests += 1
            answer["body"] = status_page(world.proxy_requests)
        elif parts.hostname == "proxy":
            world.proxy_requests += 1
            member = world.share(world.members_behind(parts.port or 0), turn)
            answer["headers"] = {"x-upstream-addr": world.replicas[member].address}
            if parts.path.startswith("/state/"):
                answer |= _state_answer(world, member, ask)
        elif parts.path == "/metrics":
            answer["body"] = metrics_page(world.finished.get(by_address[parts.netloc], 0))
        answers.append(answer)
    return answers


def _state_answer(world: World, member: str, ask: dict[str, Any]) -> dict[str, Any]:
    """Answer as the sample application does, with its state where the world has it."""
    if world.state is None:
        return {"status": 503, "body": '{"error": "started without a store"}'}
    known = world.kept.setdefault(member if world.state == "memory" else "store", [])
    parts = urlsplit(ask["url"])
    name = parts.path.rpartition("/")[2]
    if name == "counter":
        known.extend(["visit"] * (ask["method"] == "POST"))
        return {"body": f'{{"count": {known.count("visit")}}}'}
    if name == "login":
        known.append(parts.query)
        return {"cookies": f"session={parts.query}"}
    if name == "me":
        name = ask["headers"].get("Cookie", "").partition("=")[2]
    if ask["method"] == "PUT":
        known.append(name)
    return {"body": name} if name in known else {"status": 404, "body": "there is none"}


def _static(world: World, order: Order) -> Iterator[dict[str, Any]]:
    """Answer by the proxy alone: no replica has any part in it."""
    opened_at_s = world.now_s
    yield {"event": "opened", "id": order["id"], "at_s": opened_at_s}
    world.now_s += order["window_s"]
    yield {"event": "closed", "id": order["id"], "at_s": world.now_s}
    count = round(world.ceiling_rps * order["window_s"])
    world.proxy_requests += count
    data = sample_bytes(done_us=np.arange(count) / world.ceiling_rps * 1e6, replica=-1)
    yield {"event": "samples", "id": order["id"], "data": base64.b64encode(data).decode()}
    yield finished_event(
        id=order["id"],
        opened_at_s=opened_at_s,
        closed_at_s=world.now_s,
        sent=count,
        answered=count,
        cpu_s=0.9 * order["window_s"],
        lost_workers=world.lost_workers(order),
    )


def _trial(world: World, order: Order) -> Iterator[dict[str, Any]]:
    if order["path"] == "/static":
        yield from _static(world, order)
        return
    world.trials.append(order)
    world.before_trial(len(world.trials))
    members = world.members_behind(urlsplit(order["base_url"]).port or 0)
    settle_s, window_s = order["settle_s"], order["window_s"]
    started_at_s = world.now_s
    world.work(members, settle_s)
    opened_at_s = world.now_s
    yield {"event": "opened", "id": order["id"], "at_s": opened_at_s}
    world.work(members, window_s)
    world.foreign_s += world.foreign(order) * CORES * window_s
    yield {"event": "closed", "id": order["id"], "at_s": world.now_s}
    moments_us, duration_us = _moments(world, order, members)
    count = moments_us.size
    world.proxy_requests += count
    served = [world.share(members, turn) for turn in range(count)]
    for member in served:
        world.finished[member] = world.finished.get(member, 0) + 1
    data = base64.b64encode(
        sample_bytes(
            done_us=moments_us,
            duration_us=duration_us,
            replica=[members.index(member) for member in served],
        )
    ).decode()
    half = len(data) // 8 * 4
    for part, piece in enumerate((data[:half], data[half:]), start=1):
        yield {"event": "samples", "id": order["id"], "part": part, "parts": 2, "data": piece}
    world.now_s += 0.02
    yield finished_event(
        id=order["id"],
        started_at_s=started_at_s,
        opened_at_s=opened_at_s,
        closed_at_s=opened_at_s + window_s,
        drained_at_s=world.now_s,
        sent=count,
        answered=count,
        replicas=[world.replicas[member].address for member in members],
        lost_workers=world.lost_workers(order),
    )


def _moments(world: World, order: Order, members: Sequence[str]) -> tuple[Any, Any]:
    """Give when each request of a trial was answered, and how long it took, in microseconds."""
    settle_s, window_s = order["settle_s"], order["window_s"]
    is_open = order.get("mode") == "open"
    rate = order["rate_rps"] if is_open else world.rps(order, members)
    # In the closed loop each user has a request under way when the load ends, and gets its answer.
    users = 0 if is_open else order.get("users", 1)
    due_s = np.arange(round(rate * (settle_s + window_s)) + users) / rate
    from_us = (due_s - settle_s) * 1e6 + 1
    if not is_open:
        # Little's law: all of them wait
        return from_us, np.full(due_s.size, round(users / rate * 1e6))
    duration_us = 1e3 * np.asarray(world.wait_ms(order, members, due_s))
    return from_us + duration_us, duration_us


def finished_event(**fields: Any) -> dict[str, Any]:
    """Give the generator's last word on a trial, each field overridden by keyword."""
    defaults: dict[str, Any] = {
        "event": "finished",
        "id": "r01-01-gthread-cpu-1",
        "started_at_s": STARTED_AT_S - 0.5,
        "opened_at_s": STARTED_AT_S,
        "closed_at_s": STARTED_AT_S + 2.0,
        "drained_at_s": STARTED_AT_S + 2.1,
        "sent": 100,
        "answered": 100,
        "undrained": 0,
        "dropped": 0,
        "outcomes": ["ok", "status", "timeout"],
        "replicas": ["10.0.0.1:8000"],
        "names": ["/cpu"],
        "cpu_s": 0.2,
        "lag_p99_ms": 0.8,
        "lag_max_ms": 2.0,
        "workers": 1,
        "lost_workers": 0,
    }
    return defaults | fields


def sample_bytes(*, done_us: Any, duration_us: Any = 1000, **columns: Any) -> bytes:
    """Give an ``.npz`` of samples; what is not given is that of a success of the first replica."""
    done = np.asarray(done_us, dtype=np.int64)
    began = done - np.asarray(duration_us, dtype=np.int64)
    arrays = {
        "due_us": columns.get("due_us", began),
        "sent_us": columns.get("sent_us", began),
        "done_us": done,
        "status": np.broadcast_to(columns.get("status", 200), done.shape).astype(np.int16),
        "outcome": np.broadcast_to(columns.get("outcome", 0), done.shape).astype(np.int16),
        "replica": np.broadcast_to(columns.get("replica", 0), done.shape).astype(np.int16),
        "name": np.zeros(done.shape, dtype=np.int16),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def status_page(requests: int) -> str:
    """Give nginx's stub_status page."""
    return (
        "Active connections: 1 \nserver accepts handled requests\n"
        f" 10 10 {requests} \nReading: 0 Writing: 1 Waiting: 0 \n"
    )


def metrics_page(finished: int) -> str:
    """Give a replica's metrics in Prometheus' text format."""
    return (
        "# TYPE app_requests_started_total counter\n"
        f"app_requests_started_total {finished + 1}\n"
        "# TYPE app_requests_finished_total counter\n"
        f"app_requests_finished_total {finished}\n"
    )
