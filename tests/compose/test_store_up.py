"""The store's image for real: it serves, held as every other container is, with both Composes."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator

import pytest

from loadtests.tools import docker, postgres, proc
from tests.compose.conftest import COMPOSE_FILE, PROJECT, output_of

pytestmark = [pytest.mark.docker, pytest.mark.parallel]

IMAGE = "twofold/store:test"
PASSWORD = "0123abcd"
READY_LIMIT_S = 30.0


@pytest.fixture(scope="module")
def image(base: str) -> str:
    folder = PROJECT / "compose/store"
    argv = docker.build_argv(
        tag=IMAGE, folder=folder, dockerfile=folder / "Dockerfile", base_image=base
    )
    docker.build(argv, what="the store", on_line=lambda _: None)
    return IMAGE


@pytest.fixture(scope="module")
def store(compose: tuple[str, ...], image: str) -> Iterator[str]:
    """The id of a store's container that takes connections."""
    project = f"twofold-test-{uuid.uuid4().hex[:8]}"
    command = (*compose, "-p", project, "-f", str(COMPOSE_FILE))
    given = {"TWOFOLD_STORE_IMAGE": image, "TWOFOLD_STORE_PASSWORD": PASSWORD}
    try:
        output_of(*command, "up", "-d", "--no-build", "store", **given)
        label = f"label=com.docker.compose.project={project}"
        (container,) = output_of("docker", "ps", "-q", "--filter", label).split()
        ready = docker.exec_argv(container, "sh", "-c", postgres.READY_SCRIPT)
        proc.wait_until(
            lambda: proc.run(ready, check=False).code == 0,
            limit_s=READY_LIMIT_S,
            failure=lambda: output_of("docker", "logs", container),
        )
        yield container
    finally:
        output_of(*command, "down", "--volumes", "--timeout", "1", **given)


def asked(container: str, query: str, password: str = PASSWORD) -> str:
    """Ask at the address at which the replicas do, not at that of the container itself alone."""
    psql = '/usr/lib/postgresql/*/bin/psql -h "$(hostname -i)" -U twofold postgres'
    script = f'{psql} -tAc "{query}"'
    return output_of(
        *("docker", "exec", "--env", f"PGPASSWORD={password}", container, "sh", "-c", script)
    )


def test_it_is_new_enough(store: str) -> None:
    assert int(asked(store, "SHOW server_version_num")) >= 150000


@pytest.mark.parametrize(
    ("setting", "value"),
    [("fsync", "off"), ("autovacuum", "off"), ("max_connections", "100"), ("port", "5432")],
)
def test_the_settings_of_the_project_are_in_force(store: str, setting: str, value: str) -> None:
    assert asked(store, f"SHOW {setting}") == value


def test_the_password_is_asked_for(store: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        asked(store, "SELECT 1", password="another")


def test_it_is_stopped_without_waiting_for_who_is_connected(store: str) -> None:
    (described,) = output_of("docker", "inspect", "-f", "{{.Config.StopSignal}}", store).split()
    assert described == "SIGINT"
