"""One run in the middle of which a fault begins: ``python -m scripts.reliability.fault_run``.

Writes the verdict and the broken rules to standard output, as JSON. The fault begins in a window of
round 2, on the last replica, and stays.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from loadtests import pipeline
from loadtests.cli.progress import PlainProgress
from loadtests.config.options import Options
from loadtests.environments.compose.backend import ComposeBackend
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.environments.protocol import Backend, Chosen
from loadtests.environments.registry import choose
from loadtests.model.errors import TwofoldError
from loadtests.planning.run_plan import make_plan
from loadtests.targets import checkout
from loadtests.tools import proc, signals
from scripts.zoo import faults, image
from scripts.zoo.injection import FaultyBackend, Injection, Scene

WSGI_APP = "scripts.reliability.faulty:create_app()"
IMAGE = "twofold/faulty:latest"

IN_A_CONTAINER = "/tmp/fault"  # noqa: S108  where the image looks
STOP_LIMIT_S = 30.0

Act = Callable[[Scene], None]


def _docker(*words: str) -> Act:
    """Return what does something to the last replica's container."""

    def act(scene: Scene) -> None:
        container = scene.stack.replicas[-1].identity
        proc.run(("docker", *words, container), timeout_s=STOP_LIMIT_S)

    return act


def _hang(scene: Scene) -> None:
    """Pause the last replica's container until nobody waits for its answers any more."""
    _docker("pause")(scene)
    proc.sleep(scene.plan.timing.drain_limit_s + faults.AFTER_DRAIN_S)
    _docker("unpause")(scene)


def _tell_container(kind: str, scene: Scene) -> None:
    container = scene.stack.replicas[-1].identity
    script = f"echo {kind} >{IN_A_CONTAINER}"
    proc.run(("docker", "exec", container, "sh", "-c", script), timeout_s=STOP_LIMIT_S)


def _tell_process(file: Path, kind: str, _scene: Scene) -> None:
    file.write_text(kind)


KINDS = ("kill", "stop", "pause", "restart", "memory", "slow", "garbage", "reset")
"""The faults; the last four are in the application."""

OF_CONTAINERS: dict[str, Act] = {
    "kill": _docker("kill"),
    "stop": _docker("stop", "--time", "2"),
    "pause": _hang,
    "restart": _docker("restart", "--time", "0"),
}
OF_PROCESSES: dict[str, Act] = {
    "kill": faults.kill_replica,
    "stop": faults.stop_replica,
    "pause": faults.hang_replica,
    "restart": faults.restart_replica,
}
LOST_WORKER = "lost-worker"


def main() -> int:
    """Run it, and return the exit code of a failure, or 0."""
    parser = argparse.ArgumentParser()
    parser.add_argument("backend", choices=("processes", "compose"))
    parser.add_argument("fault", choices=(*KINDS, LOST_WORKER))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=Path, required=True, help="where the run's files go")
    options = parser.parse_args()
    try:
        with signals.handled(), tempfile.TemporaryDirectory(prefix="fault-") as folder:
            Path(folder).chmod(0o711)  # the replicas may be another user's
            told = measure(options.backend, options.fault, options.seed, options.runs, Path(folder))
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(told))
    return 0


def measure(backend: str, fault: str, seed: int, runs: Path, folder: Path) -> dict[str, Any]:
    """Run the harness with a fault; return its verdict, and the codes of the broken rules."""
    chosen = choose(backend, checkout.root())
    lost = fault == LOST_WORKER
    asked = Options(
        backend=backend,
        workers=("gthread",),
        replicas=(1, 2),
        workloads=("cpu",),
        rounds=4,
        quick=True,
        seed=seed,
        generator_processes=2 if lost else 1,
    )
    inner, act = _backend(backend, fault, folder)
    injection: Injection = faults.LostWorker() if lost else faults.MidWindow(act)
    faulty: Chosen = replace(chosen, backend=FaultyBackend(inner, injection))
    request = pipeline.Request(
        plan=make_plan(asked, chosen.machine, backend=backend, seed=seed),
        chosen=faulty,
        results=runs,
        command=f"python -m scripts.reliability.fault_run {backend} {fault} --seed {seed}",
    )
    result, _ = pipeline.run(request, PlainProgress(sys.stderr))
    codes = dict.fromkeys(str(found.code) for found in result.broken)
    return {"verdict": str(result.verdict), "codes": list(codes), "reason": result.reason}


def _backend(backend: str, fault: str, folder: Path) -> tuple[Backend, Act]:
    root = checkout.root()
    if backend == "compose":
        _build(root)
        act = OF_CONTAINERS.get(fault) or partial(_tell_container, fault)
        return ComposeBackend(root, app_image=IMAGE), act
    file = folder / "fault"
    settings = {"gthread-2": {"FAULT_FILE": str(file)}}
    act = OF_PROCESSES.get(fault) or partial(_tell_process, file, fault)
    return ProcessesBackend(root, settings=settings, wsgi_app=WSGI_APP), act


def _build(root: Path) -> None:
    """Build the image of the application that goes wrong, on the sample's."""
    own = root / "scripts/reliability/faulty"
    image.build_on_the_samples(root, {IMAGE: own}, say=print_line)


def print_line(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
