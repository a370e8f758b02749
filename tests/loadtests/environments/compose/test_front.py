"""The user's own proxy in front: how many connections it has in the place where it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose.front import FrontStack
from loadtests.environments.compose.projects import Project
from loadtests.environments.compose.tested.subject import Part
from loadtests.environments.counters import FRONT_SERVICE
from loadtests.tools import docker, proc
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_budget, make_plan
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    FakeEngine,
    a_container,
    all_containers,
    as_engine,
)

AUTO = "worker_processes auto;\nevents { worker_connections 100; }"
WORKER = ["8", "7", "1", "nginx: worker process"]


class NginxEngine(FakeEngine):
    """An engine with four CPUs, whose proxy has these processes."""

    def __init__(self, rows: list[list[str]]) -> None:
        services = [one for one in all_containers() if one.service != "proxy"]
        super().__init__(*services, a_container(FRONT_SERVICE))
        self._rows = rows

    def facts(self) -> dict[str, Any]:
        return {"NCPU": 4}

    def processes(self, container: str) -> list[list[str]]:
        return self._rows if FRONT_SERVICE in container else []


@pytest.mark.parametrize(
    ("rows", "pinned", "connections"),
    [
        ([["7", "1", "1", "nginx: master process nginx -g daemon off;"], WORKER], (0,), 100),
        ([WORKER, WORKER, WORKER, WORKER], (0,), 400),
        ([], (0,), 100),
        ([], (), 400),
    ],
    ids=["musl, pinned", "glibc, pinned", "unlisted, pinned", "unlisted, on all CPUs"],
)
def test_auto_has_the_processes_that_run_or_else_those_of_the_cores_it_is_pinned_to(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[list[str]],
    pinned: tuple[int, ...],
    connections: int,
) -> None:
    monkeypatch.setattr(docker, "is_local", lambda: False)
    monkeypatch.setattr(
        proc,
        "run",
        lambda argv, **_: proc.Completed(argv=argv, code=0, stdout=AUTO, stderr=""),
    )
    engine = NginxEngine(rows)
    project = Project(
        engine=as_engine(engine), compose=COMPOSE, name="twofold-1", files=(), variables={}
    )
    stack = FrontStack(
        project,
        make_plan(replica_counts=(1, 2), budget=make_budget(service_cores=pinned)),
        tmp_path,
        CHECKOUT,
        ports={"gthread": 8000},
        notes=(),
        part=Part(name="nginx", service=FRONT_SERVICE, image="nginx:alpine"),
        names=("web",),
        port=80,
    )

    assert stack.look_at_front().connections == connections
