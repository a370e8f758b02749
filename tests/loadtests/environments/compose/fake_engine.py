"""An engine and a Compose in memory, and a run's stack that is opened with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from loadtests.environments.compose import backend, images, watchdog
from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.compose.images import Images
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan
from loadtests.tools import docker, docker_compose, proc
from loadtests.tools.docker import Container
from loadtests.tools.docker_compose import Compose
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_plan

IMAGES = Images(app="app:1", proxy="proxy:1", generator="generator:1", digests={})
PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))
COMPOSE = Compose(argv=("docker", "compose"), version="2.29.1")


def a_container(service: str, number: int = 1, **fields: Any) -> Container:
    defaults: dict[str, Any] = {
        "id": f"id of {service}-{number}",
        "service": service,
        "number": number,
        "image": "sha256:app",
        "started_at": "2026-09-21T10:00:00Z",
        "running": True,
        "exit_code": 0,
        "out_of_memory": False,
        "pid": 1,
        "address": f"10.0.0.{number}",
    }
    return Container(**defaults | fields)


class FakeEngine:
    """An engine whose containers are what a test says; it notes what is asked of it."""

    def __init__(self, *containers: Container, projects: Sequence[Sequence[str]] = ((),)) -> None:
        self.listed = containers
        self.removed: list[str] = []
        self.closed = False
        self.well = True
        self.version = "28.0"
        self.log_error: Exception | None = None
        self.refusals = 0
        self.refusal = EnvironmentFailure("The engine did not remove it.")
        self.owners: dict[str, str] = {}
        self.quotas: list[tuple[str, int, int]] = []
        self._projects = iter(projects)
        self._last: Sequence[str] = ()

    def containers(self, _: str) -> tuple[Container, ...]:
        return self.listed

    def log(self, container: str, *, lines: int | None = None) -> str:
        if self.log_error is not None:
            raise self.log_error
        return f"log of {container}, {lines}"

    def facts(self) -> dict[str, Any]:
        return {"NCPU": 2}

    def set_quota(self, container: str, quota_us: int, period_us: int) -> None:
        self.quotas.append((container, quota_us, period_us))

    def projects(self) -> dict[str, str]:
        self._last = next(self._projects, self._last)
        return {name: self.owners.get(name, "") for name in self._last}

    def remove(self, project: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.refusal
        self.removed.append(project)

    def close(self) -> None:
        self.closed = True

    def answers(self) -> bool:
        return self.well


def as_engine(engine: FakeEngine) -> docker.Engine:
    return cast("docker.Engine", engine)


def all_containers() -> list[Container]:
    workers = [a_container(name, number) for name in ("gthread", "sync") for number in (1, 2)]
    return [
        *workers,
        a_container("proxy"),
        a_container("generator"),
        a_container("metronome"),
    ]


class Ran:
    """Stands for ``proc.run``, and notes the words of each Compose command."""

    def __init__(self, **failing: BaseException) -> None:
        self.words: list[str] = []
        self.argvs: list[tuple[str, ...]] = []
        self.codes: dict[str, int] = {}
        self._failing = failing

    def __call__(self, argv: Sequence[str], **_: object) -> proc.Completed:
        word = next((word for word in ("up", "down") if word in argv), argv[0])
        self.words.append(word)
        self.argvs.append(tuple(argv))
        if word in self._failing:
            raise self._failing[word]
        code = self.codes.get(word, 0)
        return proc.Completed(argv=tuple(argv), code=code, stdout="", stderr="")


class FakeGuard:
    """Stands for the watchdog of a project, and notes what it is told."""

    def __init__(self, project: str, *, log: Path) -> None:
        self.project = project
        self.log = log
        self.minded: list[int] = []
        self.gone = False
        self.closed = False

    def mind(self, pid: int) -> None:
        self.minded.append(pid)

    def note_gone(self) -> None:
        self.gone = True


def without_watchdog(monkeypatch: pytest.MonkeyPatch) -> list[FakeGuard]:
    """Let no watchdog be started; give those that would have been."""
    guards: list[FakeGuard] = []

    @contextmanager
    def guard(project: str, *, log: Path) -> Iterator[FakeGuard]:
        guards.append(FakeGuard(project, log=log))
        try:
            yield guards[-1]
        finally:
            guards[-1].closed = True

    monkeypatch.setattr(watchdog, "guard", guard)
    return guards


@contextmanager
def opened(
    monkeypatch: pytest.MonkeyPatch,
    engine: FakeEngine,
    ran: Ran,
    folder: Path,
    settings: Settings = NO_SETTINGS,
    plan: Plan = PLAN,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    monkeypatch.setattr(docker, "Engine", lambda: engine)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(images, "build_all", lambda *_, **__: IMAGES)
    monkeypatch.setattr(proc, "run", ran)
    monkeypatch.setattr(proc, "POLL_S", 0.0)
    monkeypatch.setattr(backend, "ComposeStack", lambda *_: SimpleNamespace(close=lambda: None))
    without_watchdog(monkeypatch)
    with ComposeBackend(CHECKOUT, settings=settings).open(plan, folder, say):
        yield
