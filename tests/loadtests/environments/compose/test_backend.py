import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import backend, images, stack
from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.compose.images import Images
from loadtests.environments.compose.projects import project_name
from loadtests.environments.compose.tested import user_images
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.environments.counters import member_name
from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.tools import docker, docker_compose, proc
from loadtests.tools.docker import Container
from loadtests.tools.docker.images import Image
from tests.checkout import CHECKOUT
from tests.loadtests.environments.compose.fake_engine import (
    COMPOSE,
    IMAGES,
    PLAN,
    FakeEngine,
    Ran,
    a_container,
    all_containers,
    opened,
    without_watchdog,
)

ROOT = CHECKOUT


# -- who is there ------------------------------------------------------------------------------


def replicas_of(containers: Sequence[Container]) -> list[str]:
    named = {member_name(each): each for each in containers}
    return [f"{each.name} {each.address}" for each in stack.replicas_of(named, PLAN, {})]


def test_replicas_come_in_the_order_of_worker_and_number() -> None:
    assert replicas_of(all_containers()) == [
        "gthread-1 10.0.0.1:8000",
        "gthread-2 10.0.0.2:8000",
        "sync-1 10.0.0.1:8000",
        "sync-2 10.0.0.2:8000",
    ]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"running": False, "exit_code": 3}, "it exited with code 3"),
        ({"running": False, "out_of_memory": True}, "it was killed, out of memory"),
    ],
)
def test_a_replica_that_does_not_run_is_named_with_the_reason(
    fields: dict[str, Any], why: str
) -> None:
    containers = all_containers()
    containers[3] = replace(containers[3], **fields)

    with pytest.raises(EnvironmentFailure, match=f"Replica sync-2 of 2 does not run: {why}"):
        replicas_of(containers)


def test_a_replica_that_was_not_started_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match=r"sync-2 of 2 .* no such container"):
        replicas_of([each for each in all_containers() if each.id != "id of sync-2"])


# -- what goes up ----------------------------------------------------------------------------


def test_a_stack_goes_up_and_down_and_its_logs_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, ran = FakeEngine(*all_containers()), Ran()

    with opened(monkeypatch, engine, ran, tmp_path):
        assert ran.words == ["up", "up"]  # the second one is for the idle controls

    assert ran.words == ["up", "up", "down"]
    assert engine.removed == [project_name(tmp_path.name)]
    assert engine.closed
    assert (tmp_path / "logs/gthread-2.log").read_text() == "log of id of gthread-2, None"
    assert (tmp_path / "logs/generator-container.log").exists()


def test_the_idle_controls_start_last_and_wait_for_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran()

    with opened(monkeypatch, FakeEngine(), ran, tmp_path):
        pass

    assert ran.argvs[1][-2:] == ("twofold-idle-gthread", "twofold-idle-sync")
    assert {"--no-recreate", "--no-deps"} <= {*ran.argvs[1]}


def test_idle_controls_that_do_not_start_end_no_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Refusing(Ran):
        def __call__(self, argv: Sequence[str], **fields: object) -> proc.Completed:
            done = super().__call__(argv, **fields)
            if argv[-1] == "twofold-idle-sync":
                raise ProcessFailure("no such file: /venv/bin/python")
            return done

    ran, said = Refusing(), list[str]()

    with opened(monkeypatch, FakeEngine(), ran, tmp_path, say=said.append):
        pass

    assert ran.words == ["up", "up", "down"]
    (told,) = (line for line in said if "idle controls" in line)
    assert "were not started" in told
    assert "no such file: /venv/bin/python" in told


WITH_STORE = replace(PLAN, with_store=True)


def test_a_store_is_up_and_ready_before_the_replicas_that_connect_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, ran = FakeEngine(a_container("store")), Ran()

    with opened(monkeypatch, engine, ran, tmp_path, plan=WITH_STORE):
        assert ran.words == ["up", "docker", "up", "up"]

    assert ran.argvs[0][-1] == "store"
    assert ran.argvs[1][:4] == ("docker", "exec", "--interactive", "id of store-1")
    assert "pg_isready" in ran.argvs[1][-1]
    assert ran.argvs[2][-5:] == ("gthread", "sync", "proxy", "generator", "metronome")


def test_a_store_that_does_not_come_up_is_told_with_its_log_and_all_goes_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine(a_container("store"))
    ran = Ran()
    ran.codes["docker"] = 2  # no response
    monkeypatch.setattr(backend, "STORE_LIMIT_S", 0.01)

    with (
        pytest.raises(EnvironmentFailure, match=r"(?s)PostgreSQL .*log of id of store-1, 20"),
        opened(monkeypatch, engine, ran, tmp_path, plan=WITH_STORE),
    ):
        pass

    assert ran.words[-1] == "down"


def test_settings_go_by_a_second_file_that_up_and_down_both_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran()

    with opened(monkeypatch, FakeEngine(), ran, tmp_path, {"*": {"BURN_PERCENT": "10"}}):
        pass

    written = tmp_path / "compose.services.json"
    services = json.loads(written.read_text())["services"]
    variables = {name: service["environment"] for name, service in services.items()}
    controls = {"twofold-idle-gthread", "twofold-idle-sync"}
    assert services.keys() == {"gthread", "sync"} | controls
    assert all(variables[name]["BURN_PERCENT"] == "10" for name in ("gthread", "sync"))
    assert all(variables[name] == {} for name in controls)
    for argv in ran.argvs:
        assert argv[4:8] == (
            *("--file", str(ROOT / "compose/compose.yaml")),
            *("--file", str(written)),
        )


def test_another_image_of_the_application_reaches_the_build_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[object] = []

    def build_all(*_: object, app_image: str | None, **__: object) -> Images:
        asked.append(app_image)
        raise EnvironmentFailure

    monkeypatch.setattr(docker, "Engine", FakeEngine)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(images, "build_all", build_all)

    for one in (ComposeBackend(ROOT), ComposeBackend(ROOT, app_image="shop:1")):
        with (
            pytest.raises(EnvironmentFailure),
            one.open(PLAN, tmp_path, lambda _: None),
        ):
            pass

    assert asked == [None, "shop:1"]


def test_settings_that_compose_cannot_give_are_refused_before_anything_is_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = Ran()

    with (
        pytest.raises(UsageError, match="use --backend processes"),
        opened(monkeypatch, FakeEngine(), ran, tmp_path, {"sync-2": {"STATE": "memory"}}),
    ):
        pass

    assert ran.words == []


def test_a_users_services_are_started_by_the_ids_of_their_images_which_are_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ids = {name: f"sha256:{digit * 64}" for name, digit in (("web", "1"), ("db", "2"), ("ng", "3"))}
    parts = [
        Part(name=name, service=service, image=f"{name}:latest")
        for name, service in (("web", "app"), ("db", "with-db"), ("ng", "front"))
    ]
    subject = Subject(measured=parts[0], needs=(parts[1],), front=parts[2])
    provided = {name: Image(id=made) for name, made in ids.items()}
    asked: list[object] = []

    def build_all(*_: object, app_image: str | None, **__: object) -> Images:
        asked.append(app_image)
        return IMAGES

    def start(**given: Any) -> None:
        asked.append([part.image for part in given["subject"].parts])
        raise EnvironmentFailure("far enough")

    monkeypatch.setattr(docker, "Engine", FakeEngine)
    monkeypatch.setattr(docker_compose, "find_compose", lambda: COMPOSE)
    monkeypatch.setattr(user_images, "provide", lambda *_, **__: provided)
    monkeypatch.setattr(images, "build_all", build_all)
    monkeypatch.setattr(backend, "memory_share", lambda *_: 10**9)
    monkeypatch.setattr(backend, "beside_share", lambda *_: 10**9)
    monkeypatch.setattr(backend, "Starting", start)
    monkeypatch.setattr(proc, "run", Ran())
    without_watchdog(monkeypatch)
    target = Target(kind=TargetKind.SERVICE, given="compose.yaml:web", name="web", service="web")

    with (
        pytest.raises(EnvironmentFailure, match="far enough"),
        ComposeBackend(ROOT, tested=target, subject=subject).open(PLAN, tmp_path, lambda _: None),
    ):
        pass

    written = json.loads((tmp_path / "compose.services.json").read_text())["services"]
    assert {name: service["image"] for name, service in written.items()} == {
        **dict.fromkeys(("gthread", "sync"), ids["web"]),
        "with-db": ids["db"],
        "front": ids["ng"],
    }
    recorded = json.loads((tmp_path / "compose.images.json").read_text())
    assert {name: recorded[name] for name in ids} == ids
    assert asked == [ids["web"], list(ids.values())]
