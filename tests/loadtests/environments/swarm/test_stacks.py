import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from loadtests.environments.swarm import stacks, watchdog
from loadtests.environments.swarm.counters import SwarmCounters
from loadtests.environments.swarm.stacks import NAME, ServiceStack, remains, stack_name, take_down
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, proc
from loadtests.tools.docker.swarm import NodeEngine, Task
from tests.loadtests.environments.compose.fake_engine import a_container
from tests.loadtests.environments.swarm.fake_node import FakeNode, a_cluster
from tests.loadtests.environments.swarm.test_orders import an_order_of

STACK = "twfs-00000001-00000002-3"


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[FakeNode]:
    monkeypatch.setattr(stacks, "AGAIN_S", 0.01)
    monkeypatch.setattr(stacks, "GONE_LIMIT_S", 1.0)
    monkeypatch.setattr(stacks, "PATIENCE_S", 0.2)
    one = FakeNode("one", "ssh://one", a_container("proxy"))
    two = FakeNode("two", "ssh://two", a_container("sync"))
    one.manages = True
    one.peers = [two]
    one.services = {STACK: ""}
    one.networks = {STACK: ""}
    return [one, two]


def taken_down(fakes: list[FakeNode]) -> list[str]:
    said: list[str] = []
    engines = {fake.node_id: cast("NodeEngine", fake) for fake in fakes}
    take_down(cast("NodeEngine", fakes[0]), engines, STACK, said.append)
    return said


def test_services_go_first_then_the_network_and_nothing_is_forced(fakes: list[FakeNode]) -> None:
    assert taken_down(fakes) == []

    assert fakes[0].stacks() == {}
    assert [fake.listed for fake in fakes] == [[], []]
    assert [fake.forced for fake in fakes] == [[], []]


def test_a_network_that_a_task_is_leaving_is_tried_again(fakes: list[FakeNode]) -> None:
    fakes[0].busy_network = 3

    taken_down(fakes)

    assert fakes[0].stacks() == {}


def test_a_node_that_keeps_its_containers_is_made_to_remove_them(fakes: list[FakeNode]) -> None:
    fakes[1].removes_itself = False

    taken_down(fakes)

    assert fakes[1].forced == [STACK]
    assert fakes[1].listed == []


def test_a_node_that_is_away_does_not_hold_the_others_up_and_is_told(
    fakes: list[FakeNode],
) -> None:
    fakes[1].well = False

    (told,) = taken_down(fakes)

    assert "ssh://two does not answer" in told
    assert fakes[0].stacks() == {}


def test_a_manager_that_is_gone_is_told_with_what_to_do(fakes: list[FakeNode]) -> None:
    fakes[0].well = False

    with pytest.raises(EnvironmentFailure, match=r"are still there.*Run `twofold down`"):
        taken_down(fakes)


def test_the_watchdog_sees_nothing_left_only_when_all_is_gone(fakes: list[FakeNode]) -> None:
    one, two = (cast("NodeEngine", fake) for fake in fakes)
    fakes[0].busy_network = 1

    first = watchdog.removed(one, (one, two), STACK, lambda _: None, force=True)
    second = watchdog.removed(one, (one, two), STACK, lambda _: None, force=True)

    assert (first, second) == (False, True)


def test_a_stack_of_a_process_that_lives_here_may_live() -> None:
    manager = FakeNode("one", "ssh://one")
    manager.services = {stack_name("20261128-1"): "", STACK: "", "somebody-elses": ""}

    found = {run.name: run.living for run in remains(cast("NodeEngine", manager), {})}

    assert found == {stack_name("20261128-1"): True, STACK: True}  # of another machine, too
    assert NAME.fullmatch(stack_name("20261128-1"))


def test_a_name_leaves_room_for_a_service_in_63_characters() -> None:
    assert len(f"{stack_name('x' * 60)}_{'w' * 24}-64") <= 63


def test_a_task_that_fails_ends_the_wait_with_its_log(fakes: list[FakeNode]) -> None:
    order = an_order_of("sync", 1)
    fakes[0].task_list = (
        Task(
            service=order.name,
            state="failed",
            error="task: non-zero exit (3)",
            node=fakes[1].node_id,
            container="c1",
        ),
    )
    stack = ServiceStack(cluster=a_cluster(*fakes), name=STACK)

    with pytest.raises(EnvironmentFailure) as failure:
        stack.wait_running([order])

    assert "is failed: task: non-zero exit (3)" in str(failure.value)
    assert "log of c1" in str(failure.value)


def test_containers_of_silent_nodes_are_left_out(fakes: list[FakeNode]) -> None:
    stack = ServiceStack(cluster=a_cluster(*fakes), name=STACK)
    fakes[1].well = False

    assert set(stack.containers()) == {"proxy"}


def test_a_node_that_does_not_answer_is_told_and_its_members_are_missing(
    fakes: list[FakeNode],
) -> None:
    cluster = a_cluster(*fakes)
    found = ServiceStack(cluster=cluster, name=STACK).containers()
    counters = SwarmCounters(cluster, STACK, found)
    before = counters.identities()

    fakes[1].well = False
    after = counters.identities()

    assert before["node two"] == "its engine answers"
    assert before["sync-1"].endswith("node=two")
    assert after["node two"] == "its engine does not answer"
    assert "sync-1" not in after
    assert after["proxy"] == before["proxy"]


@pytest.mark.parametrize("silent", ["at once", "later"])
def test_a_manager_that_does_not_answer_is_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    manager = FakeNode("one", "unix:///one")

    def fail(*_: object) -> None:
        raise EnvironmentFailure("No Docker engine answers (timed out).")

    monkeypatch.setattr(manager, "swarm", fail)
    monkeypatch.setattr(stacks, "manager_address", lambda: "unix:///one")
    monkeypatch.setattr(stacks, "NodeEngine", fail if silent == "at once" else lambda _: manager)

    with pytest.raises(EnvironmentFailure, match="timed out"), stacks.manager_if_any():
        pytest.fail("it is known")


def test_without_an_engine_there_is_no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> None:
        raise docker.NoEngine("No Docker engine answers.")

    monkeypatch.setattr(stacks, "manager_address", lambda: "unix:///one")
    monkeypatch.setattr(stacks, "NodeEngine", none)

    with stacks.manager_if_any() as manager:
        assert manager is None


def test_no_value_is_in_the_message_of_a_manager_that_hangs(
    fakes: list[FakeNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(argv: Sequence[str], **_: object) -> None:
        assert "SHOP_SETTINGS=a\nsecret" in argv
        raise ProcessFailure(f"`{shlex.join(argv)}` did not end in 60 s and was killed.")

    monkeypatch.setattr(proc, "run", hang)
    order = replace(an_order_of("sync", 1), env={"SHOP_SETTINGS": "a\nsecret"})
    stack = ServiceStack(cluster=a_cluster(*fakes), name=STACK)

    with pytest.raises(EnvironmentFailure, match=r"--env SHOP_SETTINGS .* did not end") as failure:
        stack.create([order])

    assert "secret" not in str(failure.value)
