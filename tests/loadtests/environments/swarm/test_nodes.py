import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.swarm import backend, nodes
from loadtests.environments.swarm.nodes import machine_of, opened
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.tested.swarm import SwarmAccess
from loadtests.model.tested.target import SAMPLE
from loadtests.tools import proc
from loadtests.tools.docker import connection, contexts
from loadtests.tools.docker.swarm import NodeFacts
from tests.loadtests.environments.swarm.fake_node import FakeNode

MANAGER = "ssh://one"


def facts_of(name: str, **fields: Any) -> NodeFacts:
    defaults: dict[str, Any] = {
        "id": f"id of {name}",
        "hostname": name,
        "role": "",
        "ready": True,
        "cores": 4,
        "memory_bytes": 2**33,
    }
    return NodeFacts(**defaults | fields)


class Swarm:
    """Engines by their addresses; the first manages."""

    def __init__(self) -> None:
        self.engines = {f"ssh://{name}": FakeNode(name, f"ssh://{name}") for name in ("one", "two")}
        self.manager = self.engines[MANAGER]
        self.manager.manages = True
        self.manager.known = [facts_of("one"), facts_of("two"), facts_of("three")]

    def __call__(self, address: str) -> FakeNode:
        if address not in self.engines:
            raise EnvironmentFailure(f"No Docker engine answers at {address}.")
        return self.engines[address]


@pytest.fixture(autouse=True)
def swarm(monkeypatch: pytest.MonkeyPatch) -> Swarm:
    made = Swarm()
    monkeypatch.setattr(nodes, "NodeEngine", made)
    monkeypatch.setenv("DOCKER_HOST", MANAGER)
    return made


def test_the_named_nodes_and_the_manager_take_part_and_others_are_told() -> None:
    with opened(SwarmAccess(nodes={"second": "ssh://two"})) as cluster:
        assert [node.name for node in cluster.nodes] == ["one", "second"]
        assert [node.host for node in cluster.nodes] == ["one", "two"]
        (note,) = cluster.notes

    assert "three" in note
    assert "take no part" in note


def test_the_manager_may_have_a_name_of_the_users() -> None:
    with opened(SwarmAccess(nodes={"first": MANAGER, "second": "ssh://two"})) as cluster:
        assert [node.name for node in cluster.nodes] == ["first", "second"]


def test_an_engine_of_another_swarm_is_refused(swarm: Swarm) -> None:
    swarm.engines["ssh://two"].node_id = "id of a stranger"

    with (
        pytest.raises(UsageError, match="calls second, is not in the manager's Swarm"),
        opened(SwarmAccess(nodes={"second": "ssh://two"})),
    ):
        pass


def test_one_node_under_two_names_is_refused() -> None:
    with (
        pytest.raises(UsageError, match="b and c are the same"),
        opened(SwarmAccess(nodes={"b": "ssh://two", "c": "ssh://two"})),
    ):
        pass


def test_a_node_that_takes_no_tasks_is_refused_with_its_name(swarm: Swarm) -> None:
    swarm.manager.known[1] = facts_of("two", ready=False)

    with (
        pytest.raises(EnvironmentFailure, match="The node second takes no tasks"),
        opened(SwarmAccess(nodes={"second": "ssh://two"})),
    ):
        pass


def test_a_worker_is_no_manager(swarm: Swarm) -> None:
    swarm.manager.manages = False

    with (
        pytest.raises(EnvironmentFailure, match="is a worker of its Swarm"),
        opened(SwarmAccess()),
    ):
        pass


def test_cores_of_several_machines_add_up_and_those_of_one_do_not(swarm: Swarm) -> None:
    with opened(SwarmAccess(nodes={"second": "ssh://two"})) as cluster:
        assert machine_of(cluster).cores == 8
    swarm.manager.known[1] = facts_of("two", hostname="one")
    with opened(SwarmAccess(nodes={"second": "ssh://two"})) as cluster:
        assert machine_of(cluster).cores == 4
        assert len(machine_of(cluster).nodes) == 2


def pis(swarm: Swarm, **addresses: dict[str, Any]) -> SwarmAccess:
    """Let nodes of one host name have engines with these facts; return their names in the file."""
    named = {}
    for name, facts in addresses.items():
        address = facts.pop("address")
        fake = FakeNode(name, address, info={"MemTotal": 2**32, "KernelVersion": "6.6"} | facts)
        swarm.engines[address] = fake
        named[name] = address
        swarm.manager.known.append(facts_of(name, hostname="raspberrypi"))
    return SwarmAccess(nodes=named)


ROOT = {"DockerRootDir": "/var/lib/docker"}


def test_machines_of_one_host_name_have_their_own_cores(swarm: Swarm) -> None:
    access = pis(
        swarm,
        a=ROOT | {"address": "tcp://10.0.0.2:2375"},
        b=ROOT | {"address": "ssh://pi@10.0.0.3"},
        c=ROOT | {"address": "tcp://[fd00::4]:2375"},
    )

    with opened(access) as cluster:
        assert [node.host for node in cluster.nodes] == [
            "one",
            "raspberrypi (10.0.0.2)",
            "raspberrypi (10.0.0.3)",
            "raspberrypi (fd00::4)",
        ]
        assert machine_of(cluster).cores == 16


def test_machines_behind_the_ports_of_one_address_are_told_apart_by_the_ports(
    swarm: Swarm,
) -> None:
    access = pis(
        swarm,
        a=ROOT | {"address": "tcp://10.0.0.1:2375"},
        b=ROOT | {"address": "tcp://10.0.0.1:2376"},
    )

    with opened(access) as cluster:
        assert [node.host for node in cluster.nodes][1:] == [
            "raspberrypi (10.0.0.1:2375)",
            "raspberrypi (10.0.0.1:2376)",
        ]


def test_engines_of_one_machine_in_networks_of_their_own_are_one_machine(swarm: Swarm) -> None:
    """Each keeps its data somewhere else, which two engines of one machine have to."""
    access = pis(
        swarm,
        a={"DockerRootDir": "/var/tmp/1", "address": "tcp://10.77.0.11:2375"},
        b={"DockerRootDir": "/var/tmp/2", "address": "tcp://10.77.0.12:2375"},
        c={"DockerRootDir": "/var/tmp/3", "MemTotal": 2**33, "address": "tcp://10.77.0.13:2375"},
    )

    with opened(access) as cluster:
        hosts = [node.host for node in cluster.nodes][1:]

    assert hosts[0] == hosts[1] == "raspberrypi (10.77.0.11)"
    assert hosts[2] == "raspberrypi (10.77.0.13)"  # it has another memory


def test_sockets_of_this_machine_are_one_and_another_one_of_its_name_is_none(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "raspberrypi")
    access = pis(
        swarm,
        a=ROOT | {"address": "unix:///run/1.sock"},
        b={"DockerRootDir": "/var/tmp/2", "address": "unix:///run/2.sock"},
        c=ROOT | {"address": "tcp://10.0.0.2:2375"},
    )

    with opened(access) as cluster:
        hosts = [node.host for node in cluster.nodes][1:]

    assert hosts == ["raspberrypi", "raspberrypi", "raspberrypi (10.0.0.2)"]


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("unix:///run/x.sock", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://10.0.0.7:2375", False),
        ("ssh://two", False),
    ],
)
def test_an_address_says_whether_the_engine_is_on_this_machine(address: str, here: bool) -> None:
    assert nodes.is_here(address) is here


def test_a_manager_that_takes_no_tasks_only_gives_orders(swarm: Swarm) -> None:
    swarm.manager.known[0] = facts_of("one", ready=False)

    with opened(SwarmAccess(nodes={"first": MANAGER, "second": "ssh://two"})) as cluster:
        assert [node.name for node in cluster.nodes] == ["second"]
        assert cluster.manager.host == MANAGER
        assert machine_of(cluster).cores == 4
        assert cluster.notes[0].startswith("The manager first takes no tasks")


def test_a_manager_that_takes_no_tasks_needs_other_nodes(swarm: Swarm) -> None:
    swarm.manager.known[0] = facts_of("one", ready=False)

    with (
        pytest.raises(EnvironmentFailure, match="No node of the Swarm can have anything"),
        opened(SwarmAccess()),
    ):
        pass


ARM, INTEL = {"Architecture": "aarch64"}, {"Architecture": "x86_64"}


def of_processors(
    swarm: Swarm, *, local: dict[str, str] | None, manager: dict[str, str], node: dict[str, str]
) -> SwarmAccess:
    """Give this machine's engine, if it has one, the drained manager and the node processors."""
    swarm.manager.known[0] = facts_of("one", ready=False)
    swarm.manager.info = dict(manager)
    swarm.engines["ssh://two"].info = dict(node)
    if local is not None:
        swarm.engines[connection.SOCKET] = FakeNode("local", connection.SOCKET, info=local)
    return SwarmAccess(nodes={"second": "ssh://two"})


@pytest.mark.parametrize(
    ("local", "manager", "node", "builder"),
    [
        (INTEL, INTEL, INTEL, connection.SOCKET),
        (None, INTEL, INTEL, MANAGER),
        (INTEL, ARM, ARM, MANAGER),
        (ARM, INTEL, ARM, connection.SOCKET),
        (INTEL, INTEL, ARM, "ssh://two"),
        (None, INTEL, ARM, "ssh://two"),
    ],
)
def test_images_are_built_for_the_nodes_and_not_for_a_manager_without_tasks(
    swarm: Swarm,
    local: dict[str, str] | None,
    manager: dict[str, str],
    node: dict[str, str],
    builder: str,
) -> None:
    access = of_processors(swarm, local=local, manager=manager, node=node)

    with opened(access) as cluster:
        nodes.check_architectures(cluster)
        assert nodes.builder_of(access, cluster) == builder


def test_nodes_of_different_processors_are_refused_with_their_names(swarm: Swarm) -> None:
    swarm.engines["ssh://two"].info = dict(ARM)
    tested = replace(SAMPLE, swarm=SwarmAccess(nodes={"second": "ssh://two"}))

    with pytest.raises(
        EnvironmentFailure, match=r"different processors: one \(x86_64\), second \(aarch64\)"
    ):
        backend.choose(Path(), tested)


def a_docker(monkeypatch: pytest.MonkeyPatch, inspected: proc.Completed) -> None:
    """Let a variable name the context ``far``, of which ``docker`` says this."""
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    monkeypatch.setattr(proc, "run", lambda *_, **__: inspected)
    contexts._inspected.cache_clear()


def a_context(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Let Docker have a context, and no address among the variables."""
    context = {
        "Name": "far",
        "Endpoints": {"docker": {"Host": "tcp://10.0.0.7:2376", "SkipTLSVerify": False}},
        "TLSMaterial": {},
        "Storage": {"MetadataPath": "/home/ada/.docker/meta", "TLSPath": "/home/ada/.docker/tls/a"},
    }
    text = json.dumps([context | fields])
    a_docker(monkeypatch, proc.Completed(argv=(), code=0, stdout=text, stderr=""))


def test_docker_s_context_names_the_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    a_context(monkeypatch)

    assert nodes.manager_address() == "tcp://10.0.0.7:2376"


def test_a_context_that_does_not_exist_is_not_the_local_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = 'context "far" not found\n'
    a_docker(monkeypatch, proc.Completed(argv=(), code=1, stdout="[]", stderr=said))

    with pytest.raises(EnvironmentFailure, match="'far' cannot be read: context \"far\" not found"):
        nodes.manager_address()


def test_a_context_with_certificates_is_refused_with_what_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_context(monkeypatch, TLSMaterial={"docker": ["ca.pem", "cert.pem", "key.pem"]})

    with pytest.raises(EnvironmentFailure, match=r"context 'far' .* with certificates") as refused:
        nodes.manager_address()

    assert str(refused.value).endswith(
        "export DOCKER_HOST=tcp://10.0.0.7:2376 DOCKER_TLS_VERIFY=1"
        " DOCKER_CERT_PATH=/home/ada/.docker/tls/a/docker"
    )
