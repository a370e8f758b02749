"""The whole pipeline in milliseconds, with a stack and a generator in memory."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loadtests import pipeline
from loadtests.analysis.rounds import FIRST_LOOK_ROUNDS
from loadtests.config.options import ROUNDS_MAX, Options
from loadtests.environments.protocol import Chosen, Say
from loadtests.model.errors import EnvironmentFailure, GeneratorFailure, Interrupted
from loadtests.model.plan import MOST_USERS, Plan
from loadtests.model.result import RunResult
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, Verdict
from loadtests.pipeline import Request
from loadtests.planning.run_plan import make_plan
from loadtests.results import run_folder, run_search
from loadtests.tools.proc import wait_until
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeBackend, FakeStack, Order, World

CALIBRATION_TRIALS = 2
"""Of a constant throughput: one user alone, and the first doubling that gains nothing."""


class Listener:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.plans: list[Plan] = []
        self.counts: list[int] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def planned(self, plan: Plan) -> None:
        self.plans.append(plan)

    def measured(self, trials: Sequence[Trial]) -> None:
        self.counts.append(len(trials))

    def close(self) -> None:
        pass


def a_request(world: World, results: Path, **fields: Any) -> Request:
    options = replace(Options(workers=("gthread",), replicas=(1, 2)), **fields)
    machine = make_machine()
    return Request(
        plan=make_plan(options, machine, backend="fake", seed=1),
        chosen=Chosen(backend=FakeBackend(world), machine=machine, why="for a test"),
        results=results,
        command="twofold run --seed 1",
    )


def run(
    world: World, results: Path, listener: Listener | None = None, **fields: Any
) -> tuple[RunResult, Path]:
    return pipeline.run(a_request(world, results, **fields), listener or Listener())


def the_run_in(results: Path) -> tuple[run_folder.Recorded, dict[str, Any]]:
    folder = run_search.find_run(results, None)
    return run_folder.read(folder), json.loads((folder / "run.json").read_text())


def varying(spread: float) -> Callable[[Order, Sequence[str]], float]:
    rng = Random(1)
    return lambda _, members: 50.0 * len(members) * rng.lognormvariate(0, spread)


def raising_at(trial: int, error: BaseException) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number == trial:
            raise error

    return before


def test_a_finished_run_has_its_verdict_and_every_file_of_the_contract(tmp_path: Path) -> None:
    result, folder = run(World(), tmp_path, rounds=4)

    assert result.verdict is Verdict.SCALES
    assert [round(each.factor.estimate or 0, 6) for each in result.doublings] == [2.0]
    assert not result.broken
    for name in ("run.json", "trials.jsonl", "report.md", "junit.xml", "plan.json"):
        assert (folder / name).stat().st_size > 0
    names = {spec.id for planned in result.plan.rounds for spec in planned}
    assert {path.stem for path in (folder / "samples").iterdir()} == names


def test_what_the_stack_notes_is_in_the_record_also_what_it_notes_while_it_goes_down(
    tmp_path: Path,
) -> None:
    class Noting(FakeBackend):
        @contextmanager
        def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[FakeStack]:
            with super().open(plan, folder, say) as stack:
                stack.notes = ("Port 8000 is used.",)
                yield stack
                stack.notes = (*stack.notes, "Replicas ignored SIGTERM.")

    world = World()
    request = a_request(world, tmp_path, rounds=2)
    backend = Noting(world)

    result, _ = pipeline.run(
        replace(request, chosen=replace(request.chosen, backend=backend)), Listener()
    )

    assert result.plan.tested.notes == ("Port 8000 is used.", "Replicas ignored SIGTERM.")
    assert the_run_in(tmp_path)[1]["notes"] == list(result.plan.tested.notes)


def test_the_stack_is_down_when_the_run_is_over(tmp_path: Path) -> None:
    world = World()

    run(world, tmp_path, rounds=2)

    assert world.open == 0


def test_fixed_rounds_are_measured_however_wide_the_intervals(tmp_path: Path) -> None:
    result, _ = run(World(rps=varying(0.2)), tmp_path, rounds=3)

    assert result.rounds == 3


def test_a_precise_answer_ends_at_the_first_look(tmp_path: Path) -> None:
    result, _ = run(World(), tmp_path)

    assert result.rounds == FIRST_LOOK_ROUNDS


def test_an_imprecise_answer_ends_at_the_last_round(tmp_path: Path) -> None:
    result, _ = run(World(rps=varying(0.2)), tmp_path)

    assert result.rounds == ROUNDS_MAX


def test_users_grow_with_the_replicas_from_what_was_calibrated(tmp_path: Path) -> None:
    world = World()

    result, _ = run(world, tmp_path, rounds=2)

    assert [trial["users"] for trial in world.trials[:CALIBRATION_TRIALS]] == [1, 4]
    assert result.calibrations[0].users_per_replica == 16
    assert {trial["id"][-1]: trial["users"] for trial in world.trials[CALIBRATION_TRIALS:]} == {
        "1": 16,
        "2": 32,
    }


def test_every_request_of_every_trial_is_counted_alike_by_all(tmp_path: Path) -> None:
    _, folder = run(World(), tmp_path, rounds=2)

    trials = run_folder.read(folder).trials
    assert len(trials) == 4
    for trial in trials:
        counts = trial.conservation
        assert counts.sent > 0
        assert counts.sent == counts.answered == counts.proxy == counts.replicas


def test_progress_hears_of_the_plan_of_each_phase_and_of_each_trial(tmp_path: Path) -> None:
    listener = Listener()

    result, _ = run(World(), tmp_path, listener, rounds=2)

    assert listener.plans == [result.plan]
    assert listener.counts == [1, 2, 3, 4]
    assert listener.lines[0] == "Waiting for 2 replicas to answer"
    assert listener.lines[-1] == "Taking the stack down"


def test_the_facts_say_how_long_it_took_and_by_which_versions(tmp_path: Path) -> None:
    result, _ = run(World(), tmp_path, rounds=2)

    facts = result.facts
    assert facts.finished
    assert facts.versions == {"locust": "2.47.0", "python": "3.13.5"}
    assert facts.command == "twofold run --seed 1"
    assert 0 < facts.measuring_s <= facts.wall_s


def test_a_replica_that_gets_no_share_takes_the_verdict_away(tmp_path: Path) -> None:
    world = World()
    proven = 6

    def all_to_the_first(members: Sequence[str], turn: int) -> str:
        return members[0] if len(world.trials) > proven else members[turn % len(members)]

    world.share = all_to_the_first

    result, _ = run(world, tmp_path, rounds=6)

    assert result.verdict is Verdict.INVALID
    assert {found.code for found in result.broken} == {RuleCode.REPLICA_SHARE}


def test_shares_that_are_wrong_from_the_start_stop_the_run(tmp_path: Path) -> None:
    world = World(share=lambda members, _: members[0])

    with pytest.raises(EnvironmentFailure, match=r"Port \d+ of the proxy should pass to"):
        run(world, tmp_path)

    assert (world.open, world.trials) == (0, [])


def test_a_system_that_more_users_would_speed_up_has_no_verdict(tmp_path: Path) -> None:
    world = World(throttled_ratio=0.1, rps=lambda order, _: 200 * order["users"] ** 0.2)

    result, _ = run(world, tmp_path, rounds=4)

    assert result.verdict is Verdict.INVALID
    assert {found.code for found in result.broken} == {RuleCode.NOT_SATURATED}
    assert result.calibrations[0].users_per_replica == MOST_USERS


def test_a_live_report_is_written_while_the_run_goes_on(tmp_path: Path) -> None:
    pages: list[str] = []

    def look(number: int) -> None:
        if number == CALIBRATION_TRIALS + 2:
            wait_until(lambda: any(tmp_path.glob("*/report.html")), limit_s=20, failure="no page")
            pages.extend(page.read_text() for page in tmp_path.glob("*/report.html"))

    _, folder = run(World(before_trial=look), tmp_path, rounds=2)

    (page,) = pages
    assert 'http-equiv="refresh"' in page
    assert 'http-equiv="refresh"' not in (folder / "report.html").read_text()


# -- when it goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Interrupted(signal.SIGINT), None),
        (Interrupted(signal.SIGTERM), None),
        (GeneratorFailure("The generator ended."), 4),
        (KeyboardInterrupt(), None),
        (OSError(28, "No space left on device"), None),
    ],
)
def test_a_run_that_is_cut_off_keeps_what_was_finished(
    tmp_path: Path, error: BaseException, code: int | None
) -> None:
    world = World(before_trial=raising_at(CALIBRATION_TRIALS + 6, error))

    with pytest.raises(type(error)) as raised:
        run(world, tmp_path)

    assert raised.value is error
    assert world.open == 0
    recorded, document = the_run_in(tmp_path)
    assert len(recorded.trials) == 5
    assert not recorded.facts.finished
    assert document["verdict"] == "inconclusive"
    assert document["rounds"] == 2
    assert code is None or getattr(error, "exit_code", None) == code


def test_a_run_that_ends_before_any_trial_is_still_a_run(tmp_path: Path) -> None:
    world = World(before_trial=raising_at(1, Interrupted(signal.SIGINT)))

    with pytest.raises(Interrupted):
        run(world, tmp_path)

    recorded, document = the_run_in(tmp_path)
    assert recorded.trials == ()
    assert document["verdict"] == "inconclusive"


def test_a_stack_that_does_not_come_up_is_reported_as_such(tmp_path: Path) -> None:
    class Broken(FakeBackend):
        @contextmanager
        def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[FakeStack]:
            raise EnvironmentFailure("The image of the app does not build.")
            yield

    request = a_request(World(), tmp_path)
    broken = replace(request, chosen=replace(request.chosen, backend=Broken(World())))

    with pytest.raises(EnvironmentFailure, match="does not build"):
        pipeline.run(broken, Listener())

    assert the_run_in(tmp_path)[1]["verdict"] == "inconclusive"


def test_a_result_is_the_same_again_from_what_is_on_disk(tmp_path: Path) -> None:
    result, folder = run(World(rps=varying(0.03)), tmp_path)

    assert pipeline.conclude(run_folder.read(folder)) == result
