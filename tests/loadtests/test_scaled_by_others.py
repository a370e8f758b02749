"""A run whose replicas somebody else scales, too: it stops, and says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests import pipeline
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.result import RunResult
from loadtests.model.vocabulary import RuleCode, Verdict
from loadtests.results import run_folder
from tests.loadtests.fakes import FakeBackend, FakeStack, World
from tests.loadtests.test_pipeline import Listener, a_request

CHANGE = "from 1 to 3 replicas at 12:00:00"


class Shared(FakeStack):
    """A stack that somebody else scales in the first trial whose name begins so."""

    begins = ""
    foreign_change: str | None = None

    def activate(self, spec: TrialSpec) -> None:
        if spec.id.startswith(self.begins):
            self.foreign_change = CHANGE

    def identities(self) -> Mapping[str, str]:
        return {"deployment": self.foreign_change or "as it was scaled"}


def measured_until(begins: str, results: Path, listener: Listener) -> RunResult:
    class Backend(FakeBackend):
        @contextmanager
        def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[FakeStack]:
            with super().open(plan, folder, say) as stack:
                shared = Shared(stack.world, plan)
                shared.begins = begins
                yield shared

    world = World()
    request = a_request(world, results)
    chosen = replace(request.chosen, backend=Backend(world))
    result, _ = pipeline.run(replace(request, chosen=chosen), listener)
    return result


@pytest.mark.parametrize(("begins", "trials"), [("r01-01", 1), ("r02-02", 4)])
def test_it_stops_at_the_first_change_and_has_no_verdict(
    tmp_path: Path, begins: str, trials: int
) -> None:
    listener = Listener()

    result = measured_until(begins, tmp_path, listener)

    (folder,) = tmp_path.glob("2*")
    assert len(run_folder.read(folder).trials) == trials
    assert result.verdict is Verdict.INVALID
    (broken,) = [each for each in result.broken if each.code is RuleCode.IDENTITY]
    assert CHANGE in broken.detail
    assert any(CHANGE in line for line in listener.lines)


def test_before_the_first_trial_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match=CHANGE):
        measured_until("", tmp_path, Listener())
