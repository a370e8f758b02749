"""Logs of real servers, as they were written on one machine; paths are shortened."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers.server import ReplicaOrder

LOGS = Path(__file__).parent / "logs"


def log(name: str) -> str:
    return (LOGS / f"{name}.txt").read_text()


def process(command: str, *, pid: int = 10, parent: int = 1, threads: int = 1) -> ServerProcess:
    return ServerProcess(pid=pid, parent=parent, threads=threads, command=command)


def order(worker: WorkerModel, **changes: object) -> ReplicaOrder:
    fields: dict[str, object] = {
        "python": "/srv/venv/bin/python",
        "application": "app:create_app()",
        "worker": worker,
        "name": f"{worker.name}-2",
        "bind": "127.0.0.2:8000",
        "secret_key": "k",
        "scratch": "/scratch",
    }
    return ReplicaOrder(**{**fields, **changes})  # type: ignore[arg-type]
