"""To whom processes are connected."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from loadtests.tools import procfs
from loadtests.tools.procfs import connections

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr when retrnsmt uid timeout inode
   0: 0200000A:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1
   1: 0200000A:D431 0300000A:1538 01 00000000:00000000 00:00000000 00000000     0        0 12 1
   2: 0200000A:D432 0400000A:1538 06 00000000:00000000 03:00000000 00000000     0        0 0 3
"""

ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
)
"""As in a container: 172.18.0.0/16 is its own network, and 172.18.0.1 leads to all others."""

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the tables are of such one")


@little_endian
def test_only_a_connection_that_stands_counts() -> None:
    assert connections.established(TCP) == (("socket:[12]", ("10.0.0.3", 5432)),)


@little_endian
def test_an_address_behind_a_gateway_is_not_on_the_link() -> None:
    assert connections.on_link(ROUTES, "172.18.0.2")
    assert not connections.on_link(ROUTES, "10.0.0.3")
    assert not connections.on_link("", "10.0.0.3")


def test_a_process_s_own_connections_are_told_and_not_those_of_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert ("127.0.0.1", port) in connections.peers_of(os.getpid())
            assert ("127.0.0.1", port) not in connections.peers_of(os.getppid())
    assert connections.peers_of(2**22 + 1) == frozenset()


@little_endian
@pytest.mark.parametrize(
    ("address", "same"),
    [("127.0.0.1", False), ("::1", False), ("172.18.0.2", False), ("10.0.0.3", True)],
)
def test_an_address_of_another_network_may_lead_elsewhere_from_here(
    monkeypatch: pytest.MonkeyPatch, address: str, same: bool
) -> None:
    here = ROUTES.splitlines(keepends=True)[0]
    monkeypatch.setattr(procfs, "network_of", lambda pid: f"net:{pid}")
    monkeypatch.setattr(connections, "_read", lambda pid, _: here if pid == "self" else ROUTES)

    assert connections.is_same_from_here(7, address) is same


@little_endian
def test_a_network_that_this_machine_is_in_too_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(procfs, "network_of", lambda pid: f"net:{pid}")
    monkeypatch.setattr(connections, "_read", lambda *_: ROUTES)

    assert connections.is_same_from_here(7, "172.18.0.2")


UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 21 /var/run/postgresql/.s.PGSQL.5432
0000000000000000: 00000003 00000000 00000000 0001 03 22 /var/run/postgresql/.s.PGSQL.5432
0000000000000000: 00000003 00000000 00000000 0001 03 23
"""


def test_a_connection_to_a_local_socket_has_its_path_on_the_servers_side() -> None:
    path = "/var/run/postgresql/.s.PGSQL.5432"

    assert list(connections.sockets_connected(UNIX)) == [("22", path), ("23", "")]
    assert list(connections.sockets_connected("")) == []


@pytest.mark.parametrize(
    ("own", "table", "path", "connected"),
    [
        ("socket:[23]", UNIX, "/var/run/postgresql/.s.PGSQL.5432", True),
        ("socket:[23]", UNIX, "/run/postgresql/.s.PGSQL.5432", True),
        ("socket:[23]", UNIX, "/run/postgresql/.s.PGSQL.5433", False),
        ("socket:[22]", UNIX, "/run/postgresql/.s.PGSQL.5432", False),
        ("socket:[23]", UNIX.replace(" 03 22", " 02 22"), "/run/postgresql/.s.PGSQL.5432", False),
        ("socket:[23]", "", "/run/postgresql/.s.PGSQL.5432", False),
    ],
)
def test_a_process_is_connected_to_a_local_socket_by_both_sides(
    monkeypatch: pytest.MonkeyPatch, own: str, table: str, path: str, connected: bool
) -> None:
    monkeypatch.setattr(procfs, "links_of", lambda _: frozenset({own}))
    monkeypatch.setattr(connections, "_read", lambda *_: table)

    assert connections.is_connected_to_socket(7, path) is connected


def test_a_real_connection_to_a_local_socket_is_seen(tmp_path: Path) -> None:
    path = str(tmp_path / ".s.PGSQL.5432")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        assert not connections.is_connected_to_socket(os.getpid(), path)
        client.connect(path)
        with server.accept()[0]:
            assert connections.is_connected_to_socket(os.getpid(), path)


def test_a_folder_of_another_container_is_reached_through_its_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, mounts in (("7", "mnt:[2]"), ("8", "mnt:[1]"), ("self", "mnt:[1]")):
        (tmp_path / name / "ns").mkdir(parents=True)
        (tmp_path / name / "ns/mnt").symlink_to(mounts)
    monkeypatch.setattr(connections, "PROC", tmp_path)
    monkeypatch.setattr(procfs, "network_of", lambda pid: "2" if pid == 7 else "1")

    assert connections.folder_from_here(7, "/run/pg") == f"{tmp_path}/7/root/run/pg"
    assert connections.folder_from_here(8, "/run/pg") == "/run/pg"
    assert connections.folder_from_here(9, "/run/pg") is None
    assert connections.folder_from_here(7, "@pg") is None
    assert connections.folder_from_here(8, "@pg") == "@pg"


def test_a_name_that_nobody_knows_here_has_no_address() -> None:
    assert connections.addresses_of("no-such-host.invalid", 5432) == frozenset()
    assert connections.addresses_of("." * 300, 5432) == frozenset()
    assert connections.addresses_of("127.0.0.1", 5432) == {"127.0.0.1"}
