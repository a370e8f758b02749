"""Limits, GPUs and restart policies of a Compose service."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file.resources import (
    deploy_limits,
    reserved_devices,
    restart_of,
    retrying,
)


def test_limits_under_deploy_are_those_of_the_container_unless_it_has_its_own() -> None:
    deploy = {"resources": {"limits": {"memory": "64M", "pids": 100, "cpus": "1"}}}

    assert deploy_limits({"deploy": deploy}) == {"mem_limit": "64M", "pids_limit": 100}
    assert deploy_limits({"deploy": deploy, "mem_limit": "1g"}) == {"pids_limit": 100}
    assert deploy_limits({}) == {}


@pytest.mark.parametrize("none", ["0", "0.0", 0, "", None])
def test_a_limit_of_0_is_none(none: Any) -> None:
    deploy = {"resources": {"limits": {"memory": none, "pids": none}}}

    assert deploy_limits({"deploy": deploy, "mem_limit": none}) == {}
    limited = {"resources": {"limits": {"memory": "64M"}}}
    assert deploy_limits({"deploy": limited, "mem_limit": none}) == {"mem_limit": "64M"}


@pytest.mark.parametrize(
    ("definition", "devices"),
    [
        ({}, []),
        (
            {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
            [{"capabilities": ["gpu"]}],
        ),
        ({"gpus": "all"}, [{"count": "all", "capabilities": ["gpu"]}]),
        (
            {"gpus": [{"driver": "nvidia", "count": 1, "capabilities": ["utility"]}]},
            [{"driver": "nvidia", "count": 1, "capabilities": ["gpu", "utility"]}],
        ),
    ],
)
def test_gpus_are_reserved_in_the_form_that_each_compose_reads(
    definition: dict[str, Any], devices: list[dict[str, Any]]
) -> None:
    assert reserved_devices(definition) == devices


@pytest.mark.parametrize(
    ("definition", "policy", "in_the_run"),
    [
        ({}, "no", "no"),
        ({"restart": "no"}, "no", "no"),
        ({"restart": "on-failure:3"}, "on-failure:3", "on-failure:3"),
        ({"restart": "always"}, "always", "on-failure"),
        ({"restart": "unless-stopped"}, "unless-stopped", "on-failure"),
        ({"deploy": {"restart_policy": {}}}, "always", "on-failure"),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, "no", "no"),
        (
            {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 4}}},
            "on-failure:4",
            "on-failure:4",
        ),
    ],
)
def test_a_service_is_started_again_after_an_error_and_never_after_success(
    definition: dict[str, Any], policy: str, in_the_run: str
) -> None:
    assert restart_of(definition) == policy
    assert retrying(policy) == in_the_run
