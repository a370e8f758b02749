"""The files of a gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loadtests.gate import result_files
from loadtests.gate.analysis import verdict
from loadtests.gate.model import SideName
from loadtests.results.run_folder import Store
from tests.loadtests.analysis.profiles.function_builders import simulate
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)


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
