import pytest

from loadtests.environments.compose.tested.start.ports import (
    Sockets,
    in_order,
    note_on,
    only_loopback,
    perhaps_only_ipv6,
    sockets_of,
)
from loadtests.tools.procfs import Listener

OVER_IPV6 = "on an address of IPv6; if that takes no IPv4, bind 0.0.0.0."


def test_the_engines_name_server_does_not_count() -> None:
    listeners = [
        Listener(port=5000, address="127.0.0.1"),
        Listener(port=8000, address="0.0.0.0"),
        Listener(port=8000, address="127.0.0.1"),
        Listener(port=9090, address="::"),
        Listener(port=44205, address="127.0.0.11"),
    ]

    sockets = sockets_of(listeners)

    assert sockets == Sockets(ports=(8000, 9090), loopback=(listeners[0],), ipv6=(9090,))
    assert str(sockets) == "port 8000, port 9090, 127.0.0.1:5000"
    assert str(sockets_of(())) == "no TCP port"


def test_declared_ports_are_asked_first() -> None:
    assert in_order((5000, 8000, 9000), (9000,)) == (9000, 5000, 8000)


@pytest.mark.parametrize(
    ("port", "declared", "others", "note"),
    [
        (8000, (8000,), (), None),
        (8000, (), (), None),
        (
            8000,
            (5000,),
            (),
            "Port 8000 is used, since it is what listens; 5000 is declared (EXPOSE or ports).",
        ),
        (
            8000,
            (80, 443),
            (9090,),
            "Port 8000 is used, since it is what listens; 80, 443 are declared (EXPOSE or ports)."
            " It also listens on 9090.",
        ),
        (
            8000,
            (),
            (9090,),
            "Port 8000 is used, since it answers over HTTP. It also listens on 9090.",
        ),
    ],
)
def test_a_port_that_nobody_expects_is_told(
    port: int, declared: tuple[int, ...], others: tuple[int, ...], note: str | None
) -> None:
    assert note_on(port, declared, others) == note


def test_an_address_that_nobody_reaches_is_told_with_the_remedy() -> None:
    sockets = sockets_of([Listener(port=5000, address="127.0.0.1")])

    assert only_loopback(sockets).startswith(
        "listens on 127.0.0.1:5000, which nothing outside of its container reaches; bind 0.0.0.0"
    )


ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"


@pytest.mark.parametrize(
    ("listeners", "said"),
    [
        (
            ((8000, ANY_IPV6),),
            f" It listens {OVER_IPV6}",
        ),
        (
            ((8000, "fd00::1"),),
            f" It listens {OVER_IPV6}",
        ),
        (
            ((8000, ANY_IPV6), (9000, ANY_IPV4)),
            f" Port 8000 is {OVER_IPV6}",
        ),
        (((8000, ANY_IPV6), (8000, ANY_IPV4)), ""),
        (((8000, ANY_IPV6), (8000, "172.18.0.2")), ""),
        (((8000, "::1"),), ""),
        ((), ""),
    ],
)
def test_ports_that_only_ipv6_may_reach_are_told(
    listeners: tuple[tuple[int, str], ...], said: str
) -> None:
    sockets = sockets_of([Listener(port=port, address=address) for port, address in listeners])

    assert perhaps_only_ipv6(sockets) == said
