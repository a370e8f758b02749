"""The logs of a stack's members, and the variables that they were started with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.environments.processes import members
from loadtests.environments.processes.cpu_limits import NoLimits
from loadtests.environments.processes.members import Members
from loadtests.environments.protocol import FIRST_LOG_CHARS


@pytest.fixture
def some(tmp_path: Path) -> Members:
    return Members(tmp_path, NoLimits(reason="none"), tmp_path)


def test_all_lines_of_a_log_are_given_and_messages_have_its_two_ends(
    some: Members, tmp_path: Path
) -> None:
    (tmp_path / "sync-1.log").write_text("ä first\n" + "served\n" * 200_000 + "the läst\n")

    lines = some.log_lines("sync-1")

    assert lines.is_whole
    assert sum(line == "served\n" for line in lines.lines) == 200_000
    assert some.first_log("sync-1").startswith("ä first\nserved")
    assert len(some.first_log("sync-1")) == FIRST_LOG_CHARS
    assert some.log_of("sync-1").endswith("served\nthe läst\n")
    assert len(some.log_of("sync-1")) == members.LOG_CHARS


def test_a_line_without_an_end_comes_in_pieces(some: Members, tmp_path: Path) -> None:
    (tmp_path / "sync-1.log").write_text("x" * 3 * members.LINE_CHARS)

    assert max(len(line) for line in some.log_lines("sync-1").lines) == members.LINE_CHARS


def test_a_member_without_a_log_has_none(some: Members) -> None:
    assert [*some.log_lines("nobody").lines] == []
    assert (some.first_log("nobody"), some.log_of("nobody")) == ("", "(no log)")


def test_a_members_variables_are_those_that_it_was_started_with(
    some: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db")
    argv = (sys.executable, "-c", "import time; time.sleep(60)")
    try:
        some.serve("sync-1", argv, cwd=tmp_path, env={"DATABASE_URL": "postgresql://db/shop"})
        variables = some.variables_of("sync-1")
    finally:
        some.stop()

    assert variables["DATABASE_URL"] == "postgresql://db/shop"
    assert variables["PGHOST"] == "db"


def test_an_idle_control_has_no_identity_or_its_restart_would_be_a_replicas(
    some: Members, tmp_path: Path
) -> None:
    (tmp_path / "started").mkdir()
    try:
        for name in ("sync-0", "sync-1"):
            some.serve(name, ("sleep", "60"), cwd=tmp_path)

        assert set(some.identities()) == {"sync-1"}
        assert some.runs("sync-0")
    finally:
        some.stop()
    assert not some.runs("sync-0")
    assert not some.runs("nobody")
