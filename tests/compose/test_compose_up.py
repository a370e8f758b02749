"""compose.yaml for real: both Composes start it, and what it promises holds in its containers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from loadtests.environments.compose import files
from tests.compose.conftest import COMPOSE_FILE, PROJECT, output_of
from tests.loadtests.builders import make_plan

OWN = tuple(yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"])
PLAN = make_plan(workers=("gthread", "sync", "gevent"))
WORKERS = tuple(worker.name for worker in PLAN.workers)
SERVICES = (*OWN, *WORKERS)
SCALE = {"gthread": 2, "gevent": 2}

STATUS = "cat /proc/self/status"
WRITE_ROOT = "touch /etc/x 2>/dev/null || echo refused"
WRITE_SHARED_MEMORY = "touch /dev/shm/x && echo done"
OPEN_FILES = "ulimit -n"
LOOKS = (STATUS, WRITE_ROOT, WRITE_SHARED_MEMORY, OPEN_FILES)
"""What is looked at in every container."""

pytestmark = [pytest.mark.docker, pytest.mark.parallel]


@pytest.fixture(scope="session")
def containers(
    compose: tuple[str, ...], base: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """A stack of waiting containers, by service, as the engine describes them."""
    folder = tmp_path_factory.mktemp("compose")
    _, services = files.files(PLAN, PROJECT, folder, {})
    override = folder / "waiting.yaml"
    waiting = {service: {"command": ["sleep", "1800"]} for service in SERVICES}
    override.write_text(json.dumps({"services": waiting}))  # JSON is YAML
    project = f"twofold-test-{uuid.uuid4().hex[:8]}"
    given = (COMPOSE_FILE, services, override)
    command = (*compose, "-p", project, *(word for file in given for word in ("-f", str(file))))
    images = {f"TWOFOLD_{part}_IMAGE": base for part in ("APP", "PROXY", "GENERATOR", "STORE")}
    label = f"label=com.docker.compose.project={project}"
    scale = [f"--scale={service}={number}" for service, number in SCALE.items()]
    try:
        output_of(*command, "up", "-d", "--no-build", *scale, **images, TWOFOLD_REPLICA_CPUS="0.2")
        ids = output_of("docker", "ps", "-q", "--filter", label).split()
        by_service: dict[str, list[dict[str, Any]]] = {}
        for container in json.loads(output_of("docker", "inspect", *ids)):
            service = container["Config"]["Labels"]["com.docker.compose.service"]
            by_service.setdefault(service, []).append(container)
        yield by_service
    finally:
        output_of(*command, "down", "--volumes", "--timeout", "1", **images)
    for kind in ("container", "network", "volume"):
        assert output_of("docker", kind, "ls", "-q", "--filter", label) == ""


@pytest.fixture(params=SERVICES)
def container(
    request: pytest.FixtureRequest, containers: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    return containers[request.param][0]


@cache
def _seen_inside(container_id: str) -> tuple[str, ...]:
    """Run all of ``LOOKS`` at once: starting a process in a container takes long."""
    script = "; echo --; ".join(LOOKS)
    seen = output_of("docker", "exec", container_id, "sh", "-c", script)
    return tuple(part.strip() for part in seen.split("--\n"))


def in_container(container: dict[str, Any], script: str) -> str:
    return _seen_inside(container["Id"])[LOOKS.index(script)]


def test_each_service_is_there_as_often_as_asked(
    containers: dict[str, list[dict[str, Any]]],
) -> None:
    assert {service: len(members) for service, members in containers.items()} == {
        service: SCALE.get(service, 1) for service in SERVICES
    }


def test_the_budget_reaches_every_replica(containers: dict[str, list[dict[str, Any]]]) -> None:
    budgets = {
        service: {container["HostConfig"]["NanoCpus"] / 1e9 for container in members}
        for service, members in containers.items()
    }
    replicas = {service: {0.2} for service in ("replica", *WORKERS)}
    limited = {**replicas, "store": {0.5}}
    assert budgets == {service: limited.get(service, {0.0}) for service in SERVICES}


def test_a_worker_model_has_its_own_settings_beside_those_of_every_replica(
    containers: dict[str, list[dict[str, Any]]],
) -> None:
    for worker in PLAN.workers:
        environment = set(containers[worker.name][0]["Config"]["Env"])
        assert {
            f"WORKER_MODEL={worker.name}",
            f"WEB_CONCURRENCY={worker.processes}",
            f"THREADS={worker.threads}",
            "SECRET_KEY=for load tests only",
        } <= environment


def test_without_cores_to_bind_to_any_core_may_be_used(container: dict[str, Any]) -> None:
    assert container["HostConfig"]["CpusetCpus"] == ""


def test_a_process_in_it_has_no_privilege_and_can_get_none(container: dict[str, Any]) -> None:
    status = dict(
        line.split(":\t", maxsplit=1)
        for line in in_container(container, STATUS).splitlines()
        if ":\t" in line
    )
    assert set(status["Uid"].split()) == {"10001"}
    assert int(status["CapEff"], 16) == 0
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_its_root_cannot_be_written_and_shared_memory_can(container: dict[str, Any]) -> None:
    assert in_container(container, WRITE_ROOT) == "refused"
    assert in_container(container, WRITE_SHARED_MEMORY) == "done"


def test_it_publishes_nothing_and_mounts_nothing_of_the_host(container: dict[str, Any]) -> None:
    assert not any(container["NetworkSettings"]["Ports"].values())
    assert not container["HostConfig"]["Binds"]
    assert not container["Mounts"]


def test_its_network_leads_nowhere_else(container: dict[str, Any]) -> None:
    (network,) = container["NetworkSettings"]["Networks"].values()
    (described,) = json.loads(output_of("docker", "network", "inspect", network["NetworkID"]))
    assert described["Internal"] is True


def test_its_limits_are_in_force(container: dict[str, Any]) -> None:
    settings = container["HostConfig"]
    assert settings["Memory"] > 0
    assert settings["PidsLimit"] > 0
    assert settings["LogConfig"]["Config"]["max-size"] == "1m"
    assert in_container(container, OPEN_FILES) == "16384"
