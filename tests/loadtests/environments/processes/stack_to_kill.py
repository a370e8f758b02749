"""Brings a stack of processes up and down, and says each phase, for a test that kills it.

``python -m tests.loadtests.environments.processes.stack_to_kill <phase> <folder> [store]`` stops
at that phase and waits there, so that it is struck in the middle of it; with ``store`` the stack
has one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from loadtests.config.options import Options
from loadtests.environments.processes import cpu_limits, leftovers
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.processes.members import Members
from loadtests.environments.protocol import Stack
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import Interrupted
from loadtests.model.generator_records import Load
from loadtests.planning.run_plan import make_plan
from loadtests.tools import host, proc, signals
from tests.checkout import CHECKOUT

ROOT = CHECKOUT

PHASES = (
    "before-anything",
    "watchdog-started",
    "folder-claimed",
    "first-replica-started",
    "replicas-started",
    "generator-started",
    "replicas-ready",
    "proxy-configured",
    "under-load",
    "stopping",
)


class Phases:
    def __init__(self, stop_at: str) -> None:
        self._stop_at = stop_at

    def reach(self, phase: str) -> None:
        assert phase in PHASES
        if phase == self._stop_at:
            print(phase, flush=True)
            if phase != "stopping":  # which is shielded from signals, and goes on
                proc.sleep(30)
                sys.exit("Nobody has killed this.")


def main(stop_at: str, folder: Path, *, with_store: bool = False) -> int:
    phases = Phases(stop_at)
    _reach_at_calls(phases)
    try:
        with signals.handled():
            _bring_up_and_down(phases, folder, with_store=with_store)
            signals.check()  # one that came while the stack was taken down
    except Interrupted as stopped:
        return 128 + stopped.signum
    return 0


def _reach_at_calls(phases: Phases) -> None:
    """Reach the phases that lie inside the backend, by the calls that it makes."""
    claim, serve = leftovers.claim, Members.serve

    def claimed(*arguments: Any) -> None:
        phases.reach("watchdog-started")
        claim(*arguments)
        phases.reach("folder-claimed")

    def served(self: Members, *arguments: Any, **settings: Any) -> Any:
        service = serve(self, *arguments, **settings)
        phases.reach("first-replica-started")
        return service

    leftovers.claim = claimed  # type: ignore[assignment]
    Members.serve = served  # type: ignore[method-assign]


def _bring_up_and_down(phases: Phases, folder: Path, *, with_store: bool) -> None:
    phases.reach("before-anything")
    machine = host.read_machine(can_budget=cpu_limits.find("none").can_budget)
    options = Options(
        workers=("gthread",), replicas=(1, 2), workloads=("io",), rounds=2, probe=with_store
    )
    plan = make_plan(options, machine, backend="processes", seed=1)

    def say(line: str) -> None:
        if line.startswith("Taking"):
            phases.reach("stopping")

    with ProcessesBackend(ROOT).open(plan, folder, say) as stack:
        phases.reach("replicas-started")
        with stack.start_generator() as child:
            agent = Agent(child)
            agent.hello()
            phases.reach("generator-started")
            wait_ready(stack, agent)
            phases.reach("replicas-ready")
            stack.configure_proxy(plan.upstreams)
            phases.reach("proxy-configured")
            load = Load(
                id="only",
                base_url=f"http://{stack.proxy_host}:{plan.upstreams[0].port}",
                path="/io",
                settle_s=0.2,
                window_s=1.0,
                drain_limit_s=5,
                users=4,
            )
            agent.load(load, on_opened=lambda: phases.reach("under-load"), on_closed=lambda: None)


def wait_ready(stack: Stack, agent: Agent) -> None:
    urls = [f"http://{replica.address}/healthz" for replica in stack.replicas]
    proc.wait_until(
        lambda: all(answer.status == 200 for answer in agent.fetch(urls)),
        limit_s=60,
        failure=lambda: stack.log_of(stack.replicas[0].name),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), with_store="store" in sys.argv[3:]))
