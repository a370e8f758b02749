from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments import registry
from loadtests.model import errors
from loadtests.planning.checks import BackendChecks, lack, ok
from loadtests.targets.workloads import WORKLOADS
from tests.loadtests.builders import make_machine

GOOD = BackendChecks(name="good", checks=(ok("engine", "answers"),), machine=make_machine())
BAD = BackendChecks(name="bad", checks=(lack("engine", "none", "Get one."),), machine=None)


def test_a_machine_with_one_usable_backend_is_ready(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "examine", lambda: (BAD, GOOD))

    ended = twofold("doctor", out=False)

    assert ended.code == errors.EXIT_YES
    assert "LACK  engine" in ended.stdout
    assert "--backend bad: nothing: engine (see above)" in ended.stdout
    assert "--backend good: cpu with gthread, sync, gevent" in ended.stdout


def test_without_a_usable_backend_it_is_exit_code_4(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "examine", lambda: (BAD,))

    assert twofold("doctor", out=False).code == errors.EXIT_ENVIRONMENT


def test_the_document_has_checks_backends_servers_and_workloads(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "examine", lambda: (GOOD,))

    document = twofold("doctor", "--json", out=False).document

    assert document.keys() == {"checks", "backends", "servers", "workloads"}
    assert document["servers"][0]["workers"] == ["gthread", "sync", "gevent"]
    assert [workload["name"] for workload in document["workloads"]] == list(WORKLOADS)
