"""The starts of a user's own target: what comes first, where they listen, and what limits them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.compose.projects import Project
from loadtests.environments.compose.tested.start.starting import Starting
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate import stack as gate_stack
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.tested import stack
from loadtests.gate.tested.stack import VersionStack
from loadtests.gate.versions import Sides
from loadtests.targets import plain
from loadtests.tools import docker, docker_compose, proc
from loadtests.tools.docker import Container
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    FakeEngine,
    Ran,
    a_container,
    as_engine,
    without_watchdog,
)
from tests.loadtests.environments.compose.test_lanes import SERVICES, starts
from tests.loadtests.gate.builders import make_gate_plan, make_side
from tests.loadtests.gate.test_own_project import TARGET
from tests.loadtests.gate.tested.test_document import prepared

PORTS = {SideName.BASE: 5000, SideName.HEAD: 8080}


@dataclass(kw_only=True)
class FakeStarting:
    """What a version needs, and the port that it listens on."""

    side: SideName
    done: list[str]
    subject: Subject
    notes: list[str] = field(default_factory=list)

    def start_needs(self) -> None:
        self.done.append(f"needs of {self.side}")

    def start_first(self) -> None:
        self.done.append(f"first of {self.side}")

    def wait_for_first(self) -> None:
        self.done.append(f"first of {self.side} answers")

    def find_ports(self) -> dict[str, int]:
        self.done.append(f"ports of {self.side}")
        return {f"{self.side}-a": PORTS[self.side], f"{self.side}-b": PORTS[self.side]}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    made = Ran()
    monkeypatch.setattr(proc, "run", made)
    monkeypatch.setattr(docker, "is_local", lambda: False)
    return made


ALONE = Subject(measured=Part(name="web", service="web", image="shop"))
DB = Part(name="db", service="with-db", image="postgres:16", is_store=True)


def a_stack(
    folder: Path, done: list[str], subject: Subject = ALONE, *beside: Container
) -> VersionStack:
    project = Project(
        engine=as_engine(FakeEngine(*starts(2), *SERVICES, *beside)),
        compose=COMPOSE,
        name="twofold-a-gate",
        files=(CHECKOUT / "compose/gate.yaml",),
        variables={},
    )
    startings = {
        side: cast("Starting", FakeStarting(side=side, done=done, subject=subject))
        for side in SideName
    }
    return VersionStack(
        project,
        CHECKOUT,
        folder,
        startings=startings,
        say=done.append,
        lane_cores=(2, 3),
        service_cores=(0, 1),
        replica_cpus=0.25,
    )


def test_what_versions_need_comes_first_and_their_ports_are_found_once(
    ran: Ran, tmp_path: Path
) -> None:
    done: list[str] = []
    versions = a_stack(tmp_path, done)

    versions.grow(4)
    versions.grow(4)

    assert done == ["needs of base", "needs of head", "ports of base", "ports of head"]
    ports = {start.worker: start.address.rpartition(":")[2] for start in versions.replicas}
    assert ports == {"base": "5000", "head": "8080"}


def test_where_starts_share_a_store_one_of_each_version_comes_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that migrates the store: on an empty one, several at once would end."""
    done: list[str] = []

    def run(argv: Sequence[str], **_: object) -> proc.Completed:
        done.append("others")
        return proc.Completed(argv=tuple(argv), code=0, stdout="", stderr="")

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(docker, "is_local", lambda: False)

    a_stack(tmp_path, done, replace(ALONE, needs=(DB,))).grow(4)

    assert done[:7] == [
        "needs of base",
        "needs of head",
        "first of base",
        "first of head",
        "first of base answers",
        "first of head answers",
        "others",
    ]


def test_the_store_of_a_version_is_known_while_it_runs(ran: Ran, tmp_path: Path) -> None:
    gone = replace(DB, name="cache", service="with-cache")
    store = a_container(DB.service, member=DB.service)
    versions = a_stack(tmp_path, [], replace(ALONE, needs=(DB, gone)), store)

    versions.grow(4)

    assert versions.needed_by(SideName.HEAD) == (DB.service,)


def test_a_start_that_is_never_idle_is_named_and_measured_all_the_same(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    versions = a_stack(tmp_path, done)
    versions.grow(4)

    def busy(names: Collection[str], *_: Any, **__: Any) -> tuple[str, ...]:
        return tuple(names)[:1]

    monkeypatch.setattr(stack, "busy_after", busy)
    versions.hold()

    assert done[-1] == "Use CPU without any request: base-a-1."
    assert any("--cpus" in " ".join(argv) for argv in ran.argvs)


def test_a_gate_of_an_own_target_brings_up_this_stack(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine(FakeEngine):
        def facts(self) -> dict[str, Any]:
            return {"MemTotal": 32 << 30}

    monkeypatch.setattr(docker, "Engine", Engine)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    without_watchdog(monkeypatch)
    sides = Sides(
        base=make_side(SideName.BASE),
        head=make_side(SideName.HEAD),
        differences=(),
        prepared={side: prepared(side) for side in SideName},
    )
    plan = make_gate_plan(
        project=plain.project(TARGET),
        workers=(plain.AS_STARTED,),
        workload="requests",
        start_limit_s=300.0,
    )
    services = ServiceImages(proxy="sha256:1", generator="sha256:2")

    with gate_stack.open_stack(
        CHECKOUT, plan, plain.AS_STARTED, sides, services, tmp_path, lambda _: None
    ) as opened:
        assert isinstance(opened, VersionStack)
        startings = opened._startings
        assert [starting.wanted.limit_s for starting in startings.values()] == [300.0] * 2

    text = (tmp_path / "gate.services.json").read_text()
    assert "hunter2" not in text
    assert json.loads(text)["services"]["base-a"]["mem_limit"] == str((16 << 30) // 32)
