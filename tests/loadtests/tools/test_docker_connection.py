import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.docker import Engine, connection, pulse
from tests.checkout import CHECKOUT


def test_an_engine_through_ssh_is_asked_by_the_users_own_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Mapping[str, Any]] = []
    monkeypatch.setattr("docker.from_env", lambda **given: asked.append(given))

    connection.connected("ssh://node2", timeout_s=7)

    (given,) = asked
    assert (given["timeout"], given["use_ssh_client"]) == (7, True)
    assert given["environment"]["DOCKER_HOST"] == "ssh://node2"


@pytest.mark.parametrize(
    ("address", "has_them"),
    [("unix:///run/x.sock", False), ("ssh://node2", False), ("tcp://node2:2376", True)],
)
def test_the_certificates_of_another_engine_are_not_for_a_socket_or_ssh(
    monkeypatch: pytest.MonkeyPatch, address: str, *, has_them: bool
) -> None:
    asked: list[Mapping[str, Any]] = []
    monkeypatch.setattr("docker.from_env", lambda **given: asked.append(given["environment"]))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")

    connection.connected(address, timeout_s=7)

    (given,) = asked
    assert ("DOCKER_TLS_VERIFY" in given, "DOCKER_CERT_PATH" in given) == (has_them, has_them)


@pytest.fixture
def _without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise DockerException("Install paramiko package to enable ssh:// support")

    monkeypatch.setattr("docker.from_env", refuse)


@pytest.mark.usefixtures("_without_the_package")
def test_a_package_that_ssh_needs_is_named_with_the_command_for_it() -> None:
    with pytest.raises(EnvironmentFailure, match=r"at ssh://node2 .*pip install 'docker\[ssh\]'"):
        Engine("ssh://node2")


@pytest.mark.usefixtures("_without_the_package")
def test_a_context_that_needs_it_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    with pytest.raises(EnvironmentFailure, match="the address of the context is reached through"):
        connection.connected(None, timeout_s=7)
    assert not pulse.answers()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[str]:
    """The address of a socket at which this process listens."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "engine.sock"))
        server.listen()
        yield f"unix://{tmp_path}/engine.sock"


def test_an_engine_in_the_same_pid_namespace_is_seen(
    monkeypatch: pytest.MonkeyPatch, listening: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", listening)

    assert connection.sees_processes_of()


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root makes a PID namespace"
)
def test_an_engine_outside_of_ones_pid_namespace_is_not_seen(listening: str) -> None:
    code = (
        "from loadtests.tools.docker import connection;"
        f"print(connection.sees_processes_of({listening!r}))"
    )
    argv = ("unshare", "--pid", "--fork", sys.executable, "-c", code)
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip(done.stderr)

    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("address", ["tcp://docker:2375", "ssh://node2"])
def test_the_processes_of_an_engine_on_another_machine_are_not_seen(address: str) -> None:
    assert not connection.sees_processes_of(address)


def test_where_nobody_listens_nothing_is_said(tmp_path: Path) -> None:
    assert connection.sees_processes_of(f"unix://{tmp_path}/none.sock")


def test_where_the_kernel_does_not_tell_who_listens_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So it is on macOS."""
    monkeypatch.delattr(socket, "SO_PEERCRED")
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        assert connection.sees_processes_of(f"unix://{path}")
