"""A load that cannot be used any further does not take back that the application breaks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests import pipeline
from loadtests.analysis.consistency.judgement import Asked
from loadtests.measurement.check_trial import CheckedLoad, RefusedLoad
from loadtests.measurement.driver import Driver
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.errors import UnusableLoad
from loadtests.model.plan import Plan
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.model.vocabulary import Verdict
from loadtests.pipeline import Request
from tests.loadtests.fakes import World
from tests.loadtests.measurement.user_load.check_trial_facts import facts
from tests.loadtests.test_pipeline import (
    CALIBRATION_TRIALS,
    Listener,
    a_request,
    raising_at,
    run,
    the_run_in,
)

CANNOT_START = UnusableLoad("Users end before their first task:\n  KeyError: 'token'")


def test_a_load_that_cannot_go_on_does_not_take_back_that_the_application_breaks(
    tmp_path: Path,
) -> None:
    """Users who log in through two servers may fail for the very reason that the checks found."""
    world = World(state="memory", before_trial=raising_at(CALIBRATION_TRIALS + 2, CANNOT_START))
    listener = Listener()

    result, folder = run(world, tmp_path, listener)

    assert result.verdict is Verdict.BREAKS
    assert world.open == 0
    assert not result.facts.finished
    told = result.plan.tested.notes[-1]
    assert told == listener.lines[-1]
    assert told.startswith("This ended early. ")
    assert "Users end before their first task: KeyError: 'token'" in told
    document = json.loads((folder / "run.json").read_text())
    assert (document["verdict"], document["notes"][-1]) == ("breaks", told)


LIST = Workload(
    name="own",
    path="/me",
    requests=(RequestSpec(path="/me"),),
    start=(RequestSpec(method="POST", path="/login"),),
)


def refusing_request(
    results: Path, monkeypatch: pytest.MonkeyPatch, state: ProbeState
) -> tuple[Request, list[str]]:
    """Give a run whose check trial is refused, and that finds this when it asks the servers."""
    asked: list[str] = []
    checked = CheckedLoad(facts())

    def check_load(*_: object) -> CheckedLoad:
        raise RefusedLoad("GET /me was answered with 401.", checked=checked)

    def ask_servers(
        _: Driver, plan: Plan, checked: Mapping[str, CheckedLoad]
    ) -> tuple[ProbeResult, ...]:
        asked.extend(checked)
        return (
            Asked(worker="gthread", workload=plan.workloads[0].name).result(
                ProbeKind.ANSWER, "GET /me", state, "Already between the processes of one server."
            ),
        )

    monkeypatch.setattr(Driver, "check_load", check_load)
    monkeypatch.setattr(Driver, "ask_servers", ask_servers)
    given = a_request(World(), results)
    return replace(given, plan=replace(given.plan, workloads=(LIST,))), asked


def test_users_who_are_refused_by_another_process_of_one_server_show_that_it_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, asked = refusing_request(tmp_path, monkeypatch, ProbeState.BREAKS)

    result, _ = pipeline.run(given, Listener())

    assert asked == ["own"]
    assert result.verdict is Verdict.BREAKS
    assert result.plan.tested.notes[-1].endswith("GET /me was answered with 401.")


@pytest.mark.parametrize("state", [ProbeState.OK, ProbeState.NOTE, ProbeState.UNCHECKED])
def test_users_who_are_refused_by_all_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: ProbeState
) -> None:
    given, asked = refusing_request(tmp_path, monkeypatch, state)

    with pytest.raises(RefusedLoad):
        pipeline.run(given, Listener())

    assert asked == ["own"]


def test_a_load_that_cannot_go_on_ends_a_run_whose_servers_answer_as_one(tmp_path: Path) -> None:
    world = World(state="store", before_trial=raising_at(CALIBRATION_TRIALS + 2, CANNOT_START))

    with pytest.raises(UnusableLoad) as raised:
        run(world, tmp_path)

    assert str(CANNOT_START) in str(raised.value)
    assert the_run_in(tmp_path)[1]["verdict"] == "inconclusive"
