"""A gate in memory: its stack, and what the pipeline asks of engine, git and machine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import images
from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.protocol import Say
from loadtests.gate import named_versions, versions, worker_measurement
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.options import GateOptions
from loadtests.gate.plan import served_by
from loadtests.gate.tested import versions as own_versions
from loadtests.gate.versions import Sides
from loadtests.model.stack import Replica
from loadtests.tools import docker, docker_compose
from tests.loadtests.fakes.stack import StackInMemory
from tests.loadtests.fakes.world import Order, World
from tests.loadtests.gate.builders import make_side

COMPOSE = docker_compose.Compose(argv=("docker", "compose"), version="2.30.0")

SERVICES = ServiceImages(proxy="sha256:proxy", generator="sha256:generator")


@dataclass(kw_only=True)
class GateWorld(World):
    """A world with starts of two versions; ``ended`` is the message of one that has ended."""

    done: list[str] = field(default_factory=list)
    ended: str | None = None
    pulls: list[bool] = field(default_factory=list)
    """Whether an image might be pulled, at each look for the versions."""
    logs: Mapping[SideName, str] = field(default_factory=dict)
    """What a version's server writes first; without it, what was asked for is in force."""
    stores: Mapping[SideName, tuple[str, ...]] = field(default_factory=dict)
    """The members that a version needs beside its starts."""
    member_logs: dict[str, str] = field(default_factory=dict)
    """What members wrote in all."""

    def __post_init__(self) -> None:
        self.replica_cpus = 0.25


def gunicorn_log(mode: str, workers: int) -> str:
    """Give what gunicorn writes when it starts so many workers."""
    booted = [f"[INFO] Booting worker with pid: {7 + number}" for number in range(workers)]
    return "\n".join(("[INFO] Starting gunicorn 23.0.0", f"[INFO] Using worker: {mode}", *booted))


def side_of(members: Sequence[str]) -> str:
    return members[0].partition("-")[0]


def slower_head(ratio: float) -> Any:
    """Give a truth in which head is slower by this share, and each pair of starts differs a bit."""

    def rps(_: Order, members: Sequence[str]) -> float:
        own = 1 + 0.01 * (int(members[0].rpartition("-")[2]) % 3)
        loss = ratio if side_of(members) == SideName.HEAD else 0.0
        return 100.0 * len(members) * own * (1 - loss)

    return rps


class FakeGateStack(StackInMemory):
    """A stack of starts of base and head; see ``gate.stack.GateStack``."""

    def __init__(self, world: GateWorld, plan: GatePlan, worker: str = "gthread") -> None:
        super().__init__(world)
        world.replicas = {}
        self._done = world.done
        self._plan = plan
        self._worker = worker

    def first_log(self, member: str) -> str:
        assert isinstance(self.world, GateWorld)
        side = SideName(side_of([member]))
        model = served_by(self._plan, self._worker)[side]
        return self.world.logs.get(side, gunicorn_log(model.mode or model.name, model.processes))

    def log_of(self, member: str) -> str:
        assert isinstance(self.world, GateWorld)
        return self.world.member_logs.get(member, super().log_of(member))

    def needed_by(self, version: str) -> tuple[str, ...]:
        assert isinstance(self.world, GateWorld)
        return self.world.stores.get(SideName(version), ())

    def grow(self, count: int) -> None:
        self._done.append(f"grow {count}")
        lanes = len(self._plan.cores)
        for index, side in enumerate(SideName):
            for number in range(1, lanes * math.ceil(count / lanes) + 1):
                lane, of_lane = "abcd"[(number - 1) % lanes], (number - 1) // lanes + 1
                name = f"{side}-{lane}-{of_lane}"
                self.world.replicas[name] = Replica(
                    name=name,
                    worker=side,
                    number=number,
                    address=f"10.1.{index}.{number}:8000",
                    identity=f"{name} of this stack",
                )

    def hold(self) -> None:
        self._done.append("hold")

    def allow(self, starts: Sequence[str], cpus: float) -> None:
        self._done.append(f"allow {','.join(starts)} {cpus:g} CPU")

    def take_turns(self, sets: Sequence[Sequence[Replica]]) -> None:
        for starts in sets:
            self._done.append(f"turns {','.join(start.name for start in starts)}")

    def ended(self) -> str | None:
        assert isinstance(self.world, GateWorld)
        return self.world.ended


class FakeEngine:
    """An engine on another machine, which has two cores."""

    version = "28.0"

    def facts(self) -> dict[str, Any]:
        return {"NCPU": 2, "MemTotal": 8 << 30, "CpuCfsQuota": True, "CPUSet": True}

    def close(self) -> None:
        pass


def put_in_memory(monkeypatch: pytest.MonkeyPatch, world: GateWorld) -> None:
    """Let ``gate.pipeline`` run in this world: no engine, no git, no image."""

    @contextmanager
    def open_stack(
        root: Path,
        plan: GatePlan,
        worker: str,
        sides: Sides,
        services: ServiceImages,
        folder: Path,
        say: Say,
    ) -> Iterator[FakeGateStack]:
        assert (root / "compose/gate.yaml").is_file()
        assert services is SERVICES
        world.open += 1
        try:
            yield FakeGateStack(world, plan, worker)
        finally:
            say("Taking the stack down")
            world.open -= 1

    def build(
        _: object, __: Path, ___: Path, named: tuple[str, str], environments: Any, *_more: Any
    ) -> Sides:
        base, head = (
            make_side(side, asked=asked, digest=f"sha256:{asked}", environment=environments[side])
            for side, asked in zip(SideName, named, strict=True)
        )
        return Sides(base=base, head=head, differences=("changed: shop.py",))

    def build_own(
        _: object, named: tuple[str, str], options: GateOptions, environments: Any
    ) -> Sides:
        assert options.project is not None
        return build(None, Path(), Path(), named, environments, print)

    def find_both(_: object, __: Path, options: GateOptions, **how: bool) -> tuple[str, str]:
        world.pulls.append(how.get("pull", True))
        return options.base or "default base", options.head or "default head"

    monkeypatch.setattr(named_versions, "find_both", find_both)
    monkeypatch.setattr(own_versions, "build", build_own)
    monkeypatch.setattr(docker, "Engine", FakeEngine)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(docker, "is_local", lambda: False)
    monkeypatch.setattr(versions, "build", build)
    monkeypatch.setattr(images, "build_services", lambda *_, **__: SERVICES)
    monkeypatch.setattr(worker_measurement, "open_stack", open_stack)
