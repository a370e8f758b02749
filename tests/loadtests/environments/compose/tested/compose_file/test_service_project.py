"""A project of our own, made from what both versions of Compose print of one file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file.service_project import subject_of
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.model.errors import UsageError
from loadtests.tools import docker_compose
from tests.checkout import CHECKOUT

DATA = CHECKOUT / "tests/data/compose"


def captured(name: str) -> dict[str, Any]:
    text = (DATA / name).read_text()
    parsed = json.loads(text) if Path(name).suffix == ".json" else docker_compose.parse(text)
    document: dict[str, Any] = docker_compose.unescaped(parsed)
    return document


@pytest.fixture(scope="module", params=["config-1.29.2.yaml", "config-2.26.1.json"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return subject_of(captured(request.param), "web", tag="twofold/target-1")


def told(subject: Subject, part: Part, key: str) -> Any:
    """Give a setting as Compose will see it, with its hidden texts."""
    text = json.dumps(part.definition.get(key))
    for name, value in subject.values.items():
        text = text.replace(f"${{{name}}}", json.dumps(value)[1:-1])
    return json.loads(text)


def test_what_the_service_needs_comes_along_once_and_nothing_else(subject: Subject) -> None:
    assert [(part.name, part.service, part.is_store) for part in subject.needs] == [
        ("cache", "with-cache", True),
        ("db", "with-db", True),
        ("migrate", "with-migrate", False),
    ]
    assert sorted(subject.others) == ["base", "mail"]


def test_the_variables_and_the_command_arrive_as_the_user_wrote_them(subject: Subject) -> None:
    assert told(subject, subject.measured, "environment") == {
        "A": "1",
        "DATABASE_URL": "postgresql://u:p$w@db:5432/x",
        "FLAG": "yes",
        "FROM_FILE": "value",
        "RETRIES": "3",
        "TOKEN": "",
    }
    command = told(subject, subject.measured, "command")
    assert "app:create_app()" in (command if isinstance(command, str) else " ".join(command))


def test_no_value_is_written_down(subject: Subject) -> None:
    written = json.dumps([dict(part.definition) for part in subject.parts])

    for value in ("p$w", "pw", "create_app"):
        assert value in json.dumps(subject.values)
        assert f"{value}@" not in written
        assert f'"{value}"' not in written


def test_names_ports_addresses_and_restarts_are_left_out_and_told(subject: Subject) -> None:
    definition = subject.measured.definition
    gone = {"container_name", "ports", "restart", "networks", "deploy", "healthcheck", "logging"}
    (note,) = (note for note in subject.notes if note.startswith("web: left out"))

    assert not gone & definition.keys()
    for setting in (
        "container_name shop",
        "8000:8000",
        "9000:9000",
        "restart always",
        "address 172.28.0.10 on front",
        "deploy.resources.limits.cpus 0.5",
        "logging",
        "labels",
    ):
        assert setting in note


def test_what_the_image_and_its_limits_need_stays(subject: Subject) -> None:
    definition = subject.measured.definition

    assert definition["working_dir"] == "/shop"
    assert definition["tmpfs"] in ("/run", ["/run"])
    assert str(definition["mem_limit"]) in {"64M", "67108864"}
    assert subject.measured.image == "twofold/target-1-web:latest"
    assert subject.measured.build is not None
    assert subject.measured.build["target"] == "prod"
    assert subject.measured.build["args"] == {"VERSION": "3"}
    assert subject.measured.ports[:2] == (5000, 8000)


def test_secrets_are_mounts_and_volumes_are_the_runs_own(subject: Subject) -> None:
    mounts = {
        (entry["type"], entry.get("source", ""), entry["target"], entry.get("read_only", False))
        for entry in subject.measured.definition["volumes"]
    }

    assert mounts == {
        ("volume", "uploads", "/uploads", False),
        ("bind", "/srv/shop", "/app", True),
        ("volume", "", "/anon", False),
        ("tmpfs", "", "/t", False),
        ("bind", "/srv/shop/key.txt", "/run/secrets/key", True),
    }
    assert subject.volumes == {"uploads": {}, "pg": {}}
    assert "The volume pg is external, so an empty one of the run stands in for it." in (
        subject.notes
    )
    assert any("/srv/shop/cache is not touched" in note for note in subject.notes)


def test_services_find_one_another_by_all_their_names(subject: Subject) -> None:
    hosts = {part.name: part.hosts for part in subject.parts}

    assert hosts["web"] == ("web", "shop", "store-front")
    assert hosts["cache"] == ("cache", "sessions")


def test_health_and_order_of_what_is_needed_stay(subject: Subject) -> None:
    parts = {part.name: part for part in subject.parts}

    assert "healthcheck" in parts["db"].definition
    assert parts["migrate"].has_to_end
    assert not parts["db"].has_to_end
    assert parts["migrate"].definition["depends_on"] == {
        "with-db": {"condition": "service_started"}
    }
    assert any("HEALTHCHECK is switched off" in note for note in subject.notes)


# -- what cannot be measured ------------------------------------------------------------------


def refusal(services: dict[str, Any], **document: Any) -> str:
    with pytest.raises(UsageError) as error:
        subject_of({"services": services, **document}, "web", tag="t")
    return str(error.value)


def test_a_service_that_does_not_exist_is_told_with_those_that_do() -> None:
    assert refusal({"shop": {"image": "s"}, "db": {"image": "d"}}) == (
        "There is no service 'web'. Those that exist: db, shop."
    )


@pytest.mark.parametrize("mode", ["host", "service:db", "container:x"])
def test_two_replicas_cannot_share_a_network(mode: str) -> None:
    said = refusal({"web": {"image": "s", "network_mode": mode}, "db": {"image": "d"}})

    assert f"has network_mode {mode}, and two replicas would share one port" in said


def test_a_secret_of_a_swarm_is_told() -> None:
    services = {"web": {"image": "s", "secrets": ["key"]}}

    assert "The secret key is external" in refusal(services, secrets={"key": {"external": True}})
    assert "There is no secret 'key'" in refusal(services)


def test_a_service_without_image_and_build_is_told() -> None:
    assert "neither an image nor a build section" in refusal({"web": {"command": "x"}})


def test_secrets_that_are_no_files_are_passed_on_with_their_texts_hidden() -> None:
    document = {
        "services": {"web": {"image": "s", "secrets": ["token"], "configs": ["motd"]}},
        "secrets": {"token": {"name": "p_token", "environment": "TOKEN"}},
        "configs": {"motd": {"content": "hi"}},
    }

    subject = subject_of(document, "web", tag="t")

    assert subject.secrets == {"token": {"environment": "TOKEN"}}
    assert subject.configs == {"motd": {"content": "${TWOFOLD_VALUE_1}"}}
    assert subject.measured.definition["secrets"] == ["token"]


def test_replicas_share_state_only_with_others_or_by_volumes() -> None:
    alone = subject_of({"services": {"web": {"image": "s"}}}, "web", tag="t")

    assert not alone.shares_state
    assert replace(alone, volumes={"data": {}}).shares_state


def test_a_service_has_the_image_that_another_one_builds() -> None:
    services = {
        "web": {
            "build": {"context": "/srv"},
            "image": "shop",
            "depends_on": {"migrate": {"condition": "service_completed_successfully"}},
        },
        "migrate": {"image": "shop", "command": "flask db upgrade"},
    }

    web, migrate = subject_of({"services": services}, "web", tag="t").parts

    assert migrate.image == web.image == "t-web:latest"
    assert migrate.build == web.build == {"context": "/srv"}
    other = subject_of({"services": services}, "migrate", tag="t").measured
    assert (other.image, other.build) == (web.image, web.build)


def test_what_is_needed_is_started_again_if_it_waits_for_others() -> None:
    services: dict[str, Any] = {
        "web": {"image": "s", "restart": "always", "depends_on": ["migrate", "db"]},
        "migrate": {"image": "s", "restart": "on-failure", "depends_on": ["db"]},
        "db": {"image": "postgres", "restart": "always"},
    }

    subject = subject_of({"services": services}, "web", tag="t")

    assert {part.name: part.restart for part in subject.parts} == {
        "web": "no",
        "migrate": "on-failure",
        "db": "no",
    }
    assert "Started again after an error, until the replicas are started: migrate." in subject.notes
    assert [note for note in subject.notes if "left out" in note] == [
        f"{name}: left out, since a run sets or forbids it: restart always."
        for name in ("web", "db")
    ]


def test_gpus_are_carried_over_and_said_to_be_shared() -> None:
    subject = subject_of({"services": {"web": {"image": "s", "gpus": "all"}}}, "web", tag="t")

    assert subject.measured.definition["deploy"] == {
        "resources": {"reservations": {"devices": [{"count": "all", "capabilities": ["gpu"]}]}}
    }
    assert any(note.startswith("web: all replicas have the devices") for note in subject.notes)


def test_a_limit_of_no_memory_leaves_the_runs_own_in_force() -> None:
    services = {"web": {"image": "s", "mem_limit": "0"}}

    assert "mem_limit" not in (
        subject_of({"services": services}, "web", tag="t").measured.definition
    )


def test_networks_of_others_are_told() -> None:
    document = {
        "services": {"web": {"image": "s", "networks": {"default": None, "traefik": None}}},
        "networks": {"default": {}, "traefik": {"external": True}},
    }

    (note,) = subject_of(document, "web", tag="t").notes

    assert note.startswith("Not joined, since they are external: the networks traefik.")


def test_volumes_of_another_service_come_along() -> None:
    services = {
        "web": {"image": "s", "volumes_from": ["files:ro"], "volumes": ["own:/own"]},
        "files": {"image": "s", "volumes": ["static:/static", "other:/own"]},
    }

    subject = subject_of({"services": services}, "web", tag="t")

    assert subject.measured.definition["volumes"] == [
        {"type": "volume", "target": "/own", "source": "own"},
        {"type": "volume", "target": "/static", "source": "static", "read_only": True},
    ]
    assert set(subject.volumes) == {"own", "static", "other"}
