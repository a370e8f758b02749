from collections.abc import Sequence
from typing import Any

import pytest

from loadtests.environments.swarm import nodes
from loadtests.environments.swarm.node_counters import NodeCounters, may_look
from loadtests.model.errors import ProcessFailure
from loadtests.model.stack import HostReading
from loadtests.tools import host, proc
from loadtests.tools.procfs import network
from loadtests.tools.procfs.network import Tcp
from tests.loadtests.environments.test_counters import a_container
from tests.loadtests.planning.test_swarm_placement import a_node
from tests.loadtests.tools.test_procfs_network import NETSTAT, SNMP

STAT = """cpu 9 9 9 9 9 9 9 9 0 0
cpu0 100 0 100 1000 0 0 0 50 0 0
cpu1 300 0 0 1000 0 0 0 0 0 0
"""

HERE = a_node(1, engine="unix:///run/1.sock")
THERE = a_node(2, cores=2)
AT = {
    "gthread-1": (HERE, a_container("gthread", pid=11)),
    "gthread-2": (THERE, a_container("gthread", number=2, pid=12)),
    "proxy": (THERE, a_container("proxy", pid=13)),
}


@pytest.fixture(autouse=True)
def _shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process ids from 10 to 99 are containers' of this machine."""
    monkeypatch.setattr(nodes, "is_of", lambda pid, _: 10 <= pid < 100)


MACHINE = HostReading(at_s=1000.0, busy_s=1.0, steal_s=0.0, idle_s=30.0, cores=4)


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "read_host", lambda cores: MACHINE if len(cores) == 4 else None)


@pytest.fixture
def argvs(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    seen: list[Sequence[str]] = []

    def run(argv: Sequence[str], **_: Any) -> proc.Completed:
        seen.append(argv)
        return proc.Completed(argv=tuple(argv), code=0, stdout=STAT + SNMP + NETSTAT, stderr="")

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(
        network, "tcp_of", lambda pid: Tcp(segments=pid, retransmitted=0, timeouts=0)
    )
    return seen


def test_members_here_are_read_and_a_program_looks_at_what_the_trial_has_elsewhere(
    argvs: list[Sequence[str]],
) -> None:
    """One member of ours, and the replica that is loaded; the other one is left alone."""
    seen = NodeCounters(AT, every_replica=True).read(["gthread-1"])

    assert [(each.member, each.segments) for each in seen.network] == [
        ("gthread-1", 11),
        ("proxy", 1020),
    ]
    here, node = seen.nodes
    assert (here.node, here.here, here.host) == ("n1", True, MACHINE)
    assert (node.node, node.here, node.host.cores) == ("n2", False, 2)
    assert node.host.idle_s == pytest.approx(20.0)
    (argv,) = argvs
    assert argv[:3] == ("docker", "--host", "ssh://n2")
    assert argv[-4:] == ("cat", "/proc/stat", "/proc/net/snmp", "/proc/net/netstat")


def test_each_replica_that_is_loaded_elsewhere_is_read(argvs: list[Sequence[str]]) -> None:
    three = {**AT, "gthread-3": (THERE, a_container("gthread", number=3, pid=14))}

    seen = NodeCounters(three, every_replica=True).read(["gthread-2", "gthread-3"])

    assert [each.member for each in seen.network][1:] == ["proxy", "gthread-2", "gthread-3"]
    assert [each.node for each in seen.nodes] == ["n1", "n2"]
    assert len(argvs) == 3


def test_small_replicas_are_left_alone_also_on_a_node_without_ours(
    argvs: list[Sequence[str]],
) -> None:
    at = {**AT, **{f"gthread-{n}": (a_node(3), a_container("gthread", number=n)) for n in (4, 5)}}

    seen = NodeCounters(at, every_replica=False).read(["gthread-2", "gthread-5", "gthread-4"])

    assert [each.member for each in seen.network][1:] == ["proxy"]
    assert [each.node for each in seen.nodes] == ["n1", "n2"]
    assert len(argvs) == 1


def test_a_node_with_a_further_generator_alone_is_looked_at(argvs: list[Sequence[str]]) -> None:
    at = {**AT, "generator:2": (a_node(3), a_container("generator", number=2))}

    seen = NodeCounters(at, every_replica=False).read(["gthread-2"])

    assert [each.node for each in seen.nodes] == ["n1", "n2", "n3"]
    assert "generator:2" in {each.member for each in seen.network}
    assert len(argvs) == 2


@pytest.mark.parametrize(("cpus", "may"), [(None, True), (0.4, True), (0.35, False), (0.1, False)])
def test_a_look_takes_at_most_a_fiftieth_of_what_a_replica_may_use(
    cpus: float | None, *, may: bool
) -> None:
    assert may_look(cpus, 2.5) is may


def test_where_all_nodes_are_here_the_stack_reads_the_machine_itself() -> None:
    both = {
        name: (a_node(number, engine=f"unix:///run/{number}.sock"), a_container(name, pid=11))
        for number, name in enumerate(("gthread", "proxy"), start=1)
    }

    assert NodeCounters(both, every_replica=True).read([]).nodes == ()


def test_a_socket_that_leads_to_another_machine_is_a_node_elsewhere(
    argvs: list[Sequence[str]],
) -> None:
    """Its process ids are those of other programs here, or of none."""
    at = {"gthread-1": (HERE, a_container("gthread", pid=4711))}

    seen = NodeCounters(at, every_replica=True).read(["gthread-1"])

    assert [each.segments for each in seen.network] == [1020]
    assert [(each.node, each.here) for each in seen.nodes] == [("n1", False)]
    assert argvs[0][:3] == ("docker", "--host", "unix:///run/1.sock")


def test_a_node_that_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> proc.Completed:
        raise ProcessFailure("it hangs")

    monkeypatch.setattr(proc, "run", fail)
    elsewhere = {name: at for name, at in AT.items() if at[0] is THERE}

    seen = NodeCounters(elsewhere, every_replica=True).read(["gthread-2"])

    assert (seen.network, seen.nodes) == ((), ())
