"""The campaign of planted changes: its cases, its application, and how rows are judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.analysis.profiles.function_changes import changes_of
from loadtests.gate import pipeline
from loadtests.model.errors import Interrupted
from loadtests.model.profiles.functions import FunctionChanges
from scripts import gate_functions
from scripts.gate_functions import Case
from scripts.zoo import shop
from scripts.zoo.shop import Planted
from tests.loadtests.analysis.profiles.function_builders import simulate


def test_cases_plant_in_changing_places_and_both_kinds() -> None:
    made = gate_functions.cases(20, 40)
    planted = [case.planted for case in made if case.planted]

    assert len({each.number for each in planted}) == 20
    assert {each.kind for each in planted} == set(shop.KINDS)
    assert len({case.name for case in made}) == len({case.seed for case in made}) == 60
    # Both kinds are spread over the whole time.
    assert [bool(case.planted) for case in made[:6]].count(True) == 2


def run_request(files: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    for module in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, module)
    import shop as application  # type: ignore[import-not-found]

    with application.app.test_client() as client:
        assert client.get("/healthz").status_code == 200
        answer: str = client.get("/").text
    return answer


@pytest.mark.parametrize("kind", shop.KINDS)
def test_the_application_answers_and_does_more_where_it_is_planted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = run_request(dict(shop.files()), tmp_path / "base", monkeypatch)
    head = run_request(
        dict(shop.files(Planted(number=23, kind=kind))), tmp_path / "head", monkeypatch
    )

    assert base.isdigit()
    assert base != head


def test_what_is_planted_is_one_twentieth() -> None:
    rounds = sum(shop.ROUNDS) * 8

    assert shop.planted_rounds() / (rounds * (1 + shop.REST_RATIO)) == pytest.approx(0.05, rel=1e-3)


def shown(planted: int | None) -> FunctionChanges:
    return changes_of(simulate(np.random.default_rng(3), planted=planted))


def test_a_row_says_whether_the_planted_function_is_first_and_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shop, "function_name", lambda number: f"work_{number}")
    case = Case(name="planted-01", seed=1, planted=Planted(number=7, kind="lines"))

    right = gate_functions.said(shown(7), case)
    wrong = gate_functions.said(shown(8), case)
    none = gate_functions.said(shown(None), case)

    assert right["named_first"] is True
    assert right["share"] == pytest.approx(right["whole"], abs=0.01)
    assert wrong["named_first"] is False
    assert (none["named"], none["named_first"], none["share"]) == ([], False, None)


def row(**changed: Any) -> dict[str, Any]:
    return {"case": "planted-01", "planted": "stock_1", "named": ["x"], **changed}


def test_a_share_is_right_by_what_the_kernel_counted_over_all_cases() -> None:
    rows = [row(share=share, whole=0.06) for share in (0.0501, 0.0699, 0.0499, 0.0701, None)]

    found = gate_functions.summarised([*rows, row(planted=None, share=0.06)])

    assert found["planted_ratio"] == 0.06
    assert [one.get("share_right") for one in found["rows"]] == [True] * 2 + [False] * 3 + [None]
    assert found["share_right"] == 2
    assert gate_functions.summarised([])["planted_ratio"] == shop.PLANTED_RATIO


def test_a_campaign_holds_only_if_it_shows_what_it_must() -> None:
    good = [row(named_first=True, share=0.05, whole=0.05)] * 20
    same = [row(case="aa-01", planted=None, named=[])] * 40
    alarm = row(case="aa-02", planted=None)

    def holds(rows: list[dict[str, Any]]) -> bool:
        return gate_functions.holds(gate_functions.summarised(rows))

    assert holds([*good, *same])
    assert holds([*good, *same[2:], alarm, alarm])
    assert not holds([*good, *same[3:], alarm, alarm, alarm])
    assert not holds([*good[2:], *same, row(named_first=False), row(named_first=False)])
    assert not holds([*good, *same, {"case": "aa-03", "planted": None, "error": "why"}])


def test_cases_that_the_file_has_are_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "functions.json"
    gate_functions.write(out, [row(case="aa-01", planted=None, named=[])])
    ran: list[str] = []

    def run_one(case: Case) -> dict[str, Any]:
        ran.append(case.name)
        planted = case.planted.name if case.planted else None
        return row(case=case.name, planted=planted, named=[], named_first=True, share=0.05)

    monkeypatch.setattr(gate_functions, "build", lambda *_: None)
    monkeypatch.setattr(gate_functions, "run_one", run_one)

    assert gate_functions.main(["--changed", "1", "--aa", "2", "--out", str(out)]) == 0
    assert sorted(ran) == ["aa-02", "planted-01"]
    assert json.loads(capsys.readouterr().out)["aa"] == 2


def test_a_signal_ends_the_campaign_and_makes_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise Interrupted(15)

    monkeypatch.setattr(gate_functions, "build", lambda *_: None)
    monkeypatch.setattr(pipeline, "run", stopped)
    out = tmp_path / "functions.json"

    assert gate_functions.main(["--changed", "2", "--aa", "0", "--out", str(out)]) == 143
    assert not out.exists()
