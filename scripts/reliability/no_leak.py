"""However a run or a gate ends, and whenever: nothing of it is left after 30 s."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from scripts.reliability import foreign
from scripts.reliability.harness import QUICK, SLOWER, Harness, has_engine
from scripts.reliability.record import Broken, Case

APART_S = 0.8
"""Between the two Ctrl-C of somebody who does not want to wait."""

END_LIMIT_S = 60.0 * SLOWER
"""How long an orderly end may take, with a stack to take down on a slow machine."""

AT_ONCE_LIMIT_S = 3.0 * SLOWER

CLOSED = "closed terminal"

Start = Callable[[Path, str], Harness]
"""Starts a harness in a folder, for a way to end it."""


def _signal(number: signal.Signals, harness: Harness) -> None:
    harness.signal(number)
    harness.wait(END_LIMIT_S)


def _twice(harness: Harness) -> None:
    harness.signal(signal.SIGINT)
    time.sleep(APART_S)
    harness.signal(signal.SIGINT)
    harness.wait(AT_ONCE_LIMIT_S)


def _closed(harness: Harness) -> None:
    harness.close_terminal()
    harness.wait(END_LIMIT_S)


ENDS: dict[str, Callable[[Harness], None]] = {
    "INT": partial(_signal, signal.SIGINT),
    "TERM": partial(_signal, signal.SIGTERM),
    "HUP": partial(_signal, signal.SIGHUP),
    "KILL": partial(_signal, signal.SIGKILL),
    "twice INT": _twice,
    CLOSED: _closed,
}

RUN_PHASES = (
    ("", 0.2),  # while it imports
    ("Backend ", 0.0),
    ("cells, ", 0.0),
    ("Starting ", 0.0),
    ("Starting ", 1.0),  # while Compose or the processes start
    ("Waiting for ", 0.0),
    ("ceiling", 0.0),
    ("Calibrating", 0.0),
    ("Round 1", 0.0),
    ("Taking the stack down", 0.0),
)
"""A line of progress, and the seconds after it at which a run is ended."""

COMPOSE_PHASES = (*RUN_PHASES[:1], ("Building the image of the app", 0.0), *RUN_PHASES[2:])

GATE_PHASES = (
    ("", 0.2),
    ("Building the image of the proxy", 0.0),
    ("Building the image of the generator", 0.0),
    ("bringing up", 0.0),
    ("bringing up", 2.0),
    ("bringing up", 6.0),
    ("users, ", 0.0),
    ("side by side", 0.0),
    ("one and two replicas", 0.0),
    ("Taking the stack down", 0.0),
)


def _processes(folder: Path, end: str) -> Harness:
    words = ("run", "--backend", "processes", "--workload", "io", *QUICK)
    return Harness(folder, *words, terminal=end == CLOSED)


def _compose(folder: Path, end: str) -> Harness:
    words = ("run", "--backend", "compose", "--workload", "io", *QUICK)
    return Harness(folder, *words, terminal=end == CLOSED)


def _gate(folder: Path, end: str) -> Harness:
    image = "twofold/app:latest"
    words = ("gate", "--base", image, "--head", image, "--max-minutes", "2", "--seed", "1")
    return Harness(folder, *words, terminal=end == CLOSED)


STARTS: dict[str, tuple[Start, tuple[tuple[str, float], ...]]] = {
    "processes": (_processes, RUN_PHASES),
    "compose": (_compose, COMPOSE_PHASES),
    "gate": (_gate, GATE_PHASES),
}


def cases(*, full: bool) -> Iterator[Case]:
    """Give 240 ends and 20 foreign projects; in the short form some of each."""
    for name, (start, phases) in STARTS.items():
        if name == "processes" or has_engine():
            yield from _single(name, start, phases if full else phases[3::5], full=full)
    yield from _both(RUN_PHASES if full else RUN_PHASES[5:6], full=full)
    if has_engine():
        yield from foreign.cases(20 if full else 2)


def users_cases() -> Iterator[Case]:
    """Give the 24 ends that are tried on a machine as users have it, too."""
    for name in ("compose", "processes"):
        start, _ = STARTS[name]
        yield from _single(name, start, (("Starting ", 0.0), ("Round 1", 0.0)), full=True)


def _ends(*, full: bool) -> Iterable[str]:
    return ENDS if full else ("KILL", "twice INT", CLOSED)


def _single(
    name: str, start: Start, phases: Iterable[tuple[str, float]], *, full: bool
) -> Iterator[Case]:
    for line, after_s in phases:
        for end in _ends(full=full):
            run = partial(_end_one, start, line, after_s, end)
            yield Case(name=f"{name} {end} at {_moment(line, after_s)}", run=run)


def _both(phases: Iterable[tuple[str, float]], *, full: bool) -> Iterator[Case]:
    for line, after_s in phases:
        for end in _ends(full=full):
            run = partial(_end_two, line, after_s, end)
            yield Case(name=f"two at once {end} at {_moment(line, after_s)}", run=run)


def _moment(line: str, after_s: float) -> str:
    return f"{line.strip() or 'the start'}{f' + {after_s:g} s' if after_s else ''}"


def _end_one(start: Start, line: str, after_s: float, end: str, folder: Path) -> str:
    harness = start(folder, end)
    try:
        harness.wait_for(line)
        time.sleep(after_s)
        ENDS[end](harness)
        return f"gone after {harness.hold_to_nothing_left():.1f} s"
    finally:
        harness.kill()


def _end_two(line: str, after_s: float, end: str, folder: Path) -> str:
    """End a run that measures and one that waits for it."""
    both = [_processes(folder, end)]
    try:
        both[0].wait_for("cells, ")
        both.append(_processes(folder, end))
        both[1].wait_for("Waiting for another run")
        both[0].wait_for(line)
        time.sleep(after_s)
        for harness in reversed(both):
            ENDS[end](harness)
        gone_s = max(harness.hold_to_nothing_left() for harness in both)
        if len(both[0].runs()) != 1:
            raise Broken("the run that waited has made a folder")
        return f"gone after {gone_s:.1f} s"
    finally:
        for harness in both:
            harness.kill()
