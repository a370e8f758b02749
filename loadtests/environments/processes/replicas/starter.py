"""Starts the replicas of a stack of processes, and one more for the consistency checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.environments import idle_control
from loadtests.environments.processes import project, serving
from loadtests.environments.processes.members import Members
from loadtests.environments.replica_environment import Settings, settings_of
from loadtests.model.plan import START_LIMIT_S, Plan, WorkerModel
from loadtests.model.stack import Replica
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.vocabulary import idle_control as idle_name
from loadtests.servers import registry as servers
from loadtests.servers.server import ReplicaOrder
from loadtests.tools import host

SCRATCH = "scratch"
"""The folder in a stack's folder with a folder for each replica's own files."""


@dataclass(frozen=True, kw_only=True)
class Starter:
    """Starts replicas that have all but their worker model, number and address in common."""

    root: Path
    stack_folder: Path
    members: Members
    tested: Target
    settings: Settings
    wsgi_app: str
    secret_key: str
    database_url: str | None
    lent: Path | None
    start_limit_s: float = START_LIMIT_S

    def python_of(self, worker: WorkerModel) -> str:
        """Return the interpreter that serves a worker model's replicas."""
        own = self.tested.python if self.tested.kind is TargetKind.IMPORT_STRING else None
        if worker.python is None and own is not None:
            return own
        return serving.interpreter(worker, self.tested)

    def start(self, worker: WorkerModel, number: int, address: str) -> Replica:
        """Start a replica, and return it; it need not answer yet."""
        name = f"{worker.name}-{number}"
        scratch = self.stack_folder / SCRATCH / name
        order = ReplicaOrder(
            python=serving.interpreter(worker, self.tested),
            application=self.wsgi_app,
            worker=worker,
            name=name,
            bind=address,
            secret_key=self.secret_key,
            database_url=self.database_url,
            scratch=str(scratch),
            queue_most=host.queue_limit(),
            start_limit_s=self.start_limit_s,
        )
        start = project.start_of(order, self.tested, root=self.root, lent=self.lent)
        serving.write_files(scratch, start.files)
        env = start.env | settings_of(name, self.settings)
        service = self.members.serve(name, start.argv, cwd=start.folder, env=env)
        return Replica(
            name=name,
            worker=worker.name,
            number=number,
            address=address,
            identity=f"process {service.pid}",
        )

    def start_control(self, worker: WorkerModel, address: str) -> None:
        """Start the idle control of a worker model; nobody asks or waits for it."""
        name, python = idle_name(worker.name), self.python_of(worker)
        is_lent = self.lent is not None and worker.python is None
        argv = idle_control.command(
            worker,
            python=python,
            bind=address,
            folder=str(self.stack_folder / SCRATCH / name),
            program=project.program_of(servers.of(worker), python),
            places=str(self.lent) if is_lent else None,
            queue_most=host.queue_limit(),
        )
        self.members.serve(name, argv, cwd=self.stack_folder)

    @contextmanager
    def further(self, worker: WorkerModel, number: int, address: str) -> Iterator[str]:
        """Start one more replica for as long as the block lasts; provide its address."""
        replica = self.start(worker, number, address)
        try:
            yield replica.address
        finally:
            self.members.end(replica.name)


def replica_names(plan: Plan) -> dict[str, tuple[WorkerModel, int]]:
    """Return the names of a plan's replicas, each with its worker model and number."""
    return {
        f"{worker.name}-{number}": (worker, number)
        for worker in plan.workers
        for number in range(1, plan.replica_counts[-1] + 1)
    }
