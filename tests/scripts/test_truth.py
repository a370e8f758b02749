import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.errors import ProcessFailure
from loadtests.results.run_folder import Store
from loadtests.tools import proc
from loadtests.tools.proc import Completed
from scripts import truth
from tests.loadtests.builders import (
    make_calibration,
    make_facts,
    make_machine,
    make_plan,
    make_trials,
    noisy_rps,
)


def rows(*members: str) -> list[dict[str, Any]]:
    return [{"member": member} for member in members]


def test_members_are_run_in_turn_as_often_as_asked() -> None:
    assert truth.missing(["a", "b"], [], 2) == ["a", "b", "a", "b"]


def test_what_was_run_before_is_not_run_again() -> None:
    assert truth.missing(["a", "b"], rows("a", "b", "a"), 2) == ["b"]
    assert truth.missing(["a"], rows("a", "a", "a"), 2) == []


def test_clean_runs_are_of_both_kinds_in_turn() -> None:
    assert truth.missing(["clean"], rows("clean-cpu"), 4) == ["clean-io", "clean-cpu", "clean-io"]


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Completed | ProcessFailure) -> None:
    left = list(answers)

    def run(*_: Any, **__: Any) -> Completed:
        answer = left.pop(0)
        if isinstance(answer, ProcessFailure):
            raise answer
        return answer

    monkeypatch.setattr(proc, "run", run)


def a_completed(code: int, stdout: str = "", stderr: str = "") -> Completed:
    return Completed(argv=("x",), code=code, stdout=stdout, stderr=stderr)


RIGHT = {"right": True, "wrong_scales": False, "verdict": "scales", "codes": []}


def test_a_run_that_fails_or_hangs_is_a_row_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(
        monkeypatch,
        a_completed(4, stderr="No nginx here."),
        ProcessFailure("It did not end in 240 s."),
        a_completed(0, stdout=json.dumps(RIGHT)),
    )
    out = tmp_path / "truth.json"

    code = truth.main(["--members", "perfect", "--times", "3", "--out", str(out)])

    document = json.loads(out.read_text())
    assert code == 1
    assert (document["runs"], document["right"]) == (3, 1)
    assert "No nginx here." in document["rows"][0]["error"]
    assert "perfect: FAILED" in capsys.readouterr().err


def test_a_campaign_that_was_stopped_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "truth.json"
    arguments = ["--members", "perfect", "--times", "1", "--out", str(out)]
    answering(monkeypatch, a_completed(0, stdout=json.dumps(RIGHT)))

    assert truth.main(arguments) == 0
    assert truth.main(arguments) == 0  # nothing more is asked of the program


def test_systems_that_grow_dearer_by_themselves_and_their_control_are_among_all() -> None:
    dearer = {"retries", "asks-all", "invalidated-cache", "apart"}

    assert dearer <= set(truth.parse([]).members)
    assert truth.parse(["--members", "retries,apart"]).members == ["retries", "apart"]


def test_an_unknown_member_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        truth.parse(["--members", "unicorn"])

    assert "there are perfect" in capsys.readouterr().err


def test_recorded_runs_are_judged_by_the_present_rules_and_none_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = make_plan(replica_counts=(1, 2))
    run = Store.create(tmp_path / "truth-runs", "a-run")
    run.begin(make_facts(), make_machine(), plan)
    run.write_calibrations([make_calibration()])
    for trial in make_trials(plan, rps=noisy_rps(spread=0.01), identities={"gthread-1": "one"}):
        run.append(trial, b"")
    wrong = {"right": False, "wrong_scales": False, "verdict": "invalid", "seconds": 20.0}
    rows_before = [
        {"member": "clean-cpu", "run": 1, "run_id": "a-run", **wrong},
        {"member": "clean-cpu", "run": 2, "run_id": "a-run-that-is-gone", **wrong},
    ]
    out = tmp_path / "truth.json"
    out.write_text(json.dumps({"rows": rows_before}))
    monkeypatch.setattr(truth, "RESULTS", tmp_path)
    answering(monkeypatch)

    truth.main(["--judge", "--out", str(out)])

    again, gone = json.loads(out.read_text())["rows"]
    assert again["wrong_because"] == []
    assert (again["right"], again["verdict"], again["seconds"]) == (True, "scales", 20.0)
    assert gone == rows_before[1]
