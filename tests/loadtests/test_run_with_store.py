"""Whole runs with a store, as plain processes: small ones, for what a store is there for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests import pipeline
from loadtests.analysis.verdict import exit_code
from loadtests.config.options import Options
from loadtests.environments import registry
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.model.consistency import ProbeState
from loadtests.model.plan import Plan
from loadtests.model.result import RunResult
from loadtests.model.vocabulary import Bottleneck, Role, Verdict
from loadtests.pipeline import Request
from loadtests.planning.run_plan import make_plan
from loadtests.servers import gunicorn
from loadtests.tools import nginx, postgres
from tests.checkout import CHECKOUT
from tests.loadtests.test_pipeline import Listener

ROOT = CHECKOUT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        nginx.find_program() is None
        or bool(gunicorn.missing_modules())
        or postgres.find_programs() is None,
        reason="needs nginx, PostgreSQL and the application's packages here",
    ),
]


@pytest.fixture(autouse=True)
def open_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that PostgreSQL's own user may enter, whatever TMPDIR says."""
    assert tmp_path.is_dir()  # made before: pytest's own is below the usual one
    with tempfile.TemporaryDirectory(prefix="test-of-twofold-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield


def run(
    results: Path,
    *,
    settings: Settings = NO_SETTINGS,
    store_cpus: float | None = None,
    **fields: Any,
) -> tuple[RunResult, Path, list[str]]:
    """Measure one worker model at 1 and 2 replicas for two rounds."""
    chosen = registry.choose("processes", ROOT)
    options = replace(
        Options(workers=("gthread",), replicas=(1, 2), rounds=2, quick=True), **fields
    )
    plan: Plan = make_plan(options, chosen.machine, backend="processes", seed=1)
    if store_cpus is not None:
        plan = replace(plan, budget=replace(plan.budget, store_cpus=store_cpus))
    listener = Listener()
    backend = ProcessesBackend(ROOT, settings=settings, wsgi_app="scripts.zoo.app:create_app()")
    request = Request(
        plan=plan,
        chosen=replace(chosen, backend=backend),
        results=results,
        command="twofold run",
    )
    result, folder = pipeline.run(request, listener)
    return result, folder, listener.lines


@pytest.mark.parametrize("workload", ["db", "mixed"])
def test_a_run_with_a_store_counts_it_and_finds_the_state_in_it(
    tmp_path: Path, workload: str
) -> None:
    result, folder, lines = run(tmp_path, workloads=(workload,))

    assert "Starting PostgreSQL" in lines
    assert [(probe.check, probe.state) for probe in result.probes] == [
        (check, ProbeState.OK) for check in ("note", "session", "counter")
    ]
    trials = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    for trial in trials:
        (store,) = [usage for usage in trial["usages"] if usage["role"] == Role.STORE]
        assert store["cpu_s"] > 0
        assert store["budget_cpus"] == result.plan.budget.store_cpus
        assert not trial["failures"]
        assert "store" in trial["identities"]
    uses = [use.name for cell in result.cells for use in cell.resources]
    assert uses.count("PostgreSQL") == 2
    assert result.verdict is not Verdict.BREAKS


@pytest.mark.parametrize(
    ("worker", "one_server"), [("gthread", False), ("sync", True)], ids=["threads", "processes"]
)
def test_state_in_memory_breaks_and_the_request_is_told_everywhere(
    tmp_path: Path, worker: str, one_server: bool
) -> None:
    settings = {"*": {"STATE": "memory"}}

    result, folder, lines = run(tmp_path, settings=settings, workers=(worker,), workloads=("io",))

    assert (result.verdict, exit_code(result.verdict)) == (Verdict.BREAKS, 1)
    assert {probe.state for probe in result.probes} == {ProbeState.BREAKS}
    assert {doubling.verdict for doubling in result.doublings} == {Verdict.BREAKS}
    note = result.probes[0]
    assert set(note.wrong) >= {f"{worker}-1", f"{worker}-2"} - {note.written_by}
    assert any(probe.one_server for probe in result.probes) is one_server
    written = json.loads((folder / "run.json").read_text())
    assert [probe["state"] for probe in written["probes"]] == ["breaks"] * 3
    for name in ("report.md", "report.html", "junit.xml"):
        assert "was answered by" in (folder / name).read_text()
    assert any(line.startswith(f"{worker} breaks: After PUT") for line in lines)


def test_a_store_with_a_sliver_of_cpu_is_what_holds_the_replicas_back(tmp_path: Path) -> None:
    heavy = {"*": {"STORE_ROWS": "50000"}}
    result, _, _ = run(tmp_path, workloads=("db",), store_cpus=0.05, settings=heavy)

    (doubling,) = result.doublings
    largest = result.cells[-1]
    assert largest.bottleneck is Bottleneck.STORE
    assert "PostgreSQL used" in largest.bottleneck_detail
    assert "more servers will not change that" in largest.bottleneck_detail
    assert doubling.verdict is not Verdict.SCALES


def test_a_probe_brings_up_a_store_whatever_the_workload(tmp_path: Path) -> None:
    result, _, _ = run(tmp_path, workloads=("io",), probe=True)

    assert {probe.state for probe in result.probes} == {ProbeState.OK}
    assert result.plan.with_store
