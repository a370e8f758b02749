from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from loadtests.environments import owner
from loadtests.environments.swarm import nodes
from loadtests.environments.swarm.backend import bring_images, check_machines
from loadtests.environments.swarm.nodes import Cluster
from loadtests.environments.swarm.stacks import ServiceStack
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc
from loadtests.tools.docker import transfer
from tests.loadtests.builders import make_budget, make_plan
from tests.loadtests.environments.swarm.fake_node import FakeNode, a_cluster
from tests.loadtests.environments.swarm.test_orders import orders
from tests.loadtests.environments.test_counters import a_container

OWN = "the boot id of this machine"
LOCAL, TUNNEL, FAR = "unix:///run/1.sock", "unix:///tmp/tunnel.sock", "ssh://far"
FURTHER = "ssh://further"


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The boot ids by the engines' addresses; no process of a container is seen here."""
    known = {LOCAL: OWN, TUNNEL: "another", FAR: "another"}

    def run(argv: Sequence[str], **_: Any) -> proc.Completed:
        address = argv[argv.index("--host") + 1]
        return proc.Completed(argv=tuple(argv), code=0, stdout=f"{known[address]}\n", stderr="")

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(owner, "boot_id", lambda: OWN)
    monkeypatch.setattr(nodes, "is_of", lambda *_: False)
    return known


def a_stack(*addresses: str, hosts: Sequence[str] = ()) -> ServiceStack:
    fakes = [
        FakeNode(f"n{number}", address, a_container("gthread", number=number))
        for number, address in enumerate(addresses, start=1)
    ]
    cluster = a_cluster(*fakes)
    named = zip(cluster.nodes, hosts or ["here"] * len(addresses), strict=True)
    return ServiceStack(
        cluster=replace(cluster, nodes=tuple(replace(node, host=host) for node, host in named)),
        name="twfs-1",
    )


@pytest.mark.usefixtures("boots")
def test_several_engines_on_this_machine_are_right_behind_their_sockets(
    boots: dict[str, str],
) -> None:
    boots["unix:///run/2.sock"] = OWN

    check_machines(a_stack(LOCAL, "unix:///run/2.sock"), make_plan())
    check_machines(a_stack(LOCAL, FAR, hosts=("here", "far")), make_plan())


@pytest.mark.usefixtures("boots")
@pytest.mark.parametrize("addresses", [(TUNNEL,), (LOCAL, TUNNEL)])
def test_an_engine_behind_a_local_socket_that_is_elsewhere_is_refused(
    addresses: tuple[str, ...],
) -> None:
    plan = make_plan(budget=make_budget(replica_cpus=None))

    with pytest.raises(EnvironmentFailure, match=r"tunnel\.sock is not on this machine.*ssh://"):
        check_machines(a_stack(*addresses), plan)


@pytest.mark.usefixtures("boots")
def test_where_this_machine_has_no_boot_id_the_engines_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, "boot_id", lambda: "")

    check_machines(a_stack(TUNNEL), make_plan())
    with pytest.raises(EnvironmentFailure, match="is not on this machine"):
        check_machines(a_stack(LOCAL, TUNNEL), make_plan())


@pytest.mark.usefixtures("boots")
def test_an_engine_whose_processes_are_seen_is_here_whatever_its_boot_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nodes, "is_of", lambda *_: True)

    check_machines(a_stack(TUNNEL), make_plan())


def test_nodes_of_two_names_on_one_machine_are_refused(boots: dict[str, str]) -> None:
    boots[FAR] = OWN
    stack = a_stack(LOCAL, FAR, hosts=("here", "far"))

    with pytest.raises(EnvironmentFailure, match="The nodes at here and far are one machine"):
        check_machines(stack, make_plan())
    check_machines(stack, make_plan(budget=make_budget(replica_cpus=None)))


@pytest.mark.parametrize("addresses", [(LOCAL, FAR), (FAR, LOCAL), (FAR, FURTHER)])
def test_two_machines_of_one_name_are_refused(
    boots: dict[str, str], addresses: tuple[str, ...]
) -> None:
    boots[FURTHER] = "further boot"
    plan = make_plan(budget=make_budget(replica_cpus=None))

    with pytest.raises(
        EnvironmentFailure, match=r"The nodes n1 and n2 are two machines .* both are called here"
    ):
        check_machines(a_stack(*addresses), plan)


# -- images ------------------------------------------------------------------------------------


class Engine:
    """A node's engine without images."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.named: list[str] = []

    def image_id(self, image: str) -> str | None:
        return None

    def name_image(self, image: str) -> None:
        self.named.append(image)


@pytest.mark.parametrize("in_registry", [True, False])
def test_only_what_may_be_in_a_registry_is_pulled_and_all_else_is_copied(
    monkeypatch: pytest.MonkeyPatch, *, in_registry: bool
) -> None:
    made = orders(make_plan(replica_counts=(1, 2)))
    used = {made.placement.node_of[member].id: member for member in made.placement.node_of}
    fakes = {node: Engine(f"ssh://{node}") for node in used}
    cluster = Cluster(
        nodes=made.placement.nodes, engines=cast("Any", fakes), manager_id=next(iter(fakes))
    )
    pulled: list[str] = []
    copied: list[str] = []

    def pull(image: str, *_: Any) -> bool:
        pulled.append(image)
        return in_registry

    monkeypatch.setattr(transfer, "pull_image", pull)
    monkeypatch.setattr(transfer, "copy_image", lambda image, *_: copied.append(image))

    bring_images(made, cluster, "builder", print, published={"sha256:app"})

    assert set(pulled) == {"sha256:app"}
    assert ("sha256:app" in copied) is not in_registry
    assert {"sha256:proxy", "sha256:generator"} <= set(copied)
    assert {image for fake in fakes.values() for image in fake.named} == {
        *("sha256:app", "sha256:proxy", "sha256:generator"),
    }
