"""Does every request keep its context to itself, under load, in threads, processes and greenlets?

``python -m scripts.zoo.context`` asks /context a hundred thousand times over the three worker
models, each time with a token of its own, and counts the answers that hold another's. The same of
an application that keeps its token in the module: threads and greenlets must mix it up, or the
probe sees nothing; a sync worker has one request at a time, and cannot.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.config.options import Options
from loadtests.environments.processes import backend as processes
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.generator_records import Load, LoadDone
from loadtests.model.plan import Budget, Plan, Upstream
from loadtests.planning.run_plan import make_plan
from loadtests.targets import checkout
from loadtests.tools import host, signals
from scripts.zoo.plans import WSGI_APP

REQUESTS = 100_000
"""As many as issue 5 asks for, over all worker models."""

PAUSE_MS = 1
"""Shorter than a request computes, long enough that others get their turn in it."""

USERS = 32
TRIAL_S = 10.0
MOST_TRIALS = 30
"""Of one worker model: five minutes, three times what the slowest took here."""

BROKEN_S = 2.0

CAUGHT = {"gthread": True, "sync": False, "gevent": True}
"""Whether a token in the module is mixed up: where one process has several requests at a time."""

SCENARIO = Path(__file__).parents[2] / "loadtests/generator/locustfiles/context.py"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Answers that came whole, those of them with a foreign token, and requests that failed."""

    requests: int = 0
    foreign: int = 0
    failed: int = 0

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            requests=self.requests + other.requests,
            foreign=self.foreign + other.foreign,
            failed=self.failed + other.failed,
        )


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A stack that is up, and how its worker models are reached."""

    agent: Agent
    urls: Mapping[str, str]

    def ask(self, worker: str, *, seconds: float, users: int = USERS) -> Seen:
        """Put the isolation probe on one worker model for a while."""
        done = self.agent.load(
            Load(
                id=f"context-{worker}",
                base_url=self.urls[worker],
                path=f"/context?ms={PAUSE_MS}",
                users=users,
                settle_s=0.1,
                window_s=seconds,
                drain_limit_s=15.0,
                scenario=str(SCENARIO),
            ),
            on_opened=lambda: None,
            on_closed=lambda: None,
        )
        return seen(done)


def seen(done: LoadDone) -> Seen:
    """Count a whole trial's answers; the settling time's are as good as any."""
    with np.load(io.BytesIO(done.samples), allow_pickle=False) as samples:
        outcomes = np.bincount(samples["outcome"], minlength=len(done.finished.outcomes))
    by_name = dict(zip(done.finished.outcomes, outcomes.tolist(), strict=False))
    ok, foreign = by_name.get("ok", 0), by_name.get("rejected", 0)
    return Seen(requests=ok + foreign, foreign=foreign, failed=sum(by_name.values()) - ok - foreign)


def plan_of(workers: tuple[str, ...]) -> Plan:
    """Give a plan of two replicas of each worker model that have all of the machine."""
    machine = replace(host.read_machine(can_budget=False), cores=4, core_ids=(0, 1, 2, 3))
    options = Options(
        backend="processes", workers=workers, replicas=(1, 2), workloads=("io",), rounds=2
    )
    plan = make_plan(options, machine, backend="processes", seed=1)
    free = Budget(replica_cpus=None, replica_cores=(), service_cores=(), reason="none is needed")
    return replace(plan, budget=free)


@contextmanager
def stack_of(
    workers: tuple[str, ...],
    folder: Path,
    *,
    settings: Settings = NO_SETTINGS,
    wsgi_app: str = processes.WSGI_APP,
) -> Iterator[Ready]:
    """Bring up replicas of the worker models, and the generator; by default of the sample."""
    plan = plan_of(workers)
    pairs = {upstream.worker: upstream for upstream in plan.upstreams if len(upstream.members) == 2}
    upstreams: tuple[Upstream, ...] = tuple(pairs.values())
    backend = ProcessesBackend(checkout.root(), settings=settings, wsgi_app=wsgi_app)
    with (
        backend.open(plan, folder, say) as stack,
        stack.start_generator() as generator,
        stack.start_metronome() as metronome,
    ):
        agent = Agent(generator)
        agent.hello()
        driver = Driver(stack, agent, Metronome(metronome))
        driver.wait_ready(plan.upstreams)
        stack.configure_proxy(upstreams)
        driver.wait_for_proxy()
        urls = {worker: driver.base_url(pair.port) for worker, pair in pairs.items()}
        yield Ready(agent=agent, urls=urls)


def isolation(folder: Path, *, requests: int) -> dict[str, Seen]:
    """Ask every worker model until all together have answered so many requests."""
    found: dict[str, Seen] = {}
    with stack_of(tuple(CAUGHT), folder) as ready:
        for worker in CAUGHT:
            mine = Seen()
            for _ in range(MOST_TRIALS):
                mine += ready.ask(worker, seconds=TRIAL_S)
                say(f"{worker}: {mine}")
                if mine.requests >= requests / len(CAUGHT):
                    break
            found[worker] = mine
    return found


def mixed_up(folder: Path) -> dict[str, Seen]:
    """Ask the deliberately broken application under every worker model."""
    broken: Settings = {"*": {"CONTEXT_STORE": "module"}}
    with stack_of(tuple(CAUGHT), folder, settings=broken, wsgi_app=WSGI_APP) as ready:
        return {worker: ready.ask(worker, seconds=BROKEN_S) for worker in CAUGHT}


def row_of(sound: Mapping[str, Seen], broken: Mapping[str, Seen]) -> dict[str, Any]:
    """Give the row: counts, and whether both applications were told apart as they must be."""
    total = sum(sound.values(), Seen())
    caught = {worker: seen.foreign > 0 for worker, seen in broken.items()}
    wrong = [
        f"{worker}: a token in the module was {'caught' if was else 'not caught'}."
        for worker, was in caught.items()
        if was is not CAUGHT[worker]
    ]
    if total.foreign or total.failed:
        wrong.append(f"{total.foreign} foreign tokens, {total.failed} failed requests.")
    if total.requests < REQUESTS:
        wrong.append(f"Only {total.requests} requests.")
    figures = {
        "requests": total.requests,
        "foreign": total.foreign,
        "failed": total.failed,
        "by_worker": {worker: vars(mine) for worker, mine in sound.items()},
        "module_state": {
            worker: vars(mine) | {"caught": caught[worker]} for worker, mine in broken.items()
        },
    }
    return {
        "truth": "no request sees another's token; a token in the module is seen by threads and"
        " greenlets",
        "verdict": "isolated" if not total.foreign else "mixed up",
        "figures": {"context": figures},
        "right": not wrong,
        "wrong_scales": False,
        "wrong_because": wrong,
    }


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Ask both applications, and write the row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1, help="not used: nothing is random here")
    parser.add_argument("--runs", type=Path, help="not used: nothing is kept")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()
    with signals.handled(), tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        sound = isolation(Path(folder) / "sound", requests=options.requests)
        broken = mixed_up(Path(folder) / "broken")
    print(json.dumps(row_of(sound, broken)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
