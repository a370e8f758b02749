"""What a container wrote, as far as the engine can tell."""

from __future__ import annotations

import pytest

from loadtests.environments.compose.further import files_written
from loadtests.model.errors import ProcessFailure
from loadtests.tools import proc

OWN = '[{"Type": "volume", "Name": "' + "0" * 64 + '", "Destination": "/data"}]'


def answering(monkeypatch: pytest.MonkeyPatch, *, diff: str | None) -> None:
    def run(argv: tuple[str, ...], **_: object) -> proc.Completed:
        if argv[1] == "diff" and diff is None:
            raise ProcessFailure("it did not end in 10 s and was killed")
        stdout = diff or "" if argv[1] == "diff" else OWN
        return proc.Completed(argv=argv, code=0, stdout=stdout, stderr="")

    monkeypatch.setattr(proc, "run", run)


def test_files_and_volumes_of_its_own_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, diff="A /srv/notes.db\nD /tmp/x\n")

    assert files_written("c1", driver="overlay2", limit_s=5.0) == (
        "/srv/notes.db",
        "/data (a volume of its own)",
    )


def test_an_engine_that_takes_too_long_for_that_ends_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, diff=None)

    assert files_written("c1", driver="overlay2", limit_s=5.0) is None
