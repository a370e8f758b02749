from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file.left_out import declared_ports, left_out


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({"container_name": "shop"}, ("container_name shop",)),
        ({"ports": ["8000:8000"]}, ("ports 8000:8000",)),
        ({"ports": [{"target": 5000, "published": "8080"}]}, ("ports 8080:5000",)),
        ({"restart": "always", "labels": {"a": "b"}}, ("restart always", "labels")),
        ({"scale": 3}, ("scale 3",)),
        (
            {"deploy": {"replicas": 3, "resources": {"limits": {"cpus": 0.5, "memory": "64M"}}}},
            ("deploy.replicas 3", "deploy.resources.limits.cpus 0.5"),
        ),
        (
            {"gpus": "all", "deploy": {"resources": {"reservations": {"memory": "64M"}}}},
            ("deploy.resources.reservations.memory 64M",),
        ),
        ({"restart": "no", "cpus": 0.0, "deploy": {"resources": {"limits": {"cpus": "0"}}}}, ()),
        ({"network_mode": "service:db"}, ("network_mode service:db",)),
        ({"network_mode": "bridge"}, ()),
        (
            {"networks": {"front": {"ipv4_address": "172.28.0.10"}, "back": None}},
            ("address 172.28.0.10 on front",),
        ),
        ({"cpus": 0.5, "cpuset": "0,1"}, ("cpus 0.5", "cpuset 0,1")),
        ({"something_new": {"a": 1}}, ("something_new",)),
        ({"image": "shop", "x-note": "hi", "labels": {}, "read_only": True}, ()),
    ],
)
def test_what_a_run_does_not_have_is_told(
    definition: dict[str, Any], told: tuple[str, ...]
) -> None:
    assert left_out(definition) == told


def test_a_restart_policy_that_a_run_keeps_is_not_told() -> None:
    definition = {"restart": "always", "deploy": {"restart_policy": {"condition": "any"}}}

    assert left_out(definition) == ("restart always", "deploy.restart_policy")
    assert left_out(definition, restarts=True) == ()


def test_the_containers_own_ports_are_hints() -> None:
    definition = {
        "ports": ["8080:5000", "127.0.0.1:5001:5001/tcp", "53:53/udp", {"target": 80}],
        "expose": [9000, "9001"],
    }

    assert declared_ports(definition) == (80, 5000, 5001, 9000, 9001)
