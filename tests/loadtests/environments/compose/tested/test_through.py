"""The user's own proxy in front of the replicas: how it is read, started and planned for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.options import Options
from loadtests.environments.compose.tested.compose_file.service_project import subject_of
from loadtests.environments.compose.tested.document import document
from loadtests.environments.compose.tested.subject import Subject
from loadtests.environments.counters import FRONT_SERVICE, member_name, role_of_container
from loadtests.model.errors import PlanError, UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.vocabulary import Role
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from loadtests.targets.configuration.project import Given, build
from loadtests.tools import proc
from tests.loadtests.builders import make_machine
from tests.loadtests.builders import make_plan as a_plan
from tests.loadtests.environments.compose.fake_engine import a_container
from tests.loadtests.environments.compose.tested.start.test_starting import FakeProject, a_start

FILE: dict[str, Any] = {
    "services": {
        "web": {"image": "shop", "depends_on": {"db": {"condition": "service_started"}}},
        "db": {"image": "postgres"},
        "nginx": {
            "image": "nginx",
            "ports": [{"target": 80, "published": "8080"}],
            "depends_on": {"web": {"condition": "service_started"}, "static": {"condition": "x"}},
        },
        "static": {"image": "files"},
        "mail": {"image": "mail"},
    }
}
SERVICE = Target(
    kind=TargetKind.SERVICE, given="compose.yaml:web", name="web", through="nginx", service="web"
)


@pytest.fixture
def subject() -> Subject:
    return subject_of(FILE, "web", tag="twofold/target-1", through="nginx")


def test_the_proxy_comes_along_with_what_it_needs_and_is_told(subject: Subject) -> None:
    assert subject.front is not None
    assert (subject.front.name, subject.front.service) == ("nginx", FRONT_SERVICE)
    assert subject.front.ports == (80,)
    assert [part.name for part in subject.needs] == ["db", "static"]
    assert subject.others == ("mail",)
    assert any(note.startswith("Measured through nginx") for note in subject.notes)


@pytest.mark.parametrize("name", ["ngnix", "web"])
def test_a_proxy_that_is_no_other_service_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(UsageError, match=f"--through {name} has to be another service.*nginx"):
        subject_of(FILE, "web", tag="t", through=name)


def test_the_services_name_is_that_of_the_present_cell_alone(subject: Subject) -> None:
    made, _ = document(
        subject,
        a_plan(workers=("gthread",)),
        memory_bytes=10**9,
        beside_bytes=2 * 10**9,
        settings={},
    )

    assert made["services"]["gthread"]["networks"] == ["stack"]
    assert set(made["services"][FRONT_SERVICE]["networks"]) == {"stack", "through"}
    assert set(made["services"]["with-db"]["networks"]) == {"stack", "through"}
    assert made["networks"]["through"]["internal"] is True
    assert {"io.twofold.run", "io.twofold.owner"} <= made["networks"]["through"]["labels"].keys()


def test_without_a_proxy_of_the_users_nothing_changes() -> None:
    made, _ = document(
        subject_of(FILE, "web", tag="t"),
        a_plan(workers=("gthread",)),
        memory_bytes=10**9,
        beside_bytes=2 * 10**9,
        settings={},
    )

    assert made["services"]["gthread"]["networks"] == {"stack": {"aliases": ["web"]}}
    assert "networks" not in made


def test_it_stands_for_our_proxy_in_the_stack() -> None:
    container = a_container(FRONT_SERVICE, 1)

    assert member_name(container) == Role.PROXY
    assert role_of_container(member_name(container), container) is Role.PROXY


def test_it_starts_while_one_replica_has_the_name(
    monkeypatch: pytest.MonkeyPatch, subject: Subject
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(proc, "run", lambda argv, **_: ran.append(tuple(argv)))
    monkeypatch.setattr(
        "loadtests.environments.compose.tested.start.listening.wait_for_port",
        lambda *_, **__: (8000, None),
    )
    project = FakeProject()
    project.name = "p"  # type: ignore[attr-defined]
    project.image = lambda _: None  # type: ignore[attr-defined]
    start = a_start(monkeypatch, project, replace(subject, needs=()))

    start.start()

    assert ran == [
        ("docker", "network", "connect", "--alias", "web", "p_through", "id of gthread-1")
    ]
    assert [up[0] for up in project.ups] == [
        ("gthread",),
        ("generator", "metronome"),
        (FRONT_SERVICE,),
        (FRONT_SERVICE,),
    ]
    assert start.front_port == 8000


def test_replicas_are_added_in_turn_so_that_the_first_ones_always_serve() -> None:
    project = plain.project(SERVICE)

    plan = make_plan(
        Options(replicas=(1, 2, 4)), make_machine(), backend="compose", seed=1, project=project
    )

    assert {spec.members for specs in plan.rounds for spec in specs} == {(1,), (1, 2), (1, 2, 3, 4)}


def test_one_variant_can_be_behind_it() -> None:
    project = plain.project(SERVICE)
    options = Options(replicas=(1, 2), workers=("gthread", "sync"))

    with pytest.raises(PlanError, match="of one variant, and here are 2: gthread, sync"):
        make_plan(options, make_machine(), backend="compose", seed=1, project=project)


def test_another_form_of_target_has_no_service_in_front() -> None:
    image = Target(kind=TargetKind.IMAGE, given="shop:1", name="shop", image="shop:1")

    with pytest.raises(UsageError, match="--through nginx names a service of a Compose file"):
        build(Given(target=image, through="nginx"), None, {})
