#!/usr/bin/env python3
r"""Is each fault of a Swarm told by its own rule? A run for each fault, in which it is made.

    export DOCKER_HOST=unix:///run/nodes/1/docker.sock    # a manager
    .venv/bin/python -m scripts.swarm_faults --node one=$DOCKER_HOST \
        --node two=unix:///run/nodes/2/docker.sock --victim two \
        --pidfile /run/nodes/2/pid --netns /var/run/netns/node2 --device node2

The victim's engine is one that was started on this machine, in a network namespace of its own:
``--pidfile`` has its process, and ``--device`` is the end of its link on this side. As root. Rows
go to results/swarm_faults.json; those that it has are not measured again. A row is ``told`` if the
run ended with exit code 3, without any doubling that scales, and one of the fault's rules is
broken. The row of no fault is ``told`` if no rule is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.environments.child_python import python_path
from loadtests.environments.swarm import stacks
from loadtests.model.errors import (
    EXIT_CANNOT_TELL,
    EXIT_VERDICTS,
    EnvironmentFailure,
    TwofoldError,
)
from loadtests.tools import docker, proc, signals
from loadtests.tools.docker.command_lines import docker_argv
from loadtests.tools.docker.swarm import NodeEngine
from scripts.swarm import RESULTS, configuration, result_in

RUNS = RESULTS / "swarm_faults"

WORDS = (
    "--workload",
    "cpu",
    "--workers",
    "gthread",
    "--replicas",
    "1,2",
    "--rounds",
    "6",
    "--no-profile",
)

RUN_LIMIT_S = 900.0
GONE_LIMIT_S = 60.0
TRIALS_BEFORE = 3
"""Trials that are measured before the fault, so that a rule can see a change."""

LINK_DOWN_S = 3.0
TAG_EVERY_S = 0.05


@dataclass(kw_only=True)
class Scene:
    """The nodes, and what can be done to the victim's engine."""

    nodes: Mapping[str, str]
    victim: str
    pidfile: Path
    netns: str
    device: str
    image: str = ""
    """The name that the replicas' image has on the nodes, from the run without a fault."""
    engine_argv: tuple[str, ...] = ()
    undo: list[Callable[[], None]] = field(default_factory=list)

    @property
    def manager(self) -> str:
        """The address of the manager."""
        return next(iter(self.nodes.values()))

    @property
    def address(self) -> str:
        """The address of the victim's engine."""
        return self.nodes[self.victim]

    def ask(self, *words: str, host: str | None = None) -> str:
        """Run a command of the victim's engine, or of another one; return its output."""
        return proc.run(docker_argv(host or self.address, *words)).stdout.strip()

    def replicas(self) -> list[docker.Container]:
        """Return the replicas that the victim has."""
        with closing(NodeEngine(self.manager)) as manager:
            names = list(manager.stacks())
        with closing(NodeEngine(self.address)) as engine:
            found = [each for name in names for each in engine.containers(name)]
        return [each for each in found if each.service == "gthread" and each.running]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault: what is done in the run (or before it), and the rules that may tell it."""

    name: str
    rules: frozenset[str]
    act: Callable[[Scene], None] | None = None
    before: Callable[[Scene], None] | None = None


def look(scene: Scene) -> None:
    """Do no harm; learn the name of the replicas' image."""
    inspected = scene.ask("inspect", "--format", "{{.Config.Image}}", scene.replicas()[0].id)
    scene.image = inspected.partition("@")[0]


def stop_engine(scene: Scene) -> None:
    """End the victim's engine, with its containers; it is started again after the run."""
    pid = int(scene.pidfile.read_text())
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    scene.engine_argv = tuple(filter(None, words))
    scene.undo.append(lambda: start_engine(scene))
    os.kill(pid, signal.SIGTERM)


def start_engine(scene: Scene) -> None:
    """Start the victim's engine again, and wait until it answers as a node."""
    argv = ("nsenter", f"--net={scene.netns}", "setsid", "--fork", *scene.engine_argv)
    proc.run(("sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *argv))

    def is_ready() -> bool:
        with suppress(EnvironmentFailure), closing(NodeEngine(scene.manager)) as manager:
            return all(node.ready for node in manager.nodes())
        return False

    proc.wait_until(is_ready, limit_s=GONE_LIMIT_S, failure="The engine did not come back.")


def reschedule(scene: Scene) -> None:
    """Have the Swarm kill the victim's first replica and start another one."""
    label = '{{index .Config.Labels "com.docker.swarm.service.name"}}'
    service = scene.ask("inspect", "--format", label, scene.replicas()[0].id)
    scene.ask("service", "update", "--force", "--detach", service, host=scene.manager)


def cut_link(scene: Scene) -> None:
    """Take the victim's link away for a moment."""
    proc.run(("ip", "link", "set", scene.device, "down"))
    try:
        proc.sleep(LINK_DOWN_S)
    finally:
        proc.run(("ip", "link", "set", scene.device, "up"))


def halve(scene: Scene) -> None:
    """Give the victim's replicas half of their CPU."""
    for replica in scene.replicas():
        told = scene.ask("inspect", "--format", "{{json .HostConfig}}", replica.id)
        config = json.loads(told)
        cpus = (config["NanoCpus"] or 0) / 1e9 or config["CpuQuota"] / (config["CpuPeriod"] or 1e5)
        scene.ask("update", f"--cpus={cpus / 2:g}", replica.id)


def swap_image(scene: Scene) -> None:
    """Let the name of the replicas' image mean another image on the victim, from now on."""
    if not scene.image:
        raise EnvironmentFailure("The image's name is not known: run the fault `none` first.")
    text = f"FROM {scene.image}\nLABEL another=image\n"
    other = "another-image:latest"
    argv = docker_argv(scene.address, "build", "--quiet", "--tag", other, "-")
    proc.run(argv, input_text=text)
    script = f'while sleep {TAG_EVERY_S}; do docker --host "$1" tag "$2" "$3"; done'
    words = ("sh", "-c", script, "sh", scene.address, other, scene.image)
    tagging = proc.Service(words, log=RUNS / "tagging.log")
    scene.undo.append(tagging.close)


FAULTS = (
    Fault(name="none", rules=frozenset(), act=look),
    Fault(name="task", rules=frozenset({"identity", "nodes"}), act=reschedule),
    Fault(name="link", rules=frozenset({"network", "steady"}), act=cut_link),
    Fault(name="speed", rules=frozenset({"budget"}), act=halve),
    Fault(name="image", rules=frozenset({"nodes"}), before=swap_image),
    Fault(name="engine", rules=frozenset({"nodes"}), act=stop_engine),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is missing; return 0 if all rows are told, and nothing was left."""
    given = parse(argv)
    nodes = dict(node.split("=", 1) for node in given.node)
    scene = Scene(
        nodes=nodes,
        victim=given.victim,
        pidfile=given.pidfile,
        netns=given.netns,
        device=given.device,
    )
    rows: list[dict[str, Any]] = []
    if given.out.exists():
        before = json.loads(given.out.read_text())
        rows, scene.image = before["rows"], before["image"]
    have = {(row["fault"], row["repeat"]) for row in rows}
    RUNS.mkdir(parents=True, exist_ok=True)
    try:
        for name in given.faults.split(","):
            for repeat in range(1, (1 if name == "none" else given.repeats) + 1):
                if (name, repeat) in have:
                    continue
                with signals.handled():
                    rows.append(run_one(BY_NAME[name], repeat, scene, given.node))
                write(given.out, rows, scene)
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    told = sum(bool(row["told"]) for row in rows)
    print(json.dumps({"tried": len(rows), "told": told}))
    return 0 if told == len(rows) and not any(row["left"] for row in rows) else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--node", action="append", required=True, metavar="NAME=URL")
    parser.add_argument("--victim", required=True, metavar="NAME", help="not the manager")
    parser.add_argument("--pidfile", type=Path, required=True)
    parser.add_argument("--netns", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--faults", default=",".join(BY_NAME))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "swarm_faults.json")
    return parser.parse_args(argv)


def write(out: Path, rows: Sequence[Mapping[str, Any]], scene: Scene) -> None:
    """Write the rows."""
    told = sum(bool(row["told"]) for row in rows)
    table = {"tried": len(rows), "told": told, "image": scene.image, "rows": rows}
    out.write_text(json.dumps(table, indent=1) + "\n")


def run_one(fault: Fault, repeat: int, scene: Scene, nodes: Sequence[str]) -> dict[str, Any]:
    """Run the sample application with a fault, and return its row."""
    started_s = proc.monotonic_s()
    before = set(RUNS.iterdir())
    try:
        if fault.before is not None:
            fault.before(scene)
        code, log = _run(fault, repeat, scene, nodes)
    finally:
        while scene.undo:
            scene.undo.pop()()
    made = [path for path in set(RUNS.iterdir()) - before if (path / "run.json").exists()]
    result = result_in(made[0]) if made else {}
    return row_of(
        fault,
        result,
        code=code,
        repeat=repeat,
        left=left(scene),
        log=str(log.relative_to(RESULTS.parent)),
        wall_s=round(proc.monotonic_s() - started_s, 1),
    )


def _run(fault: Fault, repeat: int, scene: Scene, nodes: Sequence[str]) -> tuple[int, Path]:
    """Run, and make the fault when some trials are there; return the exit code and the log."""
    log = RUNS / f"{fault.name}-{repeat}.log"
    argv = (sys.executable, "-m", "loadtests", "run", "--backend", "swarm")
    with tempfile.TemporaryDirectory(prefix="twofold-faults-") as name:
        folder = Path(name)
        (folder / "twofold.toml").write_text(configuration(nodes, None))
        env = {**python_path(), "DOCKER_HOST": scene.manager}
        words = (*argv, "--out", str(folder / "runs"), *WORDS)
        with proc.Service(words, log=log, env=env, cwd=folder) as service:
            proc.wait_until(
                lambda: service.code is not None or _trials(folder) >= TRIALS_BEFORE,
                limit_s=RUN_LIMIT_S,
                failure=f"There was no trial. The log: {log}",
            )
            if fault.act is not None and service.code is None:
                fault.act(scene)
            proc.wait_until(
                lambda: service.code is not None,
                limit_s=RUN_LIMIT_S,
                failure=f"The run did not end. The log: {log}",
            )
            code = service.code
        for run in (folder / "runs").glob("*/run.json"):
            proc.run(("cp", "-r", str(run.parent), str(RUNS)))
    return -1 if code is None else code, log


def _trials(folder: Path) -> int:
    """Return how many trials the run has written down."""
    journals = (folder / "runs").glob("*/trials.jsonl")
    return sum(journal.read_bytes().count(b"\n") for journal in journals)


def left(scene: Scene) -> list[str]:
    """Return the stacks and containers of runs that are still there, on any node."""
    with closing(NodeEngine(scene.manager)) as manager:
        found = [name for name in manager.stacks() if stacks.NAME.fullmatch(name)]
    for host in scene.nodes.values():
        words = ("ps", "--all", "--quiet", "--filter", f"label={docker.RUN_LABEL}")
        found += scene.ask(*words, host=host).split()
    return found


def row_of(fault: Fault, result: Mapping[str, Any], *, code: int, **fields: Any) -> dict[str, Any]:
    """Return the row of a run: which rules were broken, and whether the fault was told."""
    rules = sorted({entry["code"] for entry in result.get("invalid", ())})
    verdicts = [row["verdict"] for row in result.get("doublings", ())]
    expected = not rules if not fault.rules else bool(fault.rules & set(rules))
    refused = not fault.rules or (code == EXIT_CANNOT_TELL and "scales" not in verdicts)
    told = bool(result) and code in EXIT_VERDICTS and expected and refused
    return {
        "fault": fault.name,
        "told": told,
        "exit": code,
        "verdict": result.get("verdict"),
        "rules": rules,
        "details": [entry.get("detail") for entry in result.get("invalid", ())],
        "run": result.get("run_id"),
        **fields,
    }


if __name__ == "__main__":
    sys.exit(main())
