#!/usr/bin/env python3
"""Does doubling hold on a Swarm? The sample application on a Swarm's nodes, beside Compose.

    export DOCKER_HOST=unix:///run/nodes/1/docker.sock    # a manager
    .venv/bin/python scripts/swarm.py --node one=$DOCKER_HOST --node two=unix:///run/…/docker.sock

Each doubling should have 2.0 in its interval, or be called "scales"; its interval should be at most
4 % to either side, without what may be the shared cores'. The table goes to results/swarm.json:
``doublings`` how many there are, ``holding`` how many are as they should be, and a row for each.
Without --no-compose, the same is then measured under Compose, on the engine of this machine, and
stands beside it. The runs are kept in results/swarm/; ``--swarm-run NAME`` takes one of them
instead of measuring on the Swarm again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.environments.child_python import python_path
from loadtests.model.errors import EXIT_VERDICTS, EnvironmentFailure, TwofoldError, UsageError
from loadtests.tools import proc, signals

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
RUNS = RESULTS / "swarm"

PERFECT = 2.0
PRECISE_RATIO = 0.04
"""Largest half-width of an interval that counts, as a part of the factor."""

RUN_FILE = "run.json"

LIMIT_S = 1800.0
END_LIMIT_S = 60.0
"""How long a run that is interrupted may take to remove what it has started."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; return 0 if all doublings hold, 1 if not, or a failure's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--node", action="append", default=[], metavar="NAME=URL")
    parser.add_argument("--builder", metavar="URL", help="the engine that builds the images")
    parser.add_argument("--workload", default="cpu,io", help="as for twofold run")
    parser.add_argument("--workers", default="gthread,sync,gevent", help="as for twofold run")
    parser.add_argument("--replicas", default="1,2,4", help="as for twofold run")
    parser.add_argument("--rounds", help="as for twofold run; by default as many as it takes")
    parser.add_argument("--no-compose", action="store_true", help="measure the Swarm alone")
    parser.add_argument("--swarm-run", metavar="NAME", help="a run on the Swarm that is there")
    parser.add_argument("--out", type=Path, default=RESULTS / "swarm.json")
    given = parser.parse_args(argv)
    try:
        with signals.handled():
            for table in measure(given):
                given.out.write_text(json.dumps(table, indent=1) + "\n")
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps({key: table[key] for key in ("doublings", "holding", "wall_s")}))
    return 0 if table["holding"] == table["doublings"] else 1


def measure(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the table of the Swarm's run, and then that of both."""
    words = (
        *("--workload", given.workload),
        *("--workers", given.workers),
        *("--replicas", given.replicas),
        "--no-profile",
        *(("--rounds", given.rounds) if given.rounds else ()),
    )
    with tempfile.TemporaryDirectory(prefix="twofold-swarm-") as name:
        folder = Path(name)
        (folder / "twofold.toml").write_text(configuration(given.node, given.builder))
        if given.swarm_run is not None:
            swarm = result_in(RUNS / given.swarm_run)
        else:
            swarm = run("swarm", words, folder, env={})
        yield table_of(swarm, None)
        if not given.no_compose:
            # Compose runs on this machine's own engine.
            yield table_of(swarm, run("compose", words, folder, env={"DOCKER_HOST": ""}))


def configuration(nodes: Sequence[str], builder: str | None) -> str:
    """Return the text of a configuration that names the nodes' engines."""
    lines = ["[tool.twofold]", 'target = "sample"', "[tool.twofold.swarm]"]
    lines += [f"builder = {json.dumps(builder)}"] if builder else []
    lines += ["[tool.twofold.swarm.nodes]"]
    for node in nodes:
        name, equals, url = node.partition("=")
        if not equals:
            raise UsageError(f"--node {node!r} has no address. Try --node two=ssh://two.")
        lines.append(f"{name} = {json.dumps(url)}")
    return "\n".join([*lines, ""])


def run(
    backend: str,
    words: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str],
    runs: Path = RUNS,
) -> dict[str, Any]:
    """Run what the configuration in a folder names on a backend, and return its result.

    The run's own folder is made in ``runs``. A signal ends the run in order.
    """
    argv = (
        *(sys.executable, "-m", "loadtests", "run", "--backend", backend),
        *("--out", str(runs), *words),
    )
    runs.mkdir(parents=True, exist_ok=True)
    before = set(runs.iterdir())
    done = proc.run(
        argv,
        cwd=folder,
        env={**python_path(), **env},
        timeout_s=LIMIT_S,
        grace_s=END_LIMIT_S,
        check=False,
        on_line=lambda line: print(line.rstrip(), file=sys.stderr, flush=True),
    )
    made = [path for path in set(runs.iterdir()) - before if (path / RUN_FILE).exists()]
    if done.code not in EXIT_VERDICTS or len(made) != 1:
        raise EnvironmentFailure(
            f"The run on {backend} ended with code {done.code}: {done.stdout[-2000:]}"
        )
    return result_in(made[0])


def result_in(folder: Path) -> dict[str, Any]:
    """Return the result of a run; raise :class:`UsageError` where there is none."""
    try:
        result: dict[str, Any] = json.loads((folder / RUN_FILE).read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"There is no result of a run in {folder}: {error}.") from error
    return result


def table_of(swarm: Mapping[str, Any], compose: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the table: a row for each doubling on the Swarm, with Compose's beside it."""
    beside = {key_of(row): row for row in (compose or {}).get("doublings", ())}
    rows = []
    for row in swarm["doublings"]:
        other = beside.get(key_of(row))
        rows.append(
            {
                **{name: row[name] for name in ("worker", "workload", "from", "to")},
                **{name: row[name] for name in ("factor", "low", "high", "verdict")},
                "machine_share_ratio": row.get("machine_share_ratio", 0.0),
                "holds_truth": row["low"] is not None and row["low"] <= PERFECT <= row["high"],
                "holds": holds(row),
                "compose": None
                if other is None
                else {name: other[name] for name in ("factor", "low", "high", "verdict")},
            }
        )
    nodes = [note for note in swarm.get("notes", ()) if note.startswith("Node ")]
    return {
        "doublings": len(rows),
        "holding": sum(bool(row["holds"]) for row in rows),
        "verdict": swarm["verdict"],
        "wall_s": swarm["wall_s"],
        "rounds": swarm["rounds"],
        "nodes": nodes,
        "invalid": swarm.get("invalid", []),
        "runs": {
            "swarm": swarm["run_id"],
            "compose": None if compose is None else compose["run_id"],
        },
        "rows": rows,
    }


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells a doubling from the others of its run."""
    return tuple(row[name] for name in ("worker", "workload", "from", "to"))


def holds(row: Mapping[str, Any]) -> bool:
    """Return whether a doubling is as it should be, and its interval narrow enough."""
    low, high, factor = row["low"], row["high"], row["factor"]
    if low is None or high is None or not factor or row["verdict"] == "invalid":
        return False
    right = low <= PERFECT <= high or row["verdict"] == "scales"
    # What may be the shared cores' is in the interval, and no rounds make it narrower.
    share = row.get("machine_share_ratio") or 0.0
    low, high = low / (1 + min(share, 0.0)), high / (1 + max(share, 0.0))
    return bool(right and (high - low) / 2 <= PRECISE_RATIO * factor)


if __name__ == "__main__":
    sys.exit(main())
