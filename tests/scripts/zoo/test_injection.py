from dataclasses import replace
from pathlib import Path

import pytest

from loadtests import pipeline
from loadtests.model.plan import TrialSpec
from loadtests.tools.proc import Child
from scripts.zoo.faults import FewUsers, MidWindow
from scripts.zoo.injection import FaultyBackend, Injection, Order, Scene
from tests.loadtests.fakes import World
from tests.loadtests.test_pipeline import CALIBRATION_TRIALS, Listener, a_request


class Noting(Injection):
    """A fault that does nothing but note when it could."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start_generator(self, scene: Scene) -> Child:
        self.notes.append("start")
        return super().start_generator(scene)

    def begin(self, scene: Scene) -> None:
        self.notes.append("begin")

    def before(self, scene: Scene, spec: TrialSpec, order: Order) -> None:
        self.notes.append(f"before {spec.round}")

    def opened(self, scene: Scene, spec: TrialSpec, order: Order) -> None:
        self.notes.append(f"opened {spec.round}")

    def end(self) -> None:
        self.notes.append("end")


def run_with(injection: Injection, world: World, results: Path) -> None:
    request = a_request(world, results, rounds=2)
    faulty = replace(request.chosen, backend=FaultyBackend(request.chosen.backend, injection))
    pipeline.run(replace(request, chosen=faulty), Listener())


def test_a_fault_comes_after_proof_and_calibration_and_is_taken_back(tmp_path: Path) -> None:
    noting = Noting()

    run_with(noting, World(), tmp_path)

    assert noting.notes == [
        "start",
        "begin",
        *("before 1", "opened 1") * 2,
        *("before 2", "opened 2") * 2,
        "end",
    ]


def test_what_the_generator_is_asked_for_can_be_changed_on_its_way(tmp_path: Path) -> None:
    world = World()

    run_with(FewUsers(3), world, tmp_path)

    assert world.trials[0]["users"] == 1, "calibrations stay as they are"
    assert {trial["users"] for trial in world.trials[CALIBRATION_TRIALS:]} == {3}


@pytest.mark.slow  # as long as its window
@pytest.mark.parallel
def test_a_fault_in_the_middle_of_a_window_comes_once_in_its_round(tmp_path: Path) -> None:
    struck: list[Scene] = []

    run_with(MidWindow(struck.append), World(), tmp_path)

    assert len(struck) == 1


def test_a_trial_that_is_measured_again_is_known_by_its_first_name(tmp_path: Path) -> None:
    seen: list[TrialSpec | None] = []

    class Asking(Injection):
        def before(self, scene: Scene, spec: TrialSpec, order: Order) -> None:
            seen.append(scene.spec_of({"id": f"{spec.id}-again"}))
            seen.append(scene.spec_of({"id": "calibrate-gthread-cpu"}))

    run_with(Asking(), World(), tmp_path)

    assert seen[0] is not None
    assert seen[1] is None
