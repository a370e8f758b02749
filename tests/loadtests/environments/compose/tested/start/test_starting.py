"""The order in which the user's services start, without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from loadtests.environments.compose.projects import UP_SILENCE_S, Project
from loadtests.environments.compose.tested.start import listening, starting
from loadtests.environments.compose.tested.start.endings import ReplicaEnded
from loadtests.environments.compose.tested.start.listening import Wanted
from loadtests.environments.compose.tested.start.ports import Sockets
from loadtests.environments.compose.tested.start.starting import Starting
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.environments.counters import member_name
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import START_LIMIT_S
from loadtests.tools import proc
from loadtests.tools.docker import Container
from tests.loadtests.environments.compose.fake_engine import a_container

WEB = Part(name="web", service="web", image="shop")
DB = Part(name="db", service="with-db", image="postgres", is_store=True)


class FakeProject:
    """A project whose services come up as a test says; ``ups`` are the commands."""

    def __init__(self, **fields: dict[str, Any]) -> None:
        self.fields = fields
        self.ups: list[tuple[tuple[str, ...], Mapping[str, int]]] = []
        self.listed: dict[str, Container] = {}
        self.logs: dict[str, str] = {}
        self.racing = False
        self.engine = self
        self.silence_limits_s: list[float] = []

    def up(
        self,
        services: Sequence[str],
        scale: Mapping[str, int] | None = None,
        options: Sequence[str] = (),
        *,
        start: bool = True,
        silence_limit_s: float = UP_SILENCE_S,
    ) -> None:
        self.silence_limits_s.append(silence_limit_s)
        before = len(self.listed)
        self.ups.append((tuple(services), dict(scale or {})))
        for service in services:
            for number in range(1, (scale or {}).get(service, 1) + 1):
                fields = self.fields.get(service.replace("-", "_"), {})
                container = a_container(service, number, **fields)
                if service.startswith("with-"):
                    container = replace(container, member=service.removeprefix("with-"))
                if self.racing and before <= 1 and service == "gthread" and number == 2:
                    container = replace(container, running=False, exit_code=1)
                self.listed.setdefault(member_name(container), container)

    def containers(self) -> dict[str, Container]:
        return self.listed

    def log(self, container: str, *, lines: int | None = None) -> str:
        return self.logs.get(container, "")


def a_start(
    monkeypatch: pytest.MonkeyPatch,
    project: FakeProject,
    subject: Subject,
    replicas: int = 2,
    *,
    limit_s: float = START_LIMIT_S,
) -> Starting:
    monkeypatch.setattr(proc, "POLL_S", 0.0)
    monkeypatch.setattr(listening, "SETTLED_S", 0.0)
    monkeypatch.setattr(listening, "look", lambda *_, **__: Sockets(ports=(8000,), loopback=()))
    monkeypatch.setattr(listening, "ask_from", lambda _: lambda urls: [200] * len(urls))
    return Starting(
        project=cast("Project", project),
        subject=subject,
        workers=["gthread"],
        replicas=replicas,
        wanted=Wanted(asked=None, declared=(), path="/", limit_s=limit_s),
        run="r",
        say=lambda _: None,
        local=True,
    )


def test_what_the_replicas_need_is_ready_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject()

    ports = a_start(monkeypatch, project, Subject(measured=WEB, needs=(DB,))).start()

    assert ports == {"gthread": 8000}
    assert project.ups == [
        (("with-db",), {}),
        (("gthread",), {"gthread": 2}),
        (("generator",), {}),  # which asks the replicas' port
        (("proxy", "generator", "metronome"), {}),
    ]


def test_a_needed_service_that_ends_with_an_error_is_told_with_its_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject(with_db={"running": False, "exit_code": 1})
    project.logs["id of with-db-1"] = "Error: superuser password is not specified."
    subject = Subject(measured=WEB, needs=(DB,), unset=("PASSWORD",))

    with pytest.raises(EnvironmentFailure) as failure:
        a_start(monkeypatch, project, subject).start()

    said = str(failure.value)
    assert "The service db ended with exit code 1: Error: superuser password" in said
    assert said.endswith("Variables without a value: PASSWORD.")


def test_a_migration_has_to_end_before_the_replicas_start(monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject(with_db={"running": False, "exit_code": 0})
    migration = replace(DB, is_store=False, has_to_end=True)

    assert a_start(monkeypatch, project, Subject(measured=WEB, needs=(migration,))).start()


@pytest.mark.parametrize(
    ("fields", "part", "said"),
    [
        ({"health": "unhealthy"}, DB, r"db, .* is not ready \(its HEALTHCHECK says unhealthy\)"),
        ({}, replace(DB, has_to_end=True), r"db, which the replicas need, has not ended"),
    ],
)
def test_a_needed_service_that_is_not_ready_is_told(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], part: Part, said: str
) -> None:
    monkeypatch.setattr(starting, "NEEDS_LIMIT_S", 0.05)

    with pytest.raises(EnvironmentFailure, match=said):
        a_start(
            monkeypatch,
            FakeProject(with_db=fields),
            Subject(measured=WEB, needs=(part,)),
            limit_s=0.05,
        ).start()


MIGRATE = Part(name="migrate", service="with-migrate", image="shop", restart="on-failure")
ENDED = {"running": False, "exit_code": 0}


def test_stores_are_ready_before_what_asks_them_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject(with_migrate=ENDED)
    subject = Subject(measured=WEB, needs=(replace(MIGRATE, restart="no"), DB))

    a_start(monkeypatch, project, subject).start_needs()

    assert [services for services, _ in project.ups] == [("with-db",), ("with-migrate",)]


def test_a_store_that_needs_another_service_starts_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject(with_migrate=ENDED)
    store = replace(DB, definition={"depends_on": {"with-migrate": {"condition": "x"}}})
    subject = Subject(measured=WEB, needs=(replace(MIGRATE, restart="no"), store))

    a_start(monkeypatch, project, subject).start_needs()

    assert [services for services, _ in project.ups] == [("with-migrate", "with-db")]


def test_a_service_that_fails_at_first_is_started_again_but_only_until_all_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject(with_migrate={"restarting": True, "exit_code": 1})
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(proc, "run", lambda argv, **_: ran.append(argv))
    start = a_start(monkeypatch, project, Subject(measured=WEB, needs=(MIGRATE,)))
    looked = project.containers

    def containers() -> dict[str, Container]:
        seen = dict(looked())
        assert ran == []
        project.listed = {
            name: replace(container, restarting=False, running=False, exit_code=0)
            for name, container in seen.items()
        }
        return seen

    monkeypatch.setattr(project, "containers", containers)
    start.start_needs()

    assert ran == [("docker", "update", "--restart=no", "id of with-migrate-1")]


def test_a_service_that_goes_on_failing_is_told_with_its_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject(with_migrate={"restarting": True, "exit_code": 3})
    project.logs["id of with-migrate-1"] = "Error: no such table"
    monkeypatch.setattr(starting, "NEEDS_LIMIT_S", 0.05)

    subject = Subject(measured=WEB, needs=(MIGRATE,))

    with pytest.raises(EnvironmentFailure) as failure:
        a_start(monkeypatch, project, subject, limit_s=0.05).start()

    assert "migrate, which the replicas need, still fails (exit code 3)" in str(failure.value)
    assert str(failure.value).endswith("Error: no such table")


def test_a_service_that_may_be_started_again_has_to_run_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(100))
    start = a_start(monkeypatch, FakeProject(), Subject(measured=WEB, needs=(MIGRATE,)))
    start.project.up(("with-migrate",))
    monkeypatch.setattr(proc, "monotonic_s", lambda: float(next(clock)))

    seen = [start._is_ready(MIGRATE) for _ in range(6)]

    assert seen == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("condition", "limit_s"),
    [("service_healthy", starting.NEEDS_LIMIT_S), ("service_started", UP_SILENCE_S)],
)
def test_compose_may_be_silent_for_as_long_as_it_waits_for_a_check_of_health(
    monkeypatch: pytest.MonkeyPatch, condition: str, limit_s: float
) -> None:
    project = FakeProject(with_migrate=ENDED)
    definition = {"depends_on": {"with-db": {"condition": condition}}}
    migrate = replace(MIGRATE, definition=definition, restart="no")

    subject = Subject(measured=WEB, needs=(migrate, DB))
    a_start(monkeypatch, project, subject).start_needs()
    a_start(monkeypatch, project, subject, limit_s=600.0).start_needs()

    longer_s = 600.0 if condition == "service_healthy" else limit_s
    assert project.silence_limits_s == [limit_s] * 2 + [longer_s] * 2


def test_what_compose_does_not_tell_of_a_service_that_is_unhealthy_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject()
    project.logs["id of with-db-1"] = "FATAL: role does not exist"
    start = a_start(monkeypatch, project, Subject(measured=WEB, needs=(DB,)))

    def up(*_: object, **__: object) -> None:
        container = replace(a_container("with-db"), member="db", health="unhealthy")
        project.listed = {"db": container}
        raise EnvironmentFailure("Compose did not start the stack")

    monkeypatch.setattr(project, "up", up)

    with pytest.raises(EnvironmentFailure, match=r"(?s)db is unhealthy\..*FATAL: role does not"):
        start.start()


def test_replicas_that_race_are_started_one_after_another_with_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject()
    project.racing = True

    def take_down(*_: object) -> None:
        project.listed.clear()
        project.racing = False
        project.ups.append((("down",), {}))

    monkeypatch.setattr(starting, "take_down", take_down)
    start = a_start(monkeypatch, project, Subject(measured=WEB, needs=(DB,)))

    assert start.start() == {"gthread": 8000}
    assert [(up[0][0], *up[1].values()) for up in project.ups] == [
        ("with-db",),
        ("gthread", 2),
        ("down",),
        ("with-db",),
        ("gthread", 1),
        ("generator",),
        ("gthread", 2),
        ("proxy",),
    ]
    assert start.notes == [starting.IN_TURN_NOTE]


def test_replicas_that_share_nothing_cannot_race(monkeypatch: pytest.MonkeyPatch) -> None:
    project = FakeProject()
    project.racing = True

    with pytest.raises(ReplicaEnded, match="gthread-2 ended with exit code 1"):
        a_start(monkeypatch, project, Subject(measured=WEB)).start()


def test_a_service_that_was_not_started_is_named_where_a_log_looks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject(gthread={"running": False, "exit_code": 1})
    project.logs["id of gthread-1"] = "redis: Name or service not known (/srv/app)"
    subject = Subject(measured=WEB, others=("redis", "app"))

    with pytest.raises(ReplicaEnded) as failure:
        a_start(monkeypatch, project, subject).start()

    said = str(failure.value)
    assert "It looks for redis, a service that was not started" in said
    assert "looks for app" not in said


def test_what_the_replicas_need_may_take_as_long_as_their_own_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = iter(range(0, 10**6, 10))
    project = FakeProject(with_db={"health": "starting"})
    start = a_start(monkeypatch, project, Subject(measured=WEB, needs=(DB,)), limit_s=600.0)
    monkeypatch.setattr(proc, "monotonic_s", lambda: float(next(moment)))
    monkeypatch.setattr(proc, "sleep", lambda _: None)

    with pytest.raises(EnvironmentFailure, match=r"600 s after its start. Raise --start-limit"):
        start.start_needs()

    assert proc.monotonic_s() > 600
