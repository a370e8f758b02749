"""Docker's contexts: the library and the program ``docker`` use one engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException

from loadtests.environments.compose import machine
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.machine_facts import EngineState
from loadtests.tools import docker, proc
from loadtests.tools.docker import connection, contexts

ROOTLESS = "unix:///run/user/1000/docker.sock"


def described(address: str, *, certificates: bool = False) -> str:
    """Return what ``docker context inspect`` prints (Docker 26)."""
    context: dict[str, Any] = {
        "Name": "rootless",
        "Metadata": {},
        "Endpoints": {"docker": {"Host": address, "SkipTLSVerify": False}},
        "TLSMaterial": {"docker": ["ca.pem", "cert.pem", "key.pem"]} if certificates else {},
        "Storage": {"MetadataPath": "/meta", "TLSPath": "/tls/1"},
    }
    return json.dumps([context])


class Docker:
    """The program ``docker`` and the library, which note what they are asked."""

    def __init__(self, text: str = described(ROOTLESS), code: int = 0) -> None:
        self.text, self.code = text, code
        self.calls: list[tuple[str, ...]] = []
        self.connected: list[Mapping[str, str]] = []

    def run(self, argv: Sequence[str], **_: object) -> proc.Completed:
        self.calls.append(tuple(argv))
        return proc.Completed(
            argv=tuple(argv), code=self.code, stdout=self.text, stderr='context "x" not found\n'
        )

    def from_env(self, *, environment: Mapping[str, str], **_: object) -> object:
        self.connected.append(environment)
        raise DockerException("Error while fetching version") from FileNotFoundError(2, "gone")


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Docker:
    program = Docker()
    for name in (contexts.HOST, contexts.NAME, *connection.CERTIFICATES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(contexts.CONFIG, str(tmp_path))
    monkeypatch.setattr(proc, "run", program.run)
    monkeypatch.setattr("docker.from_env", program.from_env)
    contexts._inspected.cache_clear()
    return program


def used(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": name}))


def connected(program: Docker) -> Mapping[str, str]:
    with pytest.raises(DockerException):
        connection.connected(None, timeout_s=1)
    return program.connected[-1]


def test_the_library_uses_the_engine_of_the_context(program: Docker, tmp_path: Path) -> None:
    used(tmp_path, "rootless")

    assert connected(program)["DOCKER_HOST"] == ROOTLESS
    assert connection.address_of() == ROOTLESS
    assert program.calls == [("docker", "context", "inspect", "rootless")]


def test_a_variable_names_the_context_and_wins_over_the_file(
    program: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(tmp_path, "rootless")
    monkeypatch.setenv("DOCKER_CONTEXT", "colima")
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates/of/another")

    assert "DOCKER_CERT_PATH" not in connected(program)
    assert program.calls == [("docker", "context", "inspect", "colima")]


@pytest.mark.parametrize("name", ["default", ""])
def test_the_default_is_what_the_library_knows(name: str, program: Docker, tmp_path: Path) -> None:
    used(tmp_path, name)

    assert "DOCKER_HOST" not in connected(program)
    assert connection.address_of() == connection.SOCKET
    assert program.calls == []


def test_an_engine_that_is_named_wins_over_a_context(
    program: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(tmp_path, "rootless")
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker:2375")

    assert connected(program)["DOCKER_HOST"] == "tcp://docker:2375"
    assert program.calls == []


def test_the_message_of_no_engine_names_the_context(program: Docker, tmp_path: Path) -> None:
    used(tmp_path, "rootless")

    with pytest.raises(docker.NoEngine, match=rf"answers at {ROOTLESS} \(the context 'rootless'\)"):
        docker.Engine()


def test_the_lock_of_a_machine_is_that_of_the_engine(program: Docker, tmp_path: Path) -> None:
    used(tmp_path, "far")
    program.text = described("ssh://node2")

    assert machine.lock_scope() == "ssh://node2"


def test_certificates_of_a_context_are_told_with_the_way_that_works(
    program: Docker, tmp_path: Path
) -> None:
    used(tmp_path, "far")
    program.text = described("tcp://10.0.0.7:2376", certificates=True)

    with pytest.raises(
        EnvironmentFailure,
        match=r"DOCKER_HOST=tcp://10.0.0.7:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=/tls/1/docker",
    ):
        connection.connected(None, timeout_s=1)


def test_a_context_that_does_not_exist_is_told(
    program: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(tmp_path, "x")
    program.code = 1
    monkeypatch.setattr(machine, "_compose", lambda: None)

    with pytest.raises(EnvironmentFailure, match="'x' cannot be read: context \"x\" not found"):
        docker.Engine()
    assert machine.look().state is EngineState.DOWN


def test_without_the_program_there_is_no_context(
    program: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ProcessFailure("The program 'docker' was not found.")

    used(tmp_path, "rootless")
    monkeypatch.setattr(proc, "run", missing)

    assert "DOCKER_HOST" not in connected(program)
