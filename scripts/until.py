#!/usr/bin/env python3
"""Does `twofold run --until` end where a system does? On systems whose truth is known.

    .venv/bin/python -m scripts.until                          # each system three times: 1½ hours
    .venv/bin/python -m scripts.until --systems perfect,pool --times 1

A system is searched until the file has ``--times`` of its rows, so the same command continues a
stopped campaign. Each search is a process of its own; one that fails is a row too. The machine
should be idle otherwise, and PostgreSQL be installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtests import pipeline
from loadtests.cli.progress import PlainProgress
from loadtests.cli.run_options import Decision
from loadtests.cli.until import doubling
from loadtests.environments import registry
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.model.errors import EXIT_VERDICTS, EXIT_YES, EnvironmentFailure, TwofoldError
from loadtests.model.result import RunResult
from loadtests.targets import checkout
from loadtests.tools import files, proc, signals
from scripts.zoo.members import BY_NAME as MEMBERS
from scripts.zoo.plans import BACKEND, WSGI_APP, Shape, plan_of
from scripts.zoo.surroundings import needed

PROJECT = Path(__file__).resolve().parent.parent
APPS = PROJECT / "tests" / "causes"
RESULTS = PROJECT / "results"
RUNS = RESULTS / "until-runs"

SEARCH_LIMIT_S = 3600.0
"""Three or four runs of 2 to 6 minutes each."""

SERIAL_TARGET = 1.75
"""Between the factors 1.818 and 1.692 of a serial share of 10 %; the usual 1.8 is too near one."""

STORE_HELD_CPUS = 0.1
"""With less for each replica, the first one might not use up the store's 0.2 CPU."""

FOUND, MACHINE = "found", "machine"

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class System:
    """A system, and the true answer: why the search ends, and after how many replicas.

    ``up_to`` None means that it depends on the machine. ``because`` is a word that the reason has.
    """

    name: str
    truth: str
    ended: str
    up_to: int | None = None
    because: str = ""
    worker: str = "gthread"
    shape: Shape | None = None
    """The plan of a member of the zoo; None means an application in ``tests/causes``."""


SYSTEMS = (
    System(
        name="perfect",
        truth="2.0 for ever: only the machine ends it",
        ended=MACHINE,
        shape=MEMBERS["perfect"].shape,
    ),
    System(
        name="serial-10",
        truth=f"1.818, then 1.692, against {SERIAL_TARGET:g}: 2 replicas",
        ended=FOUND,
        up_to=2,
        shape=replace(MEMBERS["serial-10"].shape, target=SERIAL_TARGET),
    ),
    System(
        name="store-held",
        truth="1.0: the store is used up by 1 replica",
        ended=FOUND,
        up_to=1,
        because="PostgreSQL",
        shape=replace(MEMBERS["store-held"].shape, replica_cpus=STORE_HELD_CPUS),
    ),
    System(
        name="pool",
        truth="2.0 for ever: each replica has a pool of its own",
        ended=MACHINE,
        worker="gthread-of-eight",
    ),
)
BY_NAME = {system.name: system for system in SYSTEMS}


def main(argv: Sequence[str] | None = None) -> int:
    """Search what is missing, write the file, and return 1 if an answer is not as known."""
    options = parse(argv)
    if options.measure:
        return measure(BY_NAME[options.measure], seed=options.seed)
    rows: list[Row] = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    todo = missing(options.systems, rows, options.times)
    for number, name in enumerate(todo, start=1):
        say(f"{number} of {len(todo)}: {name}")
        with signals.handled():  # a signal ends the search, too
            rows.append(search(BY_NAME[name], seed=len(rows) + 1))
        write(options.out, rows)
        say(f"{number} of {len(todo)}: {in_words(rows[-1])}")
    summary = summarised(rows)
    print(json.dumps({key: value for key, value in summary.items() if key != "rows"}))
    return 0 if rows and summary["right"] == summary["tried"] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; unknown names end the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--systems", default=",".join(BY_NAME), help="names, separated by commas")
    parser.add_argument("--times", type=int, default=3, help="rows of each system (default 3)")
    parser.add_argument("--out", type=Path, default=RESULTS / "until.json")
    parser.add_argument("--measure", choices=sorted(BY_NAME), help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    options.systems = options.systems.split(",")
    if unknown := sorted(set(options.systems) - set(BY_NAME)):
        parser.error(f"--systems has {', '.join(unknown)}; known: {', '.join(BY_NAME)}")
    return options


def missing(names: Sequence[str], rows: Sequence[Row], times: int) -> list[str]:
    """Return the systems that are still to be searched, in turn."""
    have = {name: sum(row["system"] == name for row in rows) for name in names}
    return [name for turn in range(times) for name in names if turn >= have[name]]


def search(system: System, *, seed: int) -> Row:
    """Search one system in a process of its own, and return its row; a failure is a row too."""
    began_s = time.monotonic()
    row: Row = {"system": system.name, "worker": system.worker, "truth": system.truth}
    try:
        row |= judged(system, _answer(system, seed))
    except (EnvironmentFailure, OSError, ValueError) as error:
        row |= {"error": str(error)[-500:], "right": False, "wrong": False}
    return row | {"wall_s": round(time.monotonic() - began_s, 1)}


def _answer(system: System, seed: int) -> Mapping[str, Any]:
    """Return the document that a search writes."""
    if system.shape is not None:
        argv = (sys.executable, "-m", "scripts.until", "--measure", system.name)
        return _document((*argv, "--seed", str(seed)), PROJECT)
    with needed(("store",)) as variables:
        return _document(argv_of(system, seed, variables), APPS)


def _document(argv: Sequence[str], folder: Path) -> Mapping[str, Any]:
    variables = {"PYTHONPATH": str(PROJECT)}
    done = proc.run(argv, cwd=folder, env=variables, timeout_s=SEARCH_LIMIT_S, check=False)
    if done.code not in EXIT_VERDICTS:
        raise EnvironmentFailure(f"code {done.code}: {done.stderr[-500:]}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def argv_of(system: System, seed: int, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command that searches an application in ``tests/causes``."""
    settings = [word for pair in variables.items() for word in ("--env", "=".join(pair))]
    return (
        *(sys.executable, "-m", "loadtests", "run", f"{system.name}:app", "--until", "--json"),
        *("--backend", BACKEND, "--workers", system.worker, "--request", "GET /"),
        *("--no-profile", "--seed", str(seed), "--out", str(RUNS), *settings),
    )


def measure(system: System, *, seed: int) -> int:
    """Search a member of the zoo as the command does, and write its document."""
    try:
        with signals.handled(), tempfile.TemporaryDirectory(prefix="zoo-") as folder:
            answer = _search_member(system, seed, folder)
    except TwofoldError as error:
        say(str(error))
        return error.exit_code
    print(answer)
    return EXIT_YES


def _search_member(system: System, seed: int, folder: str) -> str:
    shape = system.shape
    assert shape is not None
    settings = {
        replicas: {key: text.format(folder=folder) for key, text in variables.items()}
        for replicas, variables in MEMBERS[system.name].settings.items()
    }
    backend = ProcessesBackend(checkout.root(), settings=settings, wsgi_app=WSGI_APP)
    chosen = replace(registry.choose(BACKEND, checkout.root()), backend=backend)

    def decide(given: dict[str, Any]) -> Decision:
        sized = bool(given.get("one_size"))
        here = replace(shape, replicas=given["replicas"], one_size=sized)
        return Decision(plan=plan_of(here, chosen.machine, seed=seed), chosen=chosen, results=RUNS)

    def run(decision: Decision) -> RunResult:
        request = pipeline.Request(
            plan=decision.plan,
            chosen=decision.chosen,
            results=RUNS,
            command=f"python -m scripts.until --systems {system.name}",
        )
        return pipeline.run(request, PlainProgress(sys.stderr))[0]

    answer = doubling.search({}, decide=decide, measure=run, for_rps=None, tell=say)
    return doubling.document(answer)


def judged(system: System, answer: Mapping[str, Any]) -> Row:
    """Return what an answer says, held against the truth.

    ``wrong`` means that it states an end that is none, or none where there is one. An answer that
    cannot tell is neither right nor wrong.
    """
    last = answer["steps"][-1]
    stated = (answer["ended"], answer["up_to"])
    told = answer["ended"] in {FOUND, MACHINE}
    as_known = answer["ended"] == system.ended and system.up_to in {None, answer["up_to"]}
    return {
        "stated_end": f"{stated[0]} at {stated[1]}",
        "said": answer["sentence"],
        "reason": last["why"],
        "right": as_known and system.because in last["why"],
        "wrong": told and not as_known,
        "factors": [step["factor"]["estimate"] for step in answer["steps"]],
        "to_rps": [step["to_rps"]["estimate"] for step in answer["steps"]],
        "replica_cpus": [step["replica_cpus"] for step in answer["steps"]],
        "runs": [step["run_id"] for step in answer["steps"]],
    }


def summarised(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the counts that the campaign is about, with the rows."""
    return {
        "tried": len(rows),
        "right": sum(bool(row["right"]) for row in rows),
        "wrong": sum(bool(row["wrong"]) for row in rows),
        "rows": list(rows),
    }


def in_words(row: Row) -> str:
    """Return a row as one line of progress."""
    if "error" in row:
        return f"{row['system']}: FAILED: {row['error'].strip().splitlines()[-1][:200]}"
    how = "right" if row["right"] else "WRONG" if row["wrong"] else "cannot tell, or another cause"
    return f"{row['system']}: {how}, {row['stated_end']} ({row['wall_s']:.0f} s): {row['said']}"


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps(summarised(rows), indent=1, ensure_ascii=False) + "\n")


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
