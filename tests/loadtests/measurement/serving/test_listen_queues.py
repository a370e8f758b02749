"""Connections that meet a full listen queue are counted by the kernel alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from loadtests.measurement.serving.listen_queues import WHAT_TO_DO, ListenQueues
from loadtests.model.stack import Replica
from loadtests.model.tested.in_force import InForce, ServerProcess
from loadtests.tools import proc, procfs

pytestmark = pytest.mark.skipif(
    procfs.listen_overflows("self") is None, reason="the kernel counts nothing here"
)


@dataclass
class Stack:
    """Replicas whose first processes are these."""

    pids: dict[str, int]
    host_cores: tuple[int, ...] = (0,)
    replicas: tuple[Replica, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.replicas = tuple(
            Replica(
                name=name,
                worker=name.partition("-")[0],
                number=1,
                address="127.0.0.1:1",
                identity=name,
            )
            for name in self.pids
        )

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        return (ServerProcess(pid=self.pids[member], parent=1, threads=1, command="x"),)


def entries(*workers: str) -> tuple[InForce, ...]:
    return tuple(InForce(worker=worker, server="waitress", seen_by="its log") for worker in workers)


@contextmanager
def full_queue() -> Iterator[None]:
    """Let connections meet a queue that nobody empties, until the kernel has counted one."""
    before = procfs.listen_overflows("self") or 0
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(6):
            client = opened.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        proc.wait_until(
            lambda: (procfs.listen_overflows("self") or 0) > before,
            limit_s=10,
            failure="nothing was counted",
            every_s=0.01,
        )
        yield


def test_a_full_queue_of_this_machine_is_told_once() -> None:
    queues = ListenQueues()
    stack: Any = Stack({"waitress-1": os.getpid(), "granian-1": os.getpid()})

    with full_queue():
        waitress, granian = queues.noted(stack, entries("waitress", "granian"))

    (note,) = waitress.notes
    assert note.startswith("On this machine: ")
    assert note.endswith(WHAT_TO_DO)
    assert granian.notes == ()


def test_what_was_full_before_the_run_is_not_counted() -> None:
    with full_queue():
        pass
    queues = ListenQueues()
    stack: Any = Stack({"waitress-1": os.getpid()})

    assert queues.noted(stack, entries("waitress"))[0].notes == ()


def test_a_container_has_a_count_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfs, "network_of", lambda pid: f"net:{pid}")
    monkeypatch.setattr(procfs, "listen_overflows", {"self": 900, 11: 0, 12: 37}.get)
    stack: Any = Stack({"waitress-1": 11, "waitress-2": 12})

    (entry,) = ListenQueues().noted(stack, entries("waitress"))

    assert entry.notes == (
        f"waitress-2: 37 connections met a full listen queue (ListenOverflows). {WHAT_TO_DO}",
    )


def test_an_engine_elsewhere_is_not_looked_at() -> None:
    stack: Any = Stack({"waitress-1": os.getpid()}, host_cores=())

    with full_queue():
        assert ListenQueues().noted(stack, entries("waitress"))[0].notes == ()
