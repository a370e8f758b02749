"""The files of a gate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loadtests.gate import result_files
from loadtests.gate.analysis import verdict
from loadtests.gate.model.vocabulary import SCHEMA_VERSION, SideName
from loadtests.gate.report import verdict_json
from loadtests.model.errors import UsageError
from loadtests.results.run_folder import Store
from tests.loadtests.analysis.profiles.function_builders import simulate
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)
from tests.loadtests.gate.whole_gates import Gates


def test_the_stacks_of_a_profile_are_in_the_gates_folder(tmp_path: Path) -> None:
    plan = make_gate_plan()
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    evidence = make_evidence(plan, profiles=(simulate(np.random.default_rng(1)),))
    result = verdict.conclude(make_facts(), MACHINE, sides, plan, evidence)
    store = Store.create(tmp_path, "gate-1")

    result_files.write_all(store, result)

    assert sorted(path.name for path in (store.folder / "profiles").iterdir()) == [
        "gthread.base.collapsed",
        "gthread.difference.folded",
        "gthread.head.collapsed",
    ]


def test_a_gate_without_a_profile_has_no_stacks(tmp_path: Path) -> None:
    plan = make_gate_plan()
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    result = verdict.conclude(make_facts(), MACHINE, sides, plan, make_evidence(plan))
    store = Store.create(tmp_path, "gate-1")

    result_files.write_all(store, result)

    assert not (store.folder / "profiles").exists()
    assert (store.folder / "verdict.json").exists()


def test_a_gate_is_found_by_its_folder_its_file_or_its_id(gates: Gates) -> None:
    result = gates.run()

    for name in (str(gates.folder), str(gates.folder / "verdict.json"), gates.folder.name):
        assert result_files.find(gates.results, name) == result
    with pytest.raises(UsageError, match="There is no gate 'gate-of-nobody'"):
        result_files.find(gates.results, "gate-of-nobody")
    with pytest.raises(UsageError, match="cannot be read"):
        result_files.read(gates.results / "nowhere.json")


def test_evidence_of_the_schema_before_can_be_judged_but_not_added_to(
    gates: Gates, tmp_path: Path
) -> None:
    before = replace(gates.run(), schema_version=SCHEMA_VERSION - 1)
    file = tmp_path / "verdict.json"
    file.write_text(verdict_json.render(before))

    assert verdict_json.judge(result_files.read(file)) == before
    with pytest.raises(UsageError, match=r"written with schema 4, .* Start a new gate"):
        Gates(tmp_path / "more").run(append=before)


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 2, SCHEMA_VERSION + 1])
def test_any_other_schema_is_refused_before_its_fields_are_read(
    tmp_path: Path, version: int
) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({"schema_version": version, "unheard": "of"}))

    with pytest.raises(UsageError, match=rf"written with schema {version}, and this .* 4 and 5"):
        result_files.read(file)
