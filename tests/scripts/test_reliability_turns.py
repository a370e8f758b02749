"""The campaigns of two at once: what counts as a turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments.guards import machine_lock
from scripts.reliability import two_at_once
from scripts.reliability.record import Broken


class Ended:
    """A harness that has ended, and what it said."""

    pid = 7
    said = "twofold: it broke"

    def __init__(self, code: int) -> None:
        self._code = code

    def wait_for(self, line: str) -> None:
        assert "process 7" in line

    def wait(self, _limit_s: float) -> int:
        return self._code

    def kill(self) -> None:
        pass


@pytest.mark.parametrize("code", [2, 4, 5, -9])
def test_a_run_that_failed_is_not_one_that_waited_for_its_turn(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = iter([(0.0, 10.0), (11.0, 20.0)])
    monkeypatch.setattr(two_at_once, "_measured", lambda _: next(spans))

    with pytest.raises(Broken, match=str(code)):
        two_at_once._hold_to_turns(Ended(0), Ended(code))  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [0, 1, 3])
def test_any_verdict_is(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = iter([(0.0, 10.0), (11.0, 20.0)])
    monkeypatch.setattr(two_at_once, "_measured", lambda _: next(spans))

    said = two_at_once._hold_to_turns(Ended(0), Ended(code))  # type: ignore[arg-type]

    assert said == f"exit 0 and {code}, 1 s between them"


def test_spans_that_overlap_break_the_promise() -> None:
    assert two_at_once.seconds_between((0.0, 10.0), (10.0, 20.0)) == 0
    with pytest.raises(Broken, match="until 15"):
        two_at_once.seconds_between((0.0, 15.0), (10.0, 20.0))


def test_the_holder_of_the_lock_is_read_from_its_note(tmp_path: Path) -> None:
    note = tmp_path / two_at_once.LOCK
    assert not two_at_once.holds(7, note)
    for text, held in (("", False), ('{"pid": 8}', False), ('{"pid": 7}', True), ("[]", False)):
        note.write_text(text)
        assert two_at_once.holds(7, note) == held


def test_the_default_folder_is_tried_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_at_once, "has_another_user", lambda: False)
    monkeypatch.setenv(machine_lock.FOLDER_VARIABLE, "/elsewhere")
    for full in (True, False):
        monkeypatch.setattr(two_at_once, "has_engine", lambda: False)
        names = [case.name for case in two_at_once.cases(full=full)]
        assert sum("default folder" in name for name in names) == 2

    for name, value in two_at_once.DEFAULT.items():
        monkeypatch.setenv(name, value)
    assert machine_lock._folder() in machine_lock.FOLDERS
