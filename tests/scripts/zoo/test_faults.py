import os

import pytest

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import nginx
from scripts.zoo.faults import hold, leave_one_out, weighted
from tests.checkout import CHECKOUT

TEMPLATE = CHECKOUT / "compose/nginx.conf.j2"
ALONE, BOTH = ("127.0.0.2:8000",), ("127.0.0.2:8000", "127.0.0.3:8000")


def a_configuration(*groups: tuple[str, ...]) -> str:
    servers = [
        nginx.ServerBlock(port=9001 + number, members=members)
        for number, members in enumerate(groups)
    ]
    return nginx.render(TEMPLATE.read_text(), servers, status_port=9000, folder="/x")


def servers_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("server 1")]


def test_one_replica_is_left_out_where_there_are_several() -> None:
    found = servers_of(leave_one_out(a_configuration(ALONE, BOTH)))

    assert found == ["server 127.0.0.2:8000 max_fails=0;"] * 2


def test_weights_are_given_where_there_are_several() -> None:
    found = servers_of(weighted((3, 1))(a_configuration(ALONE, BOTH)))

    assert found == [
        "server 127.0.0.2:8000 max_fails=0;",
        "server 127.0.0.2:8000 max_fails=0 weight=3;",
        "server 127.0.0.3:8000 max_fails=0 weight=1;",
    ]


def test_nothing_else_of_the_proxy_changes() -> None:
    before = a_configuration(ALONE)

    assert weighted((3, 1))(before) == before
    assert leave_one_out(before) == before


def test_only_a_group_of_its_own_is_held() -> None:
    """Or the harness would hold itself, and everybody else in its group."""
    with pytest.raises(EnvironmentFailure, match="no control group of its own"):
        hold(os.getpid(), 0.05)
