from collections.abc import Sequence
from typing import Any

import pytest

from loadtests.environments.swarm.node_counters import NodeCounters
from loadtests.model.errors import ProcessFailure
from loadtests.tools import proc
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


def test_members_here_are_read_and_one_program_looks_at_a_node_elsewhere(
    argvs: list[Sequence[str]],
) -> None:
    seen = NodeCounters(AT).read()

    assert [(each.member, each.segments) for each in seen.network] == [
        ("gthread-1", 11),
        ("proxy", 1020),
    ]
    (node,) = seen.nodes
    assert (node.node, node.host.cores) == ("n2", 2)
    assert node.host.idle_s == pytest.approx(20.0)
    (argv,) = argvs
    assert argv[:3] == ("docker", "--host", "ssh://n2")
    assert argv[-4:] == ("cat", "/proc/stat", "/proc/net/snmp", "/proc/net/netstat")


def test_a_node_that_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> proc.Completed:
        raise ProcessFailure("it hangs")

    monkeypatch.setattr(proc, "run", fail)
    elsewhere = {name: at for name, at in AT.items() if at[0] is THERE}

    seen = NodeCounters(elsewhere).read()

    assert (seen.network, seen.nodes) == ((), ())
