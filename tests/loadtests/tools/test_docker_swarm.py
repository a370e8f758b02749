import os
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from loadtests.tools import proc
from loadtests.tools.docker.command_lines import HOST, docker_argv, pointed_at, update_argv
from loadtests.tools.docker.swarm import (
    NodeEngine,
    ServiceOrder,
    Task,
    create_argv,
    network_argv,
    parse_node,
    parse_task,
)
from loadtests.tools.docker.variables import carried

URL = "unix:///run/node/docker.sock"


def an_order(**fields: Any) -> ServiceOrder:
    defaults: dict[str, Any] = {
        "name": "twfs-1_sync-1",
        "image": "sha256:abc",
        "node": "n0de",
        "network": "twfs-1_stack",
        "alias": "replica-0-1",
        "labels": {"io.twofold.run": "r1"},
        "container_labels": {"io.twofold.run": "r1"},
    }
    return ServiceOrder(**defaults | fields)


def pairs(argv: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(pairwise(argv))


def test_a_service_is_one_task_on_its_node_that_is_never_replaced() -> None:
    argv = create_argv(an_order(cpus=0.1, command=("gunicorn", "app:app")), host=URL)

    assert argv[:5] == ("docker", "--host", URL, "service", "create")
    for pair in (
        ("--constraint", "node.id==n0de"),
        ("--endpoint-mode", "dnsrr"),
        ("--restart-condition", "none"),
        ("--limit-cpu", "0.1"),
        ("--network", "name=twfs-1_stack,alias=replica-0-1"),
        ("--label", "io.twofold.run=r1"),
        ("--container-label", "io.twofold.run=r1"),
    ):
        assert pair in pairs(argv)
    assert argv[-3:] == ("127.0.0.1:1/twofold:abc", "gunicorn", "app:app")
    assert "--replicas" not in argv  # one is what there is without it


def test_no_value_of_a_variable_is_among_the_words() -> None:
    argv = create_argv(an_order(env={"DATABASE_URL": "postgresql://u:secret@h/d"}), host=None)

    assert ("--env", "DATABASE_URL") in pairs(argv)
    assert not any("secret" in word for word in argv)


def test_a_variable_that_would_steer_docker_is_in_a_file() -> None:
    order = an_order(env={"HOME": "/theirs", "SHOP_KEY": "secret"})

    with carried(order.env) as ways:
        argv = create_argv(order, host=None, ways=ways)

    assert ("--env", "SHOP_KEY") in pairs(argv)
    assert ("--env-file", str(ways.file)) in pairs(argv)
    assert not any("theirs" in word for word in argv)
    assert ways.env == {"SHOP_KEY": "secret"}


def test_a_users_container_keeps_its_own_user_and_root() -> None:
    argv = create_argv(an_order(hardened=False), host=None)

    assert {"--read-only", "--user", "--cap-drop"}.isdisjoint(argv)
    assert "--read-only" in create_argv(an_order(), host=None)


def test_a_network_has_no_way_out_and_is_encrypted_when_asked() -> None:
    labels = {"a": "b"}
    plain = network_argv("net", labels=labels, encrypted=False, host=URL)
    secret = network_argv("net", labels=labels, encrypted=True, host=URL)

    assert "--internal" in plain
    assert "encrypted" not in plain
    assert ("--opt", "encrypted") in pairs(secret)


def test_a_nodes_description_is_read() -> None:
    facts = parse_node(
        {
            "ID": "n0de",
            "Spec": {"Labels": {"twofold.role": "services"}, "Availability": "active"},
            "Description": {
                "Hostname": "two",
                "Resources": {"NanoCPUs": 4_000_000_000, "MemoryBytes": 1024},
            },
            "Status": {"State": "ready"},
        }
    )

    assert (facts.id, facts.hostname, facts.role) == ("n0de", "two", "services")
    assert (facts.ready, facts.cores, facts.memory_bytes) == (True, 4, 1024)


def test_a_node_that_is_drained_or_down_is_not_ready() -> None:
    def ready(state: str, availability: str) -> bool:
        return parse_node(
            {
                "ID": "n",
                "Spec": {"Availability": availability},
                "Description": {},
                "Status": {"State": state},
            }
        ).ready

    assert ready("ready", "active")
    assert not ready("down", "active")
    assert not ready("ready", "drain")


def test_a_task_says_why_it_does_not_run() -> None:
    task = parse_task("web", {"NodeID": "n", "Status": {"State": "rejected", "Err": "No image"}})

    assert task == Task(service="web", state="rejected", error="No image", node="n", container="")


def test_an_engine_is_named_only_where_it_is_not_the_environments() -> None:
    assert docker_argv(None, "ps") == ("docker", "ps")
    assert update_argv(["c"], cpus=0.5, cores=(1,), host=URL) == (
        *("docker", "--host", URL, "update", "--cpus=0.5", "--cpuset-cpus=1", "c"),
    )


def test_the_environment_points_at_an_engine_in_a_block_only(monkeypatch: Any) -> None:
    monkeypatch.setenv(HOST, "ssh://manager")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")

    with pointed_at(URL):
        inside = (os.environ[HOST], os.environ.get("DOCKER_CONTEXT"))

    assert inside == (URL, None)
    assert (os.environ[HOST], os.environ["DOCKER_CONTEXT"]) == ("ssh://manager", "other")


TLS = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certificates"}


@pytest.fixture
def _with_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOST, "tcp://manager:2376")
    for name, value in TLS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_with_certificates")
@pytest.mark.parametrize(
    ("address", "inside"), [(URL, {}), ("ssh://node2", {}), ("tcp://node2:2376", TLS)]
)
def test_certificates_are_for_engines_by_tcp_only(address: str, inside: dict[str, str]) -> None:
    """Some versions of ``docker`` speak TLS to the socket, which answers in plain text."""
    with pointed_at(address):
        assert {name: os.environ[name] for name in TLS if name in os.environ} == inside

    assert {name: os.environ.get(name) for name in TLS} == TLS


@pytest.mark.usefixtures("_with_certificates")
@pytest.mark.parametrize(
    ("address", "inside"), [(URL, {}), ("ssh://node2", {}), ("tcp://node2:2376", TLS)]
)
def test_a_command_for_one_engine_has_certificates_by_tcp_only(
    address: str, inside: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\necho "$*"\nenv\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    words, *variables = proc.run(docker_argv(address, "ps")).stdout.splitlines()

    assert words == f"--host {address} ps"
    assert {line for line in variables if line.partition("=")[0] in {HOST, *TLS}} == {
        "DOCKER_HOST=tcp://manager:2376",
        *(f"{name}={value}" for name, value in inside.items()),
    }


def test_a_nodes_clock_is_compared_by_the_shortest_round_trip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started_s, ahead_s = 1_800_000_000.0, 3.25
    now = [started_s]
    ways = iter([(0.4, 0.0), (0.01, 0.01), (0.3, 0.1), (0.2, 0.2), (0.5, 0.1)])

    class Node(NodeEngine):
        def __init__(self) -> None:
            """Speak with nobody."""

        def facts(self) -> dict[str, Any]:
            there, back = next(ways)
            now[0] += there
            at = datetime.fromtimestamp(now[0] + ahead_s, UTC)
            now[0] += back
            return {"SystemTime": at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"}

    monkeypatch.setattr("loadtests.tools.docker.swarm.proc.now_s", lambda: now[0])

    assert Node().clock_offset_s() == pytest.approx(ahead_s, abs=1e-4)
