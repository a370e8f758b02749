"""An engine that hangs, answers late or fails: one message and exit code 4 within a minute."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from loadtests.model.errors import EXIT_ENVIRONMENT
from scripts.reliability import silent_engine
from scripts.reliability.harness import QUICK, SLOWER, Harness, has_engine
from scripts.reliability.record import Broken, Case
from scripts.reliability.silent_engine import SilentEngine

END_LIMIT_S = 60.0 * SLOWER
AT_ONCE_LIMIT_S = 3.0 * SLOWER
HEALED_LIMIT_S = 90.0 * SLOWER
"""How long a watchdog may take once the engine answers again."""

RUN_LIMIT_S = 300.0 * SLOWER

WAYS = ("never", "late", "fails")
CALLS = 180
"""About how many calls a quick run makes, its removal included."""


def cases(*, full: bool) -> Iterator[Case]:
    """Give 25 calls in three ways, and as many second Ctrl-C; in the short form some of each."""
    if not has_engine():
        return
    count = 25 if full else 2
    for number in range(count):
        call = round(2 + number * (CALLS - 20) / max(1, count - 1) * (0.98 if full else 0.4))
        for way in WAYS if full else WAYS[::2]:
            yield Case(name=f"{way} from call {call} on", run=partial(_ends, way, call))
        yield Case(name=f"twice INT from call {call} on", run=partial(_ends_at_once, call))


def users_cases() -> Iterator[Case]:
    """Give the 5 calls that are tried on a machine as users have it, too."""
    for call in (2, 20, 60, 100, 140):
        yield Case(name=f"never from call {call} on", run=partial(_ends, "never", call))


def _start(engine: SilentEngine, folder: Path) -> Harness:
    words = ("run", "--backend", "compose", "--workload", "io", *QUICK)
    return Harness(folder, *words, env={"DOCKER_HOST": engine.address})


def _ends(way: str, call: int, folder: Path) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="engine-") as short,
        silent_engine.serving(Path(short) / "docker.sock") as engine,
    ):
        engine.way, engine.silent_at = way, call
        harness = _start(engine, folder)
        try:
            _wait_for_silence(engine, harness)
            assert engine.silent_since_s is not None
            code = harness.wait(END_LIMIT_S)
            took_s = time.monotonic() - engine.silent_since_s
            _check(harness, code)
            engine.healed.set()
            harness.hold_to_nothing_left(HEALED_LIMIT_S)
            return f"exit {code} after {took_s:.0f} s"
        finally:
            harness.kill()


def _ends_at_once(call: int, folder: Path) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="engine-") as short,
        silent_engine.serving(Path(short) / "docker.sock") as engine,
    ):
        engine.silent_at = call
        harness = _start(engine, folder)
        try:
            _wait_for_silence(engine, harness)
            harness.signal(signal.SIGINT)
            time.sleep(0.8)
            began_s = time.monotonic()
            harness.signal(signal.SIGINT)
            harness.wait(AT_ONCE_LIMIT_S)
            took_s = time.monotonic() - began_s
            engine.healed.set()
            harness.hold_to_nothing_left(HEALED_LIMIT_S)
            return f"after {took_s:.1f} s"
        finally:
            harness.kill()


def _wait_for_silence(engine: SilentEngine, harness: Harness) -> None:
    deadline_s = time.monotonic() + RUN_LIMIT_S
    while engine.silent_since_s is None:
        if harness.code is not None or time.monotonic() > deadline_s:
            raise Broken(f"{engine.calls} calls, code {harness.code}: {harness.said[-300:]}")
        time.sleep(0.05)


def _check(harness: Harness, code: int) -> None:
    messages = [line for line in harness.said.splitlines() if line.startswith("twofold:")]
    if code != EXIT_ENVIRONMENT or len(messages) != 1 or "Traceback" in harness.said:
        raise Broken(f"exit {code}, {len(messages)} messages: {harness.said[-500:]}")
