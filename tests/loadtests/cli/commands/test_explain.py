"""``twofold explain``, on runs in a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.gate.analysis import verdict
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.report import verdict_json
from loadtests.model import errors
from loadtests.model.plan import Plan
from loadtests.model.profiles.functions import FunctionProfile
from loadtests.model.profiles.records import CellProfile
from loadtests.model.tested.target import Target, TargetKind
from loadtests.report.text import profiles
from loadtests.results.run_folder import Store
from tests.loadtests.analysis.profiles.builders import make_profile
from tests.loadtests.analysis.profiles.function_builders import simulate
from tests.loadtests.builders import (
    make_calibration,
    make_cell,
    make_facts,
    make_machine,
    make_plan,
    make_trials,
)
from tests.loadtests.gate.builders import MACHINE, make_evidence, make_gate_plan, make_side
from tests.loadtests.gate.builders import make_facts as make_gate_facts

PLAN = make_plan(replica_counts=(1, 2))


def a_run(results: Path, *seen: CellProfile, plan: Plan = PLAN) -> Path:
    """Write a finished run with these profiles, and return its folder."""
    store = Store.create(results, "20260921-101500-0001")
    store.begin(make_facts(), make_machine(), plan)
    store.write_calibrations([make_calibration()])
    for trial in make_trials(plan):
        store.append(trial, b"")
    if seen:
        store.write_profiles(seen)
    return store.folder


def told(results: Path) -> Path:
    return a_run(
        results,
        make_profile([(0, 1, 1)] * 40),
        make_profile([(0, 0, 0, 0, 1, 1)] * 40, cell=make_cell(replicas=2)),
    )


def test_an_old_run_is_explained_from_its_folder(twofold: Any, tmp_path: Path) -> None:
    folder = told(tmp_path)

    ended = twofold("explain")

    assert ended.code == errors.EXIT_YES
    said = " ".join(ended.stdout.split())
    assert "a request spends 40 of its 60 ms in the application in /srv/shop/db.py:88" in said
    assert f"{folder.name}/profiles/*.collapsed" in said.replace(" ", "")


def test_a_program_gets_the_same_as_json(twofold: Any, tmp_path: Path) -> None:
    told(tmp_path)

    document = twofold("explain", "--json").document

    assert [finding["line"]["name"] for finding in document["findings"]] == ["lock_row"]
    assert [cell["looks"] for cell in document["cells"]] == [40, 40]


def test_the_stacks_are_in_the_runs_folder(tmp_path: Path) -> None:
    folder = told(tmp_path)

    assert sorted(path.name for path in (folder / "profiles").iterdir()) == [
        "gthread-cpu-1.collapsed",
        "gthread-cpu-2.collapsed",
    ]


def test_a_run_without_profiles_is_refused_with_the_way_to_have_them(
    twofold: Any, tmp_path: Path
) -> None:
    a_run(tmp_path)

    ended = twofold("explain")

    assert ended.code == errors.EXIT_USAGE
    assert "twofold run --profile" in ended.stderr


def test_of_a_deployment_at_a_url_no_profile_is_advised(twofold: Any, tmp_path: Path) -> None:
    tested = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")
    a_run(tmp_path, plan=replace(PLAN, tested=tested))

    ended = twofold("explain")

    assert ended.code == errors.EXIT_USAGE
    said = " ".join(ended.stderr.split())
    assert profiles.OF_A_URL in said
    assert "--profile" not in said


def a_gate(results: Path, profile: FunctionProfile | None) -> Path:
    """Write a gate with this profile, and return its folder."""
    plan = make_gate_plan()
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    evidence = make_evidence(plan, profiles=(profile,) if profile else ())
    result = verdict.conclude(make_gate_facts(), MACHINE, sides, plan, evidence)
    folder = results / "gate-20261127-101500-1a2b"
    folder.mkdir()
    (folder / "verdict.json").write_text(verdict_json.render(result))
    return folder


def test_a_gate_is_explained_by_its_functions(twofold: Any, tmp_path: Path) -> None:
    folder = a_gate(tmp_path, simulate(np.random.default_rng(1), planted=3))

    ended = twofold("explain", folder.name)

    assert ended.code == errors.EXIT_YES
    assert "work_3" in ended.stdout
    for name in (folder.name, str(folder), str(folder / "verdict.json")):
        document = twofold("explain", name, "--json").document
        assert document["functions"][0]["functions"][0]["name"] == "work_3"


def test_a_gate_without_profiles_is_refused_with_the_way_to_have_them(
    twofold: Any, tmp_path: Path
) -> None:
    folder = a_gate(tmp_path, None)

    ended = twofold("explain", folder.name)

    assert ended.code == errors.EXIT_USAGE
    assert "twofold gate --profile" in " ".join(ended.stderr.split())
