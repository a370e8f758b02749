"""The checks that need no declaration: the requests of the load, asked of each server directly."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from loadtests.analysis.consistency import conversation
from loadtests.analysis.consistency.judgement import Asked
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.examination import Examination
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.stack import Replica
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.tools import proc

LIMIT_S = 20.0
"""How long all checks of a run may take, in seconds."""

MOST_SERVERS = 4
"""Replicas of a worker model that are asked."""

Seen = Mapping[str, Sequence[RequestSpec]]
"""The requests that the check trial of each workload showed."""


def unreachable(plan: Plan) -> tuple[ProbeResult, ...]:
    """Return that nothing could be asked, because the servers have no address of their own."""
    return tuple(
        Asked(worker=worker.name, workload=workload.name).result(
            ProbeKind.ANSWER,
            workload.name,
            ProbeState.UNCHECKED,
            "The servers behind this address cannot be asked one by one.",
        )
        for workload in plan.workloads
        for worker in plan.workers
    )


class Undeclared:
    """Asks the replicas of each worker model what users ask; ``host`` is the header ``Host``."""

    def __init__(self, agent: Agent, replicas: Sequence[Replica], host: str) -> None:
        self._agent = agent
        self._replicas = replicas
        self._host = host

    def check(self, plan: Plan, seen: Seen, *, limit_s: float = LIMIT_S) -> tuple[ProbeResult, ...]:
        """Return the results of each worker model and workload, in at most about ``limit_s``."""
        pairs = [(worker, workload) for workload in plan.workloads for worker in plan.workers]
        began_s = proc.monotonic_s()
        results: list[ProbeResult] = []
        for number, (worker, workload) in enumerate(pairs, start=1):
            until_s = began_s + limit_s * number / len(pairs)
            results += self._examine(plan, worker, workload, seen, until_s)
        return tuple(results)

    def _examine(
        self, plan: Plan, worker: WorkerModel, workload: Workload, seen: Seen, until_s: float
    ) -> tuple[ProbeResult, ...]:
        servers = [each for each in self._replicas if each.worker == worker.name][:MOST_SERVERS]
        addresses = {server.name: server.address for server in servers}
        examination = Examination(
            client=Client(self._agent, addresses, self._host),
            asked=Asked(worker=worker.name, workload=workload.name),
            talk=conversation.conversation_of(workload, seen.get(workload.name, ())),
            servers=tuple(addresses),
            processes=None if worker.as_started else worker.processes,
            rng=random.Random(f"{plan.seed}/{worker.name}/{workload.name}"),
            is_over=lambda: proc.monotonic_s() > until_s,
        )
        return examination.run()
