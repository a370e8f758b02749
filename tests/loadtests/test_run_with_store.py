"""Whole runs with a store, as plain processes: small ones, for what a store is there for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from loadtests import pipeline
from loadtests.analysis.verdict import exit_code
from loadtests.config.options import Options
from loadtests.environments import registry
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.measurement import user_calibration
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.plan import Plan, Timing
from loadtests.model.result import RunResult
from loadtests.model.vocabulary import Bottleneck, Role, Verdict
from loadtests.pipeline import Request
from loadtests.planning.run_plan import make_plan
from tests import needs
from tests.checkout import CHECKOUT
from tests.loadtests.test_pipeline import Listener

ROOT = CHECKOUT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parallel,
    needs.STORE,
]


@pytest.fixture(scope="module", autouse=True)
def open_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One that PostgreSQL's own user may enter, whatever TMPDIR says."""
    tmp_path_factory.getbasetemp()  # made before: pytest's own is below the usual one
    with (
        tempfile.TemporaryDirectory(prefix="test-of-twofold-", dir="/tmp") as name,
        pytest.MonkeyPatch.context() as patched,
    ):
        Path(name).chmod(0o755)
        patched.setattr("tempfile.tempdir", name)
        yield


SHORT = Timing(settle_s=0.2, window_s=0.5, drain_limit_s=15.0)
"""For runs of which only counts and answers are asserted, not how fast they were."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run that was measured to its end."""

    result: RunResult
    folder: Path
    lines: list[str]


def run(
    results: Path,
    *,
    settings: Settings = NO_SETTINGS,
    store_cpus: float | None = None,
    timing: Timing | None = None,
    **fields: Any,
) -> Finished:
    """Measure at 1 and 2 replicas for two rounds."""
    chosen = registry.choose("processes", ROOT)
    options = replace(
        Options(workers=("gthread",), replicas=(1, 2), rounds=2, quick=True), **fields
    )
    plan: Plan = make_plan(options, chosen.machine, backend="processes", seed=1)
    if store_cpus is not None:
        plan = replace(plan, budget=replace(plan.budget, store_cpus=store_cpus))
    if timing is not None:
        plan = replace(plan, timing=timing)
    listener = Listener()
    backend = ProcessesBackend(ROOT, settings=settings, wsgi_app="scripts.zoo.app:create_app()")
    request = Request(
        plan=plan,
        chosen=replace(chosen, backend=backend),
        results=results,
        command="twofold run",
    )
    with pytest.MonkeyPatch.context() as patched:
        if timing is not None:
            patched.setattr(user_calibration, "SETTLE_S", timing.settle_s)
            patched.setattr(user_calibration, "WINDOW_S", timing.window_s)
        result, folder = pipeline.run(request, listener)
    return Finished(result=result, folder=folder, lines=listener.lines)


def test_a_run_with_a_store_counts_it_and_finds_the_state_in_it(tmp_path: Path) -> None:
    done = run(tmp_path, timing=SHORT, workloads=("db", "mixed"))

    assert "Starting PostgreSQL" in done.lines
    assert [(probe.check, probe.state) for probe in declared(done.result)] == [
        (check, ProbeState.OK) for check in ("note", "session", "counter")
    ]
    assert done.result.verdict is not Verdict.BREAKS
    for workload in ("db", "mixed"):
        check_counts(done, workload)


def declared(result: RunResult) -> list[ProbeResult]:
    """Return the results of the checks that the sample application declares."""
    return [probe for probe in result.probes if probe.kind is ProbeKind.DECLARED]


def check_counts(done: Finished, workload: str) -> None:
    """Assert that the store is counted in every trial and cell of a workload."""
    journal = (done.folder / "trials.jsonl").read_text().splitlines()
    everything = [json.loads(line) for line in journal]
    trials = [each for each in everything if each["spec"]["cell"]["workload"] == workload]
    assert len(trials) >= 4
    for trial in trials:
        (store,) = [usage for usage in trial["usages"] if usage["role"] == Role.STORE]
        assert store["cpu_s"] > 0
        assert store["budget_cpus"] == done.result.plan.budget.store_cpus
        assert not trial["failures"]
        assert "store" in trial["identities"]
    cells = [cell for cell in done.result.cells if cell.cell.workload == workload]
    uses = [use.name for cell in cells for use in cell.resources]
    assert uses.count("PostgreSQL") == 2


def test_state_in_memory_breaks_and_the_request_is_told_everywhere(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        timing=SHORT,
        settings={"*": {"STATE": "memory"}},
        workers=("gthread", "sync"),
        workloads=("io",),
    )

    verdict = done.result.verdict
    written = json.loads((done.folder / "run.json").read_text())
    assert (verdict, exit_code(verdict)) == (Verdict.BREAKS, 1)
    kinds = [(probe["kind"], probe["state"]) for probe in written["probes"]]
    assert [state for kind, state in kinds if kind == "declared"] == ["breaks"] * 6
    for name in ("report.md", "report.html", "junit.xml"):
        assert "was answered by" in (done.folder / name).read_text()
    check_break(done, "gthread", one_server=False)  # threads share the memory of their process
    check_break(done, "sync", one_server=True)


def check_break(done: Finished, worker: str, *, one_server: bool) -> None:
    """Assert that a worker model breaks, and whether it does so with one server already."""
    probes = [probe for probe in declared(done.result) if probe.worker == worker]
    doublings = [doubling for doubling in done.result.doublings if doubling.worker == worker]

    assert [probe.state for probe in probes] == [ProbeState.BREAKS] * 3
    assert {doubling.verdict for doubling in doublings} == {Verdict.BREAKS}
    note = probes[0]
    assert set(note.wrong) >= {f"{worker}-1", f"{worker}-2"} - {note.written_by}
    assert any(probe.one_server for probe in probes) is one_server
    assert any(line.startswith(f"{worker} breaks: After PUT") for line in done.lines)


def test_a_store_with_a_sliver_of_cpu_is_what_holds_the_replicas_back(tmp_path: Path) -> None:
    heavy = {"*": {"STORE_ROWS": "50000"}}
    result = run(tmp_path, workloads=("db",), store_cpus=0.05, settings=heavy).result

    (doubling,) = result.doublings
    largest = result.cells[-1]
    assert largest.bottleneck is Bottleneck.STORE
    assert "PostgreSQL used" in largest.bottleneck_detail
    assert "more servers will not change that" in largest.bottleneck_detail
    assert doubling.verdict is not Verdict.SCALES


def test_a_probe_brings_up_a_store_whatever_the_workload(tmp_path: Path) -> None:
    chosen = registry.choose("processes", ROOT)
    options = Options(workers=("gthread",), replicas=(1, 2), workloads=("io",), probe=True)
    plan = make_plan(options, chosen.machine, backend="processes", seed=1)

    with (
        chosen.backend.open(plan, tmp_path, lambda line: None) as stack,
        stack.start_generator() as generator,
    ):
        agent = Agent(generator)
        agent.hello()
        driver = Driver(stack, agent, None)
        driver.wait_ready(plan.upstreams)
        stack.configure_proxy(plan.upstreams)
        driver.wait_for_proxy()
        probes = driver.probe(plan, plan.checks)

    assert plan.with_store
    assert len(probes) == 3
    assert {probe.state for probe in probes} == {ProbeState.OK}
