import socket
import sys
from contextlib import closing

import pytest

from loadtests.environments.processes import addresses
from loadtests.model.errors import EnvironmentFailure, UsageError

NAMES = ("gthread-1", "gthread-2", "sync-1")

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8")


@linux
def test_each_replica_has_an_address_of_its_own_and_the_port_of_all() -> None:
    places = addresses.assign(NAMES, proxy_ports=(), many=True)

    hosts, ports = zip(*(place.split(":") for place in places.replicas.values()), strict=True)
    assert tuple(places.replicas) == NAMES
    assert len({*hosts, places.proxy_host}) == 4
    assert len(set(ports)) == 1
    assert all(host.startswith("127.") for host in (*hosts, places.proxy_host))


def test_with_one_address_each_replica_has_a_port_of_its_own() -> None:
    places = addresses.assign(NAMES, proxy_ports=(), many=False)

    assert places.proxy_host == "127.0.0.1"
    assert len(set(places.replicas.values())) == 3
    assert all(place.startswith("127.0.0.1:") for place in places.replicas.values())


@linux
def test_a_common_port_that_one_holds_on_all_addresses_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(addresses, "FIRST_PORT", port)
        places = addresses.assign(NAMES, proxy_ports=(), many=True)

    assert int(places.replicas["sync-1"].split(":")[1]) > port


@pytest.mark.parametrize("many", [pytest.param(True, marks=linux), False])
def test_a_taken_port_of_the_proxy_is_named_with_the_way_to_find_who_has_it(many: bool) -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"needs port {port}.*sport = :{port}"):
            addresses.assign(NAMES, proxy_ports=(port,), many=many)


@linux
def test_a_port_that_is_asked_for_is_that_of_all_replicas() -> None:
    port = next(port for port in range(20000, 20100) if addresses.is_free("0.0.0.0", port))

    places = addresses.assign(NAMES, proxy_ports=(), port=port, many=True)

    assert {place.split(":")[1] for place in places.replicas.values()} == {str(port)}


@linux
def test_a_port_that_is_asked_for_and_taken_is_named_with_the_way_to_find_who_has_it() -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"Port {port} is taken.*sport = :{port}"):
            addresses.assign(NAMES, proxy_ports=(), port=port, many=True)


@linux
def test_a_port_that_only_root_may_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)

    with pytest.raises(UsageError, match=r"Only root may listen on ports below 1024.*--port is 80"):
        addresses.assign(NAMES, proxy_ports=(), port=80, many=True)


@linux
def test_one_replica_more_gets_the_next_address_and_the_same_port() -> None:
    places = addresses.assign(NAMES, proxy_ports=(), many=True)

    host, port = addresses.beside(places).split(":")

    last_host, last_port = places.replicas["sync-1"].split(":")
    assert port == last_port
    assert int(host.rpartition(".")[2]) == int(last_host.rpartition(".")[2]) + 1


def test_with_one_address_it_gets_a_free_port() -> None:
    places = addresses.assign(NAMES, proxy_ports=(), many=False)

    further = addresses.beside(places)

    assert further.startswith("127.0.0.1:")
    assert further not in places.replicas.values()


def test_a_single_replica_with_one_address_leaves_its_port_to_itself() -> None:
    places = addresses.assign(NAMES[:1], proxy_ports=(), many=False)

    host, port = addresses.beside(places).split(":")

    assert host == "127.0.0.1"
    assert port != places.replicas[NAMES[0]].split(":")[1]
