#!/usr/bin/env python3
r"""Is anything left on a Swarm's nodes, however a run ends, and whenever? A run for each end.

    export DOCKER_HOST=unix:///run/nodes/1/docker.sock    # a manager
    .venv/bin/python -m scripts.swarm_ends --node one=$DOCKER_HOST \
        --node two=unix:///run/nodes/2/docker.sock

The first node is the manager. Each of three signals ends a small run in each of six phases: 18
ends, about a minute each. A row is ``held`` if 30 s after the signal no service, network, config,
secret, container or volume of the run is on any node, and if its processes have ended soon after.
Rows go to results/swarm_ends.json; those that it has are not made again, unless their run ended
before its phase came.

Before the phase ``images``, the images that earlier runs have copied to the nodes are removed. No
other run may use these nodes meanwhile.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.environments.child_python import python_path
from loadtests.model.errors import (
    EnvironmentFailure,
    ProcessFailure,
    TwofoldError,
    UsageError,
)
from loadtests.tools import docker, files, proc, signals
from loadtests.tools.docker.command_lines import docker_argv
from loadtests.tools.docker.swarm import NOWHERE
from scripts.reliability.harness import QUICK, Harness
from scripts.reliability.no_leak import END_LIMIT_S
from scripts.reliability.record import Broken
from scripts.swarm import RESULTS, configuration

WORDS = ("run", "--backend", "swarm", "--workload", "cpu", "--no-profile", *QUICK)

SIGNALS = ("INT", "TERM", "KILL")

GONE_LIMIT_S = 30.0
"""Seconds from the signal until nothing may be on any node."""

CALM_LIMIT_S = 75.0
"""Seconds until no process may be there: a watchdog looks on for a while after it has removed."""

AGAIN_S = 0.3
SILENT = "does not answer"
ASK_LIMIT_S = 20.0
SAID_CHARS = 1500

OF_THE_SWARM = {
    "service": ("service", "ls"),
    "config": ("config", "ls"),
    "secret": ("secret", "ls"),
}
"""What only a manager knows, with the command that lists it."""

OF_A_NODE = {
    "container": ("ps", "--all"),
    "network": ("network", "ls"),
    "volume": ("volume", "ls"),
}

NAME_OF = {"container": "{{.Names}}"}

STACKS = "twfs-"
"""How the names of stacks begin. A network that a worker has may lack the manager's labels."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """When a run is ended: so many seconds after a line of its progress."""

    name: str
    line: str
    after_s: float = 0.0
    without_images: bool = False


PHASES = (
    Phase(name="images", line="Copying the image", after_s=0.3, without_images=True),
    Phase(name="services", line="the proxy and the generator on", after_s=1.0),
    Phase(name="calibration", line="Calibrating users", after_s=0.5),
    Phase(name="between", line="Round 1, "),
    # The next trial's window is open: it begins 0.3 s after the trial, and takes 1 s.
    Phase(name="window", line="Round 1, ", after_s=0.8),
    Phase(name="down", line="Taking the stack down", after_s=0.5),
)
BY_NAME = {phase.name: phase for phase in PHASES}

Left = Callable[[], list[str]]
"""Returns what is there at this moment, in words."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What became of a run after its signal: seconds, None for never; and what is left."""

    gone_s: float | None
    ended_s: float | None
    left: tuple[str, ...]

    @property
    def held(self) -> bool:
        """Return whether the nodes were empty in time, and stayed so until all had ended."""
        return not self.left and self.gone_s is not None and self.gone_s <= GONE_LIMIT_S


def main(argv: Sequence[str] | None = None) -> int:
    """Make the ends that are missing; return 0 if all rows are held."""
    given = parse(argv)
    rows = rows_in(given.out)
    have = {(row["signal"], row["phase"]) for row in rows}
    asked = [(end, name) for name in given.phases.split(",") for end in given.signals.split(",")]
    try:
        nodes = nodes_of(given.node)
        for number, (end, name) in enumerate(asked, start=1):
            if (end, name) in have:
                continue
            say(f"{number} of {len(asked)}: SIG{end} at {name}")
            with signals.handled():
                rows.append(row_of_end(end, BY_NAME[name], nodes, given))
            write(given.out, rows)
            say(json.dumps(rows[-1]))
    except TwofoldError as error:
        say(str(error))
        return error.exit_code
    table = table_of(rows)
    print(json.dumps({key: table[key] for key in ("tried", "held")}))
    return 0 if table["held"] == table["tried"] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--node", action="append", required=True, metavar="NAME=URL")
    parser.add_argument("--builder", metavar="URL", help="the engine that builds the images")
    parser.add_argument("--signals", default=",".join(SIGNALS))
    parser.add_argument("--phases", default=",".join(BY_NAME))
    parser.add_argument("--out", type=Path, default=RESULTS / "swarm_ends.json")
    given = parser.parse_args(argv)
    for asked, there in ((given.signals, SIGNALS), (given.phases, tuple(BY_NAME))):
        if unknown := sorted(set(asked.split(",")) - set(there)):
            parser.error(f"{', '.join(unknown)}: there are {', '.join(there)}")
    return given


def nodes_of(words: Sequence[str]) -> dict[str, str]:
    """Return the addresses of the nodes' engines by their names, the manager's first."""
    nodes = {}
    for word in words:
        name, equals, url = word.partition("=")
        if not equals:
            raise UsageError(f"--node {word!r} has no address. Try --node two=ssh://two.")
        nodes[name] = url
    return nodes


def rows_in(out: Path) -> list[dict[str, Any]]:
    """Return the rows that are there already, without those whose phase never came."""
    if not out.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(out.read_text())["rows"]
    return [row for row in rows if row["failure"] is None]


def table_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the table: how many ends were tried, how many held, and a row for each."""
    held = sum(bool(row["held"]) for row in rows)
    return {"tried": len(rows), "held": held, "limit_s": GONE_LIMIT_S, "rows": list(rows)}


def write(out: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows, all of them or nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    files.write(out, json.dumps(table_of(rows), indent=1) + "\n")


def row_of_end(
    end: str, phase: Phase, nodes: Mapping[str, str], given: argparse.Namespace
) -> dict[str, Any]:
    """Run until a phase, end the run, and return the row of what became of it."""
    if phase.without_images:
        forget_images(nodes)
    before = frozenset(objects(nodes))
    if silent := [thing for thing in before if SILENT in thing]:
        raise EnvironmentFailure(f"Before the run, {silent[0]}")
    row: dict[str, Any] = {"signal": end, "phase": phase.name, "held": False, "failure": None}
    with tempfile.TemporaryDirectory(prefix="twofold-ends-") as name:
        folder = Path(name)
        (folder / "twofold.toml").write_text(configuration(given.node, given.builder))
        with started(folder, next(iter(nodes.values()))) as harness:
            try:
                harness.wait_for(phase.line)
            except Broken as error:
                return row | {"failure": str(error), "left": [], "said": harness.said[-SAID_CHARS:]}
            proc.sleep(phase.after_s)
            followed = ended(harness, end, lambda: sorted({*objects(nodes)} - before))
            row |= {"held": followed.held, "exit": harness.code, **vars(followed)}
            if not followed.held:
                row |= {"said": harness.said[-SAID_CHARS:]}
    if followed.left:
        take_down(next(iter(nodes.values())))
    return row


@contextmanager
def started(folder: Path, manager: str) -> Iterator[Harness]:
    """Start the run; whatever happens in the block, end it in order, and let its watchdog work."""
    harness = Harness(folder, *WORDS, env={"DOCKER_HOST": manager})
    try:
        yield harness
    finally:
        with signals.shield():
            harness.signal(signal.SIGTERM)
            with suppress(TwofoldError):
                proc.wait_until(
                    lambda: not harness.processes(), limit_s=END_LIMIT_S, failure="It goes on."
                )
            harness.kill()


def ended(harness: Harness, end: str, on_nodes: Left) -> Followed:
    """Send the signal, and follow what becomes of the run."""
    began_s = proc.monotonic_s()
    harness.signal(signal.Signals[f"SIG{end}"])
    return follow(
        on_nodes,
        lambda: [f"process {pid}" for pid in harness.processes()],
        since_s=began_s,
    )


def follow(on_nodes: Left, running: Left, *, since_s: float) -> Followed:
    """Look at the nodes until no process of the run can change them any more.

    What an ended program had asked for may still appear, so the nodes have to stay empty.
    """
    gone_s: float | None = None
    ended_s: float | None = None
    while True:
        # In this order: an ended process cannot have added anything after the look at the nodes.
        processes, there = running(), on_nodes()
        now_s = round(proc.monotonic_s() - since_s, 1)
        ended_s = None if processes else (now_s if ended_s is None else ended_s)
        gone_s = None if there else (now_s if gone_s is None else gone_s)
        stays = bool(there) and not processes and now_s > GONE_LIMIT_S
        if stays or now_s > CALM_LIMIT_S or not (there or processes):
            return Followed(gone_s=gone_s, ended_s=ended_s, left=(*there, *processes))
        proc.sleep(AGAIN_S)


# -- the nodes ------------------------------------------------------------------------------------


def objects(nodes: Mapping[str, str]) -> list[str]:
    """Return everything of any run on the nodes, in words; the first node is the manager."""
    manager = next(iter(nodes))
    found = listed(OF_THE_SWARM, manager, nodes[manager])
    for name, address in nodes.items():
        found += listed(OF_A_NODE, name, address)
    return found


def listed(kinds: Mapping[str, Sequence[str]], node: str, address: str) -> list[str]:
    """Return what has our label, or the name of a stack of ours; a silent engine is told, too."""
    found: list[str] = []
    for kind, words in kinds.items():
        names: set[str] = set()
        for filtered in (f"label={docker.RUN_LABEL}", f"name={STACKS}"):
            form = NAME_OF.get(kind, "{{.Name}}")
            argv = docker_argv(address, *words, "--filter", filtered, "--format", form)
            try:
                names.update(proc.run(argv, timeout_s=ASK_LIMIT_S).stdout.split())
            except ProcessFailure as failure:
                return [*found, f"the engine of {node} {SILENT}: {str(failure)[:200]}"]
        found += [f"{kind} {name} on {node}" for name in sorted(names)]
    return found


def forget_images(nodes: Mapping[str, str]) -> None:
    """Remove the images that runs have copied to the nodes, so that the next one copies them."""
    for address in nodes.values():
        argv = docker_argv(address, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
        names = proc.run(argv, timeout_s=ASK_LIMIT_S).stdout.split()
        for name in names:
            if name.startswith(f"{NOWHERE}:"):
                argv = docker_argv(address, "image", "rm", name)
                proc.run(argv, timeout_s=ASK_LIMIT_S, check=False)


def take_down(manager: str) -> None:
    """Remove what an end has left, so that the next one begins on empty nodes."""
    argv = (sys.executable, "-m", "loadtests", "down")
    env = {**python_path(), "DOCKER_HOST": manager}
    proc.run(argv, env=env, timeout_s=CALM_LIMIT_S, check=False)


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
