"""The speed of the cores in each trial, from the answers of a speed probe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.tools import proc
from scripts.own_deployment import core_speeds
from scripts.own_deployment.core_speeds import Beat, between
from tests.loadtests.builders import make_trial

PROBE = """
import json, sys
for number, _ in enumerate(sys.stdin):
    print(json.dumps({"at_s": number, "cores": {"1": [10 * number, number, number]}}), flush=True)
"""


def beats(*work: float) -> list[Beat]:
    """An answer a second from 0 on, each with a CPU-second more of both on two equal cores."""
    return [
        Beat(at_s=at_s, cores={core: (total, float(at_s), float(at_s)) for core in ("0", "1")})
        for at_s, total in enumerate(work)
    ]


def test_a_speed_is_that_between_the_first_and_the_last_answer_inside() -> None:
    answers = beats(0, 100, 300, 600, 1000)

    for from_s, to_s, speed in ((1.0, 3.0, 250.0), (0.5, 2.5, 200.0)):
        found = between(answers, from_s, to_s)
        assert found is not None
        assert found.hashing == pytest.approx(speed)
        assert found.reading == pytest.approx(speed)


@pytest.mark.parametrize(
    ("work", "from_s", "to_s"),
    [
        ((0, 100), 0.5, 1.5),  # one answer alone
        ((), 0.0, 9.0),
        ((100, 100, 100), 0.0, 2.0),  # the probe stands still
    ],
)
def test_a_speed_that_cannot_be_told_is_none(
    work: tuple[float, ...], from_s: float, to_s: float
) -> None:
    assert between(beats(*work), from_s, to_s) is None


def test_each_trial_gets_the_speed_under_its_own_load() -> None:
    slow = make_trial(started_at_s=0.0, window_s=2.0)
    fast, unseen = (make_trial(started_at_s=at_s, window_s=2.0) for at_s in (4.0, 60.0))
    answers = beats(0, 100, 200, 300, 400, 600, 800, 1000)

    trials = core_speeds.with_speeds((slow, fast, unseen), answers, settle_s=1.0)

    assert [trial.core_speed for trial in trials] == [pytest.approx(100), pytest.approx(200), None]
    assert [trial.memory_speed for trial in trials] == [trial.core_speed for trial in trials]


def test_a_probe_is_asked_again_and_again_and_its_answers_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_speeds, "EVERY_S", 0.01)

    with core_speeds.listening((sys.executable, "-c", PROBE), log=tmp_path / "log") as answers:
        proc.wait_until(lambda: len(answers) >= 3, limit_s=20.0, failure="no answers")

    found = between(answers, 0.0, 2.0)
    assert found is not None
    assert found.hashing == pytest.approx(10.0)
