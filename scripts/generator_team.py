#!/usr/bin/env python3
"""Is a generator of two machines as good as one? Two listeners on this machine say it.

    .venv/bin/python -m scripts.generator_team       # seven minutes; the machine should be idle

Both have to keep the bounds of ``make bench`` for rates and for a server that stalls: the offered
rate within 0.5 % from 50 to 5,000 rps, arrivals of a Poisson process, and a stall that the open
loop shows. At known delays and 500 rps, the percentiles of two have to be within 0.3 ms or 2 % of
the truth, or as near as those of one. Then a machine is killed in each of ten trials: it has to be
counted and make the trial invalid each time, and has to be there again in the next one. The
figures go to results/generator_team.json; the exit code is 1 if a bound does not hold.
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
from statistics import median
from typing import Any

import numpy as np

from loadtests.analysis.rules.load import generator_saturated
from loadtests.generator.team.handshake import VARIABLE
from loadtests.model.trial import GeneratorHealth
from loadtests.model.vocabulary import RuleState
from scripts.generator_bench import items
from scripts.generator_bench.child import PROJECT, Generator, pinned
from scripts.generator_bench.figures import excess
from scripts.generator_bench.items import cores
from scripts.generator_bench.processes import kept_awake, real_time
from scripts.generator_bench.servers import static_nginx, stub
from tests.loadtests.builders import make_plan, make_trial

HOSTS = ("127.0.0.2", "127.0.0.3")

RATE_RPS = 300.0
RATE_S = 10.0

DELAYS_MS = (1, 2, 5, 20, 100)
DELAY_TRIALS = 3

PERCENTILES = {"p50_ms": "medians", "p99_ms": "99th percentiles"}

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
def listening(host: str, core: int | None) -> Iterator[str]:
    """Lend an address of the loopback interface as a machine; provide its ``host:port``."""
    process = subprocess.Popen(
        (
            *pinned(core),
            *(sys.executable, "-m", "loadtests.generator.team.listen", f"{host}:0"),
        ),
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


def at_delay(
    generator: Generator, pids: Sequence[int], stubbed: tuple[str, int], delay_ms: int
) -> dict[str, Any]:
    """Return the percentiles of a stub that answers after a known time: medians of three trials.

    This is the generator's error, and not the scheduler's, where this user may set real-time
    priority; see ``generator_bench.items.known_delays``.
    """
    url, stub_pid = stubbed
    own, other = cores()
    trials = []
    with kept_awake(own), kept_awake(other), real_time(stub_pid, *pids) as permitted:
        for _ in range(DELAY_TRIALS):
            trial = items.delayed(generator, url, delay_ms)
            took_ms = trial.milliseconds(trial.due, since="sent")
            trials.append({p: float(np.percentile(took_ms, int(p[1:3]))) for p in PERCENTILES})
    figures = {p: round(median(trial[p] for trial in trials), 3) for p in PERCENTILES}
    return {**figures, "real_time": permitted}


def is_invalid(lost: int) -> bool:
    """Return whether a trial that lost so many processes is invalid, by the rule of all runs."""
    health = GeneratorHealth(cpu_ratio=0.1, lag_p99_ms=0.1, lag_max_ms=0.1, lost_workers=lost)
    trial = make_trial(generator=health)
    finding = generator_saturated(make_plan(), trial.spec.cell, [trial])
    return finding.state is RuleState.BROKEN


def killed(team: Team, url: str) -> dict[str, Any]:
    """Kill one machine's generator in a trial, and run another one."""
    victim = secrets.choice(team.pids())
    order = {"base_url": url, "path": "/5", "users": 4, "window_s": 1.0}
    broken = team.trial_and(lambda: os.kill(victim, signal.SIGKILL), **order)
    whole = team.trial(**order)
    lost = int(broken.finished["lost_workers"])
    return {
        "lost": lost,
        "invalid": is_invalid(lost),
        "lost_in_the_next": whole.finished["lost_workers"],
        "clock_error_ms": whole.finished["clock_error_ms"],
    }


def measure() -> dict[str, Any]:
    """Return all figures; ``bounds`` are sentences on those of ``make bench`` that do not hold."""
    os.environ[VARIABLE] = secrets.token_hex(16)
    own, other = cores()
    with ExitStack() as stack:
        delaying = stack.enter_context(stub("delay", other))
        stalling, _ = stack.enter_context(stub("stall", other))
        static = stack.enter_context(static_nginx(other))
        addresses = [stack.enter_context(listening(host, own)) for host in HOSTS]
        one = stack.enter_context(Generator(own))
        team = stack.enter_context(Team(addresses))
        kinds: dict[str, Generator] = {"one": one, "two": team}
        pids = {"one": [one.pid], "two": team.pids()}
        rate = {name: at_rate(generator, delaying[0]) for name, generator in kinds.items()}
        rates = {name: items.rates_of(generator, static) for name, generator in kinds.items()}
        stalls = {name: items.stalls_of(generator, stalling) for name, generator in kinds.items()}
        delays = [
            {"delay_ms": delay_ms}
            | {
                name: at_delay(generator, pids[name], delaying, delay_ms)
                for name, generator in kinds.items()
            }
            for delay_ms in DELAYS_MS
        ]
        kills = [killed(team, delaying[0]) for _ in range(KILLS)]
    measured = [(name, item) for each in (rates, stalls) for name, item in each.items()]
    return {
        "rate": rate,
        "rates": {name: item.figures for name, item in rates.items()},
        "stalls": {name: item.figures for name, item in stalls.items()},
        "delays": delays,
        "kills": kills,
        "bounds": [f"{name}: {told}" for name, item in measured for told in item.failed],
    }


def failed(figures: dict[str, Any]) -> list[str]:
    """Return a sentence for each bound that does not hold."""
    told = list(figures["bounds"])
    offered = {name: row["offered_rps"] for name, row in figures["rate"].items()}
    if set(offered.values()) != {RATE_RPS}:
        told.append(f"The offered rates are {offered}, and not {RATE_RPS:g} each.")
    for row in figures["delays"]:
        told += farther(row)
    kills = figures["kills"]
    seen = sum((kill["lost"], kill["lost_in_the_next"]) == (1, 0) for kill in kills)
    if seen < len(kills):
        told.append(f"{seen} of {len(kills)} killed machines were counted once.")
    invalid = sum(bool(kill["invalid"]) for kill in kills)
    if invalid < len(kills):
        told.append(f"{invalid} of {len(kills)} trials with a killed machine were invalid.")
    return told


def farther(row: dict[str, Any]) -> list[str]:
    """Return a sentence for each percentile of two that is off by more than is allowed.

    One machine may be off by more, too; then two may be as much. At ordinary priority the 99th
    percentile is the scheduler's, and only recorded.
    """
    one, two, delay_ms = row["one"], row["two"], row["delay_ms"]
    return [
        f"At {delay_ms} ms the {words} are {abs(two[p] - one[p]):.1f} ms apart."
        for p, words in PERCENTILES.items()
        if (p == "p50_ms" or two["real_time"])
        and excess(two[p], delay_ms) > max(1.0, excess(one[p], delay_ms))
    ]


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
