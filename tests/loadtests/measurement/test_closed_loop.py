import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.progress import PlainProgress
from loadtests.config.options import Options
from loadtests.environments.keep_awake import Awake
from loadtests.measurement.closed_loop import Session
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.driver import NOTHING_AWAKE, Driver
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.repeated_trials import REPEATED_PART
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.workload import RequestSpec, Workload
from loadtests.model.trial import Trial
from loadtests.planning.run_plan import make_plan
from loadtests.results import run_folder
from loadtests.results.run_folder import Store
from tests.loadtests.builders import make_facts, make_machine
from tests.loadtests.fakes import FakeStack, Order, World

ROUNDS = 2


class Quiet(PlainProgress):
    """A progress that only counts the trials it heard of."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def say(self, line: str) -> None:
        pass

    def measured(self, trials: Sequence[Trial]) -> None:
        self.counts.append(len(trials))


class Measured:
    """What a session wrote down, and whom it told."""

    def __init__(
        self,
        results: Path,
        world: World,
        *,
        reset_command: tuple[str, ...] = (),
        workload: Workload | None = None,
        awake: Awake = NOTHING_AWAKE,
        **fields: Any,
    ) -> None:
        options = replace(Options(workers=("gthread",), rounds=ROUNDS), **fields)
        plan = make_plan(options, make_machine(), backend="fake", seed=1)
        plan = replace(plan, reset_command=reset_command)
        if workload is not None:
            plan = replace(plan, workloads=(workload,))
        kept = Store.create(results, "a-run")
        kept.begin(make_facts(finished=False), make_machine(), plan)
        stack = FakeStack(world, plan)
        agent, metronome = Agent(stack.start_generator()), Metronome(stack.start_metronome())
        driver = Driver(stack, agent, metronome, awake)
        self.progress = Quiet()
        self.watched = 0
        session = Session(plan, stack, driver, kept, self.progress, self._watch)
        session.prepare()
        session.measure()
        self.plan = plan
        self.trials = run_folder.read(kept.folder).trials
        self.in_force = run_folder.read(kept.folder).in_force
        self.samples = {path.stem for path in (kept.folder / "samples").iterdir()}

    def _watch(self) -> None:
        self.watched += 1


def in_first_trial_of(*rounds: int) -> Callable[[Order], float]:
    """Let others use a fifth of the cores in the first trial of these rounds."""
    names = tuple(f"r{number:02d}-01-" for number in rounds)
    return lambda order: (
        0.2 if order["id"].startswith(names) and not order["id"].endswith("-again") else 0.0
    )


def test_every_planned_trial_is_measured_once_in_order(tmp_path: Path) -> None:
    measured = Measured(tmp_path, World())

    planned = [spec for each in measured.plan.rounds for spec in each]
    assert [trial.spec for trial in measured.trials] == planned
    assert measured.progress.counts == list(range(1, len(planned) + 1))
    assert measured.watched == len(planned)


@pytest.mark.parametrize("spread", [True, False, None])
def test_whether_cpu_periods_are_spread_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spread: bool | None
) -> None:
    monkeypatch.setattr(FakeStack, "periods_spread", spread, raising=False)

    measured = Measured(tmp_path, World())

    assert [entry.periods_spread for entry in measured.in_force] == [spread]


def settled_ratios(
    results: Path, rps: Callable[[int], float], *, worker: str = "gevent"
) -> dict[int, list[float]]:
    """Give how long each trial of each number of replicas settles, in response times of one.

    gevent serves all users at once.
    """
    world = World(rps=lambda _, members: rps(len(members)))
    measured = Measured(results, world, workers=(worker,))
    settled: dict[int, list[float]] = {}
    orders = [order for order in world.trials if order["id"].startswith("r")]
    for order, trial in zip(orders, measured.trials, strict=True):
        replicas = trial.spec.cell.replicas
        answer_s = trial.users / replicas / rps(1)
        settled.setdefault(replicas, []).append(order["settle_s"] / answer_s)
    return settled


def test_a_slow_system_is_given_two_answers_time_to_settle_and_a_part_of_one(
    tmp_path: Path,
) -> None:
    """No window opens at the same moment of a system whose slots all began at once."""
    cells = settled_ratios(tmp_path / "one", lambda replicas: 10.0 * replicas)

    for settled in cells.values():
        assert all(2.0 <= each <= 3.0 for each in settled)
        assert abs(settled[1] - settled[0]) > 0.2
    assert cells == settled_ratios(tmp_path / "again", lambda replicas: 10.0 * replicas)  # the seed


def test_a_cell_whose_answers_take_longer_than_those_of_one_replica_settles_for_longer(
    tmp_path: Path,
) -> None:
    """As soon as that is known, which is after its first trial."""
    cells = settled_ratios(tmp_path, lambda _: 10.0)

    assert all(2.0 <= settled[0] <= 3.0 for settled in cells.values())
    assert 2.0 <= cells[1][1] <= 3.0
    assert 4.0 <= cells[2][1] <= 6.0
    assert cells[2][1] < cells[4][1] <= 12.0  # a warm-up has a longest length


@pytest.mark.parametrize("worker", ["gthread", "sync"])
def test_what_waits_for_a_slot_is_not_waited_for(worker: str, tmp_path: Path) -> None:
    """All users have had an answer, and a part of the time in a slot comes on top."""
    cells = settled_ratios(tmp_path, lambda replicas: 10.0 * replicas, worker=worker)

    for settled in cells.values():
        assert all(1.0 <= each < 2.0 for each in settled)
        assert abs(settled[1] - settled[0]) > 0.05


def test_a_disturbed_window_is_set_aside_and_measured_again_at_the_rounds_end(
    tmp_path: Path,
) -> None:
    measured = Measured(tmp_path, World(foreign=in_first_trial_of(1)))

    first, *_, again = measured.trials[:4]
    assert first.set_aside == "Other programs took 20.0% of the cores"
    assert again.spec == replace(first.spec, id=f"{first.spec.id}-again")
    assert [trial.set_aside for trial in measured.trials[1:]] == [None] * 6
    assert {first.spec.id, again.spec.id} <= measured.samples


def test_a_window_on_a_core_that_is_held_back_is_measured_again(tmp_path: Path) -> None:
    held_back = in_first_trial_of(2)
    world = World(speed=lambda order: 1 - 2.5 * held_back(order))
    measured = Measured(tmp_path, world, awake=Awake(os.getpid()))

    aside = [trial for trial in measured.trials if trial.set_aside]
    assert [trial.set_aside for trial in aside] == ["The cores ran at 50% of their usual speed"]
    assert measured.trials[-1].spec == replace(aside[0].spec, id=f"{aside[0].spec.id}-again")


def test_a_trial_that_is_set_aside_is_no_progress(tmp_path: Path) -> None:
    measured = Measured(tmp_path, World(foreign=in_first_trial_of(1, 2)))

    assert len(measured.trials) == 8
    assert measured.progress.counts == list(range(1, 7))
    assert measured.watched == 8


@pytest.mark.parametrize(("replicas", "cells"), [((1, 2), 2), ((1, 2, 4, 8), 4)])
def test_where_all_windows_are_disturbed_a_part_is_measured_again_and_all_count(
    tmp_path: Path, replicas: tuple[int, ...], cells: int
) -> None:
    measured = Measured(tmp_path, World(foreign=lambda _: 0.2), replicas=replicas)

    aside = [trial for trial in measured.trials if trial.set_aside]
    assert len(aside) == ROUNDS * max(1, cells // REPEATED_PART)
    assert len(measured.trials) - len(aside) == ROUNDS * cells


@pytest.mark.parametrize("replicas", [(1, 2), (2, 4), (4, 8)])
def test_each_replica_has_as_many_users_whichever_counts_are_planned(
    tmp_path: Path, replicas: tuple[int, ...]
) -> None:
    world = World(rps=lambda _, members: 200.0 * len(members))
    measured = Measured(tmp_path, world, replicas=replicas)

    (calibration,) = run_folder.read(tmp_path / "a-run").calibrations
    assert [(each.users, each.throughput_rps) for each in calibration.steps] == [(1, 200), (4, 200)]
    assert {trial.users / trial.spec.cell.replicas for trial in measured.trials} == {16.0}


def test_the_reset_command_runs_before_each_round(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    program = f"open({str(marks)!r}, 'a').write('x')"
    Measured(tmp_path, World(), reset_command=(sys.executable, "-c", program))

    assert marks.read_text() == "x" * ROUNDS


def test_each_load_of_users_says_how_many_of_them_the_fewest_replicas_have(
    tmp_path: Path,
) -> None:
    """So that a list of credentials which is too short for two servers alone is found."""
    world = World()
    own = Workload(name="cpu", path="/", requests=(RequestSpec(path="/"),))

    measured = Measured(tmp_path, world, workload=own)

    orders = [order for order in world.trials if order["id"].startswith("r")]
    fewest = {order["fewest_users"] for order in orders}
    assert fewest == {min(order["users"] for order in orders)}
    assert len(orders) == len(measured.trials)
    calibrated = [order for order in world.trials if order["id"].startswith("calibrate")]
    assert all(order["fewest_users"] == order["users"] for order in calibrated)


def test_what_a_reset_starts_anew_is_waited_for_before_the_next_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    monkeypatch.setattr(
        FakeStack, "forget_replicas", lambda _: happened.append("forget"), raising=False
    )
    monkeypatch.setattr(FakeStack, "activate", lambda _, spec: happened.append(f"{spec.round}"))

    Measured(tmp_path, World(), reset_command=(sys.executable, "-c", ""))
    planned = [word for word in happened if word != "0"]

    assert planned.count("forget") == ROUNDS
    assert planned[0] == "forget"
    for number in range(1, ROUNDS + 1):
        assert planned[planned.index(str(number)) - 1] == "forget"


def test_others_are_looked_for_before_a_reset_hides_what_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others_scaled(_: object) -> None:
        raise EnvironmentFailure("Somebody else scales the deployment")

    monkeypatch.setattr(FakeStack, "forget_replicas", others_scaled, raising=False)
    ran = tmp_path / "ran"
    command = (sys.executable, "-c", f"open({str(ran)!r}, 'w')")

    with pytest.raises(EnvironmentFailure, match="Somebody else"):
        Measured(tmp_path, World(), reset_command=command)

    assert not ran.exists()


def test_without_a_reset_nothing_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(
        FakeStack, "forget_replicas", lambda _: forgotten.append("forget"), raising=False
    )

    Measured(tmp_path, World())

    assert forgotten == []
