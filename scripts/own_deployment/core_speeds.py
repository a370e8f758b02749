"""How fast the replicas' cores were in each trial, where the run itself has no speed probe there.

The probe is the one of all runs. It is asked twice a second; a trial's speed is that between the
first and the last answer under its load.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.analysis import core_speed
from loadtests.analysis.core_speed import CoreSpeed, Counts
from loadtests.model.errors import ProcessFailure
from loadtests.model.trial import Trial
from loadtests.tools.proc import Child

EVERY_S = 0.5
ANSWER_LIMIT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Beat:
    """The probe's counts of each core since its start, at a moment."""

    at_s: float
    cores: Mapping[str, Counts]


@contextmanager
def listening(argv: Sequence[str], *, log: Path) -> Iterator[list[Beat]]:
    """Run the speed probe in this block, and provide the growing list of its answers."""
    beats: list[Beat] = []
    over = threading.Event()
    with Child(argv, log=log) as child:

        def listen() -> None:
            with suppress(ProcessFailure):  # it has ended; later trials then have no speed
                while not over.wait(EVERY_S):
                    child.send("now")
                    beats.append(parse(child.receive(ANSWER_LIMIT_S)))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield beats
        finally:
            over.set()
            listener.join(ANSWER_LIMIT_S)


def parse(line: str) -> Beat:
    """Return an answer from the probe's line."""
    told = json.loads(line)
    cores = {
        core: (float(work), float(hashing_s), float(reading_s))
        for core, (work, hashing_s, reading_s) in told["cores"].items()
    }
    return Beat(at_s=float(told["at_s"]), cores=cores)


def with_speeds(
    trials: Sequence[Trial], beats: Sequence[Beat], *, settle_s: float
) -> tuple[Trial, ...]:
    """Return trials with the speeds of the cores under their load, where they are known."""
    return tuple(_with_speeds(trial, beats, settle_s) for trial in trials)


def _with_speeds(trial: Trial, beats: Sequence[Beat], settle_s: float) -> Trial:
    ends_s = trial.started_at_s + settle_s + trial.window_s
    speed = between(beats, trial.started_at_s, ends_s)
    if speed is None:
        return replace(trial, core_speed=None, memory_speed=None)
    return replace(trial, core_speed=speed.hashing, memory_speed=speed.reading)


def between(beats: Sequence[Beat], from_s: float, to_s: float) -> CoreSpeed | None:
    """Return the speed between the first and the last answer of a time; None for fewer than two."""
    inside = [beat for beat in beats if from_s <= beat.at_s <= to_s]
    if len(inside) < 2:
        return None
    return core_speed.between(inside[0].cores, inside[-1].cores)
