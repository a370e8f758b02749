import socket
from pathlib import Path

import pytest

from loadtests.environments.external import nearness

HEAD = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"
DEFAULT = "eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0"
LAN = "eth0 0000000A 00000000 0001 0 0 0 00FFFFFF 0 0 0"
DOCKER = "br-1 000012AC 00000000 0001 0 0 0 0000FFFF 0 0 0"
"""172.18.0.0/16, as the network of kind."""


def is_here(folder: Path, address: str, *rows: str, bridges: tuple[str, ...] = ()) -> bool:
    routes = folder / "route"
    routes.write_text("\n".join((HEAD, *rows)) + "\n")
    for name in bridges:
        (folder / name / "bridge").mkdir(parents=True)
    return nearness.is_here(address, networks=folder, routes=routes)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_a_loopback_address_is_this_machines(tmp_path: Path, address: str) -> None:
    assert is_here(tmp_path, address)


def test_a_guest_on_a_bridge_of_this_machine_is_here(tmp_path: Path) -> None:
    assert is_here(tmp_path, "172.18.0.2", DEFAULT, LAN, DOCKER, bridges=("br-1",))


def test_a_neighbour_is_elsewhere(tmp_path: Path) -> None:
    assert not is_here(tmp_path, "10.0.0.77", DEFAULT, LAN, DOCKER, bridges=("br-1",))


def test_a_bridge_that_is_the_way_out_has_neighbours_and_no_guests(tmp_path: Path) -> None:
    rows = [row.replace("eth0", "br0") for row in (DEFAULT, LAN)]

    assert not is_here(tmp_path, "10.0.0.77", *rows, bridges=("br0",))


def test_what_a_router_leads_to_is_elsewhere(tmp_path: Path) -> None:
    assert not is_here(tmp_path, "198.51.100.7", DEFAULT, LAN)


def test_a_machine_without_such_files_has_its_loopback_addresses(tmp_path: Path) -> None:
    assert not nearness.is_here("198.51.100.7", networks=tmp_path, routes=tmp_path / "none")


@pytest.mark.parametrize(
    ("own", "node", "is_here"),
    [
        ("box", "box", True),
        ("Box.example.com", "box", True),
        ("box", "box.example.com", True),
        ("box.example.com", "box.example.com", True),
        ("box.example.com", "box.example.org", False),
        ("box", "box-2", False),
        ("localhost", "localhost", False),
        ("localhost.localdomain", "localhost", False),
    ],
)
def test_a_node_of_this_machines_name_is_this_machine(
    monkeypatch: pytest.MonkeyPatch, own: str, node: str, *, is_here: bool
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: own)

    assert nearness.is_this_machine(node) is is_here
