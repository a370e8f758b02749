"""What compose.yaml holds every container to, read from the file itself."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.checkout import CHECKOUT

LABELS = {
    "io.twofold.run": "${TWOFOLD_RUN:-by-hand}",
    "io.twofold.owner": "${TWOFOLD_OWNER:-}",
}

COMPOSE_FILE = CHECKOUT / "compose" / "compose.yaml"
STACK: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
REPLICA = SERVICES["replica"]

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def test_the_stack_is_a_replica_a_proxy_and_a_generator() -> None:
    assert {"replica", "proxy", "generator"} <= set(SERVICES)


def test_a_store_is_started_by_name_alone_since_nothing_depends_on_it() -> None:
    assert "store" in SERVICES
    assert not [name for name, service in SERVICES.items() if "depends_on" in service]
    assert REPLICA["environment"]["DATABASE_URL"] == "${TWOFOLD_DATABASE_URL:-}"


def test_no_version_is_named_so_that_both_composes_read_it_by_the_specification() -> None:
    assert "version" not in STACK


@every_service
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("read_only", True),
        ("cap_drop", ["ALL"]),
        ("security_opt", ["no-new-privileges:true"]),
        ("init", True),
        ("restart", "no"),
    ],
)
def test_every_service_is_hardened(service: dict[str, Any], key: str, value: object) -> None:
    assert service[key] == value


@every_service
def test_every_service_runs_as_a_numbered_user_that_is_not_root(service: dict[str, Any]) -> None:
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0


@every_service
def test_every_service_has_limits_on_processes_memory_files_and_logs(
    service: dict[str, Any],
) -> None:
    assert 0 < service["pids_limit"] <= 512
    assert service["mem_limit"][-1] in "mg"
    assert service["ulimits"]["nofile"]["hard"] <= 65536
    assert service["logging"]["options"]["max-size"] == "1m"


@every_service
@pytest.mark.parametrize(
    "key",
    [
        *("ports", "volumes", "devices", "cap_add", "privileged"),
        *("network_mode", "pid", "ipc", "userns_mode"),
    ],
)
def test_no_service_reaches_the_host(service: dict[str, Any], key: str) -> None:
    assert key not in service


@every_service
def test_what_is_written_is_written_to_memory_and_has_a_limit(service: dict[str, Any]) -> None:
    assert all(":size=" in mount for mount in service.get("tmpfs", ()))


@every_service
def test_no_healthcheck_takes_cpu_from_a_budget(service: dict[str, Any]) -> None:
    assert "healthcheck" not in service


@every_service
def test_nothing_is_built_by_compose_which_gives_each_service_its_image(
    service: dict[str, Any],
) -> None:
    assert "build" not in service
    assert service["image"].startswith("${TWOFOLD_")


@every_service
def test_every_service_can_be_scaled_and_is_found_by_its_run(service: dict[str, Any]) -> None:
    assert "container_name" not in service
    assert service["labels"] == LABELS


def test_the_engines_socket_is_nowhere() -> None:
    assert "docker.sock" not in COMPOSE_FILE.read_text(encoding="utf-8")


def test_the_only_network_leads_nowhere_else() -> None:
    assert {key: network["internal"] for key, network in STACK["networks"].items()} == {
        "stack": True
    }
    assert all(service["networks"] == ["stack"] for service in SERVICES.values())


def test_a_replica_has_a_budget_of_cpu_and_may_be_bound_to_cores() -> None:
    assert REPLICA["cpus"] == "${TWOFOLD_REPLICA_CPUS:-0.1}"
    assert REPLICA["cpuset"] == "${TWOFOLD_REPLICA_CPUSET:-}"
