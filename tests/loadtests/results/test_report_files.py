import json
from pathlib import Path

from loadtests.report.formats.registry import FORMATS
from loadtests.results import report_files
from loadtests.results.run_folder import Store
from tests.loadtests.builders import make_plan, make_result, make_trials

CONTRACT = {"run.json", "report.html", "report.md", "junit.xml"}


def test_every_file_of_the_contract_is_written_and_no_other_is_left(tmp_path: Path) -> None:
    plan = make_plan()
    trials = make_trials(plan)
    kept = Store.create(tmp_path, "a-run")

    paths = report_files.write_all(kept, make_result(plan, trials), trials)

    names = {path.name for path in paths}
    assert names >= CONTRACT
    assert {path.name for path in kept.folder.iterdir()} == {*names, "samples"}
    assert all(path.read_text().strip() for path in paths)


def test_a_run_without_any_trial_has_every_file_too(tmp_path: Path) -> None:
    kept = Store.create(tmp_path, "a-run")

    paths = report_files.write_all(kept, make_result(make_plan(), ()), ())

    assert {path.name for path in paths} >= CONTRACT
    assert json.loads((kept.folder / "run.json").read_text())["verdict"] == "inconclusive"


def test_a_live_report_is_the_page_alone(tmp_path: Path) -> None:
    plan = make_plan()
    trials = make_trials(plan, rounds=1)
    kept = Store.create(tmp_path, "a-run")

    path = report_files.write_live(kept, make_result(plan, trials), trials)

    assert path.name == "report.html"
    assert not (kept.folder / "run.json").exists()


def test_each_format_has_a_file_of_its_own() -> None:
    names = [form.file for form in FORMATS.values()]

    assert len(set(names)) == len(names)
