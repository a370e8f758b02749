from collections.abc import Mapping
from typing import Any

import pytest
from docker.errors import DockerException

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.docker import Engine, connection, pulse


def test_an_engine_through_ssh_is_asked_by_the_users_own_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Mapping[str, Any]] = []
    monkeypatch.setattr("docker.from_env", lambda **given: asked.append(given))

    connection.connected("ssh://node2", timeout_s=7)

    (given,) = asked
    assert (given["timeout"], given["use_ssh_client"]) == (7, True)
    assert given["environment"]["DOCKER_HOST"] == "ssh://node2"


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
