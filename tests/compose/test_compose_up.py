"""compose.yaml for real: both Composes start it, and what it promises holds in its containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
COMPOSE_FILE = PROJECT / "compose" / "compose.yaml"
FETCHED = PROJECT / ".cache" / "compose" / "docker-compose"
SERVICES = tuple(yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"])
REPLICAS = ("gthread", "sync", "gevent")
SCALE = {"gthread": 2, "gevent": 2}

pytestmark = pytest.mark.docker


def output_of(*command: str, **environment: str) -> str:
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout.strip()


def major_version_of(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(
        (*command, "version", "--short"), capture_output=True, text=True, check=False
    )
    return done.stdout.strip().removeprefix("v")[:1] if done.returncode == 0 else ""


@pytest.fixture(scope="session")
def base() -> str:
    if (
        shutil.which("docker") is None
        or subprocess.run(("docker", "version"), capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("no Docker engine answers")
    return output_of(sys.executable, str(PROJECT / "scripts" / "base_image.py"))


@pytest.fixture(scope="session", params=["plugin", "docker-compose 1.29"])
def compose(request: pytest.FixtureRequest, base: str) -> tuple[str, ...]:
    """Each Compose that the project promises to work with; the plugin is got where it is not."""
    old, plugin = ("docker-compose",), ("docker", "compose")
    if request.param != "plugin":
        if major_version_of(old) != "1":
            pytest.skip("docker-compose 1.29 is not installed here")
        return old
    if major_version_of(plugin):
        return plugin
    if not FETCHED.exists():
        script = PROJECT / "scripts" / "compose_plugin.py"
        subprocess.run((sys.executable, str(script), "--into", str(FETCHED.parent)), check=True)
    return (str(FETCHED),)


@pytest.fixture(scope="session")
def containers(
    compose: tuple[str, ...], base: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """A stack of waiting containers, by service, as the engine describes them."""
    override = tmp_path_factory.mktemp("compose") / "waiting.yaml"
    waiting = {service: {"command": ["sleep", "300"]} for service in SERVICES}
    override.write_text(json.dumps({"services": waiting}))  # JSON is YAML
    project = f"twofold-test-{uuid.uuid4().hex[:8]}"
    command = (*compose, "-p", project, "-f", str(COMPOSE_FILE), "-f", str(override))
    images = {f"TWOFOLD_{part}_IMAGE": base for part in ("APP", "PROXY", "GENERATOR")}
    label = f"label=com.docker.compose.project={project}"
    scale = [f"--scale={service}={number}" for service, number in SCALE.items()]
    try:
        output_of(*command, "up", "-d", "--no-build", *scale, **images, TWOFOLD_REPLICA_CPUS="0.2")
        ids = output_of("docker", "ps", "-q", "--filter", label).split()
        found: dict[str, list[dict[str, Any]]] = {}
        for container in json.loads(output_of("docker", "inspect", *ids)):
            service = container["Config"]["Labels"]["com.docker.compose.service"]
            found.setdefault(service, []).append(container)
        yield found
    finally:
        output_of(*command, "down", "--volumes", "--timeout", "1", **images)
    for kind in ("container", "network", "volume"):
        assert output_of("docker", kind, "ls", "-q", "--filter", label) == ""


@pytest.fixture(params=SERVICES)
def container(
    request: pytest.FixtureRequest, containers: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    return containers[request.param][0]


def in_container(container: dict[str, Any], script: str) -> str:
    return output_of("docker", "exec", container["Id"], "sh", "-c", script)


def test_each_service_is_there_as_often_as_asked(
    containers: dict[str, list[dict[str, Any]]],
) -> None:
    assert {service: len(found) for service, found in containers.items()} == {
        service: SCALE.get(service, 1) for service in SERVICES
    }


def test_the_budget_reaches_every_replica(containers: dict[str, list[dict[str, Any]]]) -> None:
    budgets = {
        service: {each["HostConfig"]["NanoCpus"] / 1e9 for each in found}
        for service, found in containers.items()
    }
    assert budgets == {service: {0.2 if service in REPLICAS else 0.0} for service in SERVICES}


def test_without_cores_to_bind_to_any_core_may_be_used(container: dict[str, Any]) -> None:
    assert container["HostConfig"]["CpusetCpus"] == ""


def test_a_process_in_it_has_no_privilege_and_can_get_none(container: dict[str, Any]) -> None:
    status = dict(
        line.split(":\t", maxsplit=1)
        for line in in_container(container, "cat /proc/self/status").splitlines()
        if ":\t" in line
    )
    assert set(status["Uid"].split()) == {"10001"}
    assert int(status["CapEff"], 16) == 0
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_its_root_cannot_be_written_and_shared_memory_can(container: dict[str, Any]) -> None:
    assert in_container(container, "touch /etc/x 2>/dev/null || echo refused") == "refused"
    assert in_container(container, "touch /dev/shm/x && echo done") == "done"


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
    assert in_container(container, "ulimit -n") == "16384"
