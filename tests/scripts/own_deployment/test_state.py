"""A deployment's file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import procfs
from scripts.own_deployment import hooks, state
from scripts.own_deployment.state import Member, Order, State


def an_order(**fields: Any) -> Order:
    defaults: dict[str, Any] = {
        "name": "by-command-1-ab",
        "owner": "1/2/b/n",
        "app": "sha256:1",
        "proxy": "sha256:2",
        "probe": "sha256:3",
        "env": {"WORKER_MODEL": "sync"},
        "cpus": 0.1,
        "replica_cores": (1,),
        "proxy_cores": (0,),
        "template": "{{ x }}",
    }
    return Order(**defaults | fields)


def a_member(**fields: Any) -> Member:
    """A replica whose process is this one."""
    facts = procfs.facts_of(os.getpid())
    assert facts is not None
    defaults: dict[str, Any] = {
        "number": 1,
        "container": "0123456789abcdef",
        "pid": os.getpid(),
        "started": facts.started,
        "address": "172.20.0.3:8000",
    }
    return Member(**defaults | fields)


DEAD = {"number": 2, "started": "another time", "address": "172.20.0.4:8000"}


def a_state(*members: Member) -> State:
    return State(order=an_order(), proxy_host="172.20.0.2", generation=3, members=members)


@pytest.mark.parametrize("idle", [None, (1024, 60)])
def test_a_deployment_is_read_as_it_was_written(
    tmp_path: Path, idle: tuple[int, int] | None
) -> None:
    written = replace(a_state(a_member()), order=an_order(idle=idle))

    state.write(tmp_path, written)

    assert state.read(tmp_path) == written
    assert written.url == "http://172.20.0.2:8080"


def test_a_hook_finds_nothing_to_scale_once_the_deployment_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EnvironmentFailure, match="no deployment"):
        state.read(tmp_path)

    assert hooks.main([str(tmp_path), "2"]) == EnvironmentFailure.exit_code
    assert "There is no deployment in" in capsys.readouterr().err
