from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import bench
from scripts.generator_bench.figures import Item


def item(figure: float, *, name: str = "share") -> Callable[[], Item]:
    return lambda: Item(figures={name: figure}, bounds=((name, "at_least", 0.5),))


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Item]]:
    played = {"good": item(0.6), "bad": item(0.4, name="other")}
    monkeypatch.setattr(bench, "ITEMS", played)
    return played


def test_figures_bounds_and_machine_are_written(
    items: dict[str, Callable[[], Item]], tmp_path: Path
) -> None:
    out = tmp_path / "results" / "bench.json"

    assert bench.main(["--items", "good", "--out", str(out)]) == 0

    written = json.loads(out.read_text())
    assert written["share"] == 0.6
    assert written["bounds"] == {"share": {"at_least": 0.5}}
    assert written["measured_at"].keys() == {"good"}
    assert written["machine"]["cores"] >= 1
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"]


def test_a_bound_that_does_not_hold_is_said_and_is_the_exit_code(
    items: dict[str, Callable[[], Item]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "bench.json"

    assert bench.main(["--items", "good,bad", "--out", str(out)]) == 1

    assert "does not hold: bad: other is 0.4, not at least 0.5" in capsys.readouterr().err
    assert json.loads(out.read_text())["other"] == 0.4


def test_figures_that_are_not_measured_anew_are_kept(
    items: dict[str, Callable[[], Item]], tmp_path: Path
) -> None:
    out = tmp_path / "bench.json"
    bench.main(["--items", "bad", "--out", str(out)])

    bench.main(["--items", "good", "--out", str(out)])

    written = json.loads(out.read_text())
    assert (written["other"], written["share"]) == (0.4, 0.6)
    assert written["bounds"].keys() == {"other", "share"}


def test_an_unknown_name_is_refused_with_the_known_ones(
    items: dict[str, Callable[[], Item]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        bench.main(["--items", "good,no-such"])

    assert caught.value.code == 2
    assert "no-such: there are good, bad" in capsys.readouterr().err
