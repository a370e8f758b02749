"""One replica that starts alone, before the others: when it counts as ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.environments.compose.tested.start import listening
from loadtests.environments.compose.tested.start.endings import ReplicaEnded
from loadtests.environments.compose.tested.subject import Subject
from loadtests.model.errors import EnvironmentFailure
from tests.loadtests.environments.compose.tested.start.test_starting import (
    DB,
    WEB,
    FakeProject,
    a_start,
)


def test_one_replica_can_come_first_and_is_waited_for_until_its_application_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject()
    statuses = iter([200, None, None, 500])
    start = a_start(monkeypatch, project, Subject(measured=WEB, needs=(DB,)), replicas=3)
    monkeypatch.setattr(listening, "ask_from", lambda _: lambda urls: [next(statuses)] * len(urls))

    start.start_first()
    start.wait_for_first()

    assert [name for name in project.listed if name.startswith("gthread")] == ["gthread-1"]
    assert list(statuses) == []  # an error is an answer, too


def test_a_first_replica_that_ends_while_it_is_waited_for_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = FakeProject(gthread={"running": False, "exit_code": 1})
    project.logs["id of gthread-1"] = "sqlalchemy.exc.ProgrammingError: no such revision"
    start = a_start(monkeypatch, project, Subject(measured=WEB, needs=(DB,)))
    start.start_first()

    with pytest.raises(ReplicaEnded, match=r"gthread-1 ended with exit code 1: .*no such revision"):
        start.wait_for_first()


def test_a_first_replica_that_listens_and_never_answers_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = a_start(monkeypatch, FakeProject(), Subject(measured=WEB, needs=(DB,)), limit_s=0.05)
    start.wanted = replace(start.wanted, asked=8000)
    monkeypatch.setattr(listening, "ask_from", lambda _: lambda urls: [None] * len(urls))
    start.start_first()

    with pytest.raises(
        EnvironmentFailure, match=r"port 8000, and did not answer / .*--start-limit"
    ):
        start.wait_for_first()
