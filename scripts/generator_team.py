#!/usr/bin/env python3
"""Is a generator of two machines as good as one? Two listeners on this machine say it.

    .venv/bin/python -m scripts.generator_team       # two minutes; the machine should be idle

At a given rate, both have to send as many requests as are due, as punctually; at known delays, both
have to measure the same percentiles. Then a machine is killed in each of ten trials, which has to
be counted each time, and has to be there again in the next one. The figures go to
results/generator_team.json; the exit code is 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.generator.team.handshake import VARIABLE
from scripts.generator_bench.child import PROJECT, Generator
from scripts.generator_bench.servers import stub

HOSTS = ("127.0.0.2", "127.0.0.3")

RATE_RPS = 300.0
RATE_S = 10.0

DELAYS_MS = (5, 20, 100)
DELAY_S = 2.0
MOST_APART_MS = 2.0
"""How far the median may be from that of one machine. The 99th percentile is recorded, too; with
two machines on two cores it is the scheduler's."""

KILLS = 10


class Team(Generator):
    """The generators of several machines as one."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__()
        self._command = (sys.executable, "-m", "loadtests.generator.team", *addresses)

    def pids(self) -> list[int]:
        """Return the process of each machine's generator."""
        return [int(machine["pid"]) for machine in self.ask(op="hello")["machines"]]


@contextmanager
def listening(host: str) -> Iterator[str]:
    """Lend an address of the loopback interface as a machine; provide its ``host:port``."""
    process = subprocess.Popen(
        (sys.executable, "-m", "loadtests.generator.team.listen", f"{host}:0"),
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stderr is not None
    with process.stderr:
        told = re.search(r"at (\S+)$", process.stderr.readline())
        try:
            assert told is not None, "The listener did not begin."
            yield told[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def at_rate(generator: Generator, url: str) -> dict[str, float]:
    """Return the offered and the answered rate, and how punctually requests were sent."""
    trial = generator.trial(
        base_url=url, path="/1", mode="open", rate_rps=RATE_RPS, seed=1, window_s=RATE_S
    )
    columns, due = trial.columns, trial.due
    late_ms = (columns["sent_us"][due] - columns["due_us"][due]) / 1e3
    return {
        "offered_rps": len(due) / RATE_S,
        "answered_rps": round(len(trial.completed) / RATE_S, 2),
        "late_p50_ms": round(float(np.percentile(late_ms, 50)), 3),
        "late_p99_ms": round(float(np.percentile(late_ms, 99)), 3),
    }


def at_delay(generator: Generator, url: str, delay_ms: int) -> dict[str, float]:
    """Return the percentiles of a stub that answers after a known time."""
    trial = generator.trial(
        base_url=url, path=f"/{delay_ms}", mode="open", rate_rps=RATE_RPS, seed=2, window_s=DELAY_S
    )
    took_ms = trial.milliseconds(trial.due, since="due")
    return {f"p{p}_ms": round(float(np.percentile(took_ms, p)), 3) for p in (50, 99)}


def killed(team: Team, url: str) -> dict[str, Any]:
    """Kill one machine's generator in a trial, and run another one."""
    victim = secrets.choice(team.pids())
    order = {"base_url": url, "path": "/5", "users": 4, "window_s": 1.0}
    broken = team.trial_and(lambda: os.kill(victim, signal.SIGKILL), **order)
    whole = team.trial(**order)
    return {
        "lost": broken.finished["lost_workers"],
        "lost_in_the_next": whole.finished["lost_workers"],
        "clock_error_ms": whole.finished["clock_error_ms"],
    }


def measure() -> dict[str, Any]:
    """Return all figures."""
    os.environ[VARIABLE] = secrets.token_hex(16)
    with ExitStack() as stack:
        url, _ = stack.enter_context(stub("delay", None))
        addresses = [stack.enter_context(listening(host)) for host in HOSTS]
        one = stack.enter_context(Generator())
        team = stack.enter_context(Team(addresses))
        kinds: dict[str, Generator] = {"one": one, "two": team}
        rate = {name: at_rate(generator, url) for name, generator in kinds.items()}
        delays = [
            {"delay_ms": delay_ms}
            | {name: at_delay(generator, url, delay_ms) for name, generator in kinds.items()}
            for delay_ms in DELAYS_MS
        ]
        kills = [killed(team, url) for _ in range(KILLS)]
    return {"rate": rate, "delays": delays, "kills": kills}


def failed(figures: dict[str, Any]) -> list[str]:
    """Return a sentence for each bound that does not hold."""
    told = []
    offered = {name: row["offered_rps"] for name, row in figures["rate"].items()}
    if set(offered.values()) != {RATE_RPS}:
        told.append(f"The offered rates are {offered}, and not {RATE_RPS:g} each.")
    for row in figures["delays"]:
        apart_ms = abs(row["two"]["p50_ms"] - row["one"]["p50_ms"])
        if apart_ms > MOST_APART_MS:
            told.append(f"At {row['delay_ms']} ms the medians are {apart_ms:.1f} ms apart.")
    seen = sum((kill["lost"], kill["lost_in_the_next"]) == (1, 0) for kill in figures["kills"])
    if seen < len(figures["kills"]):
        told.append(f"{seen} of {len(figures['kills'])} killed machines were counted once.")
    return told


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the figures, and return 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=PROJECT / "results" / "generator_team.json")
    options = parser.parse_args(argv)
    figures = measure()
    options.out.write_text(json.dumps(figures, indent=1) + "\n")
    sentences = failed(figures)
    print("\n".join(sentences) or "All bounds hold.", file=sys.stderr)
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main())
