"""What is true in a test, with a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from loadtests.model.plan import Upstream
from loadtests.model.stack import Replica, ReplicaState
from loadtests.model.tested.in_force import ServerProcess
from tests.loadtests.builders import STARTED_AT_S

CORES = 2
PIECES_RPS = 1e6
"""The probe's pieces of work each second, on a core at its full speed."""
STATUS_URL = "http://proxy:9000/status"
WORKER_URL = "http://proxy:9000/worker"
Order = dict[str, Any]


@dataclass(kw_only=True)
class World:
    """What is true in a test.

    ``rps`` gives a trial's throughput from its order and members, ``share`` who answers which turn,
    ``foreign`` the share of the cores that others use in a trial's window, ``speed`` the part of
    their full speed that cores have in it, and ``state`` where the application keeps what it is
    told (None: it has no store).
    """

    rps: Callable[[Order, Sequence[str]], float] = lambda _, members: 50.0 * len(members)
    share: Callable[[Sequence[str], int], str] = lambda members, turn: members[turn % len(members)]
    before_trial: Callable[[int], None] = lambda _: None
    foreign: Callable[[Order], float] = lambda _: 0.0
    speed: Callable[[Order], float] = lambda _: 1.0
    wait_ms: Callable[[Order, Sequence[str], Any], Any] = lambda _, __, due_s: 20.0 + 0.0 * due_s
    """How long the requests of an open loop take, from when each is due (s since the start)."""
    starts: Callable[[Order, Sequence[str]], tuple[int, int]] = lambda _, __: (0, 0)
    """What users send before their first task in a trial: how many requests, and how many fail."""
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
    lost_pieces: float = 0.0
    proxy_requests: int = 0
    proxy_worker: int = 1000
    """The id of the proxy's worker process; each one is followed by another."""
    state: Literal["store", "memory"] | None = None
    kept: dict[str, list[str]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    """Replicas that answer nothing."""
    states: dict[str, ReplicaState] = field(default_factory=dict)
    """What is seen of replicas from outside; they run, where nothing else is said."""

    first_log: Callable[[str], str] = lambda _: ""
    """The beginning of the log of a worker model's replicas."""
    processes: Callable[[str], tuple[ServerProcess, ...]] = lambda _: ()
    run_module: Callable[[str, str], str] = lambda _, __: "{}"
    upstreams: dict[int, Upstream] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)

    def members_behind(self, port: int) -> list[str]:
        """Give the replicas behind a port of the proxy."""
        upstream = self.upstreams[port]
        numbered = {(each.worker, each.number): each.name for each in self.replicas.values()}
        return [numbered[upstream.worker, number] for number in upstream.members]

    def member_at(self, netloc: str) -> str:
        """Give the replica at an address."""
        return next(each.name for each in self.replicas.values() if each.address == netloc)

    def work(self, members: Sequence[str], seconds: float, *, until_s: float) -> None:
        """Let replicas, and the proxy, work for so long; loads at the same time share the clock."""
        self.now_s = max(self.now_s, until_s)
        used = 0.98 if self.throttled_ratio > 0.5 else 0.4
        for member, cpus in (*((name, self.replica_cpus) for name in members), ("proxy", 0.1)):
            self.cpu_s[member] = self.cpu_s.get(member, 0.0) + used * cpus * seconds
