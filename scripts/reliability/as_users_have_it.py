"""The same on a machine as users have it: control groups v2, systemd, a newer engine.

A virtual machine that somebody provides does it: RELIABILITY_MACHINE names a program that is called
as ``PROGRAM run FOLDER COMMAND``. It copies FOLDER to ``/work`` in the machine, runs COMMAND there
in bash, and copies ``/work/out`` back into FOLDER. The machine needs Python with venv, Docker and
Compose. Without the variable there are no cases.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.model.errors import ProcessFailure
from loadtests.tools import docker, proc
from scripts.reliability import hung_engine, no_leak
from scripts.reliability.harness import PROJECT, has_engine
from scripts.reliability.record import Broken, Case

MACHINE = "RELIABILITY_MACHINE"
SLOWER = "10"
"""How much slower an emulated machine is; its cases have so much more time to start and to end."""

MACHINE_LIMIT_S = 6 * 3600.0
BASE_TAR = "base.tar"
OUT = "out/reliability.json"

COPIED = (
    *("app", "compose", "loadtests", "requirements", "scripts", "tests"),
    *("pyproject.toml", "README.md", "LICENSE", "Makefile"),
)

COMMAND = f"""
set -e
export RELIABILITY_SLOWER={SLOWER}
mkdir -p out
[ ! -e {BASE_TAR} ] || docker load <{BASE_TAR}
python3 scripts/set_up.py --compose >out/set-up.log 2>&1
.venv/bin/python -m scripts.reliability --users CASES --out {OUT} >out/log 2>&1 || true
test -s {OUT}
"""

CAMPAIGNS = {"no_leak": no_leak.users_cases, "hung_engine": hung_engine.users_cases}
"""What runs in the machine: 24 ends, and an engine that hangs at 5 calls."""


def cases(*, full: bool) -> Iterator[Case]:
    """Give 24 ends and 5 calls; in the short form one of each."""
    if MACHINE not in os.environ:
        say(f"as_users_have_it: {MACHINE} names no machine, so there are no cases")
        return
    for campaign, given in CAMPAIGNS.items():
        for case in list(given())[: None if full else 1]:
            run = partial(_holds, campaign, case.name, full)
            yield Case(name=f"{campaign}: {case.name}", run=run)


def _holds(campaign: str, name: str, full: bool, folder: Path) -> str:  # noqa: FBT001  a partial's
    rows = _rows(folder, full=full)
    found = [row for row in rows if (row["campaign"], row["case"]) == (campaign, name)]
    if not found:
        raise Broken("the machine did not try it")
    if not found[0]["held"]:
        raise Broken(str(found[0]["detail"]))
    return str(found[0]["detail"])


_told: dict[bool, list[dict[str, Any]]] = {}


def _rows(folder: Path, *, full: bool) -> list[dict[str, Any]]:
    """Return the rows of the machine; all cases run in one start of it."""
    if full not in _told:
        work = folder / "work"
        _copy(work)
        command = COMMAND.replace("CASES", "all" if full else "1")
        try:
            proc.run(
                (os.environ[MACHINE], "run", str(work), command),
                timeout_s=MACHINE_LIMIT_S,
                on_line=say,
            )
        except ProcessFailure as failure:
            logs = [path.read_text(errors="replace")[-1500:] for path in work.glob("out/*log")]
            raise Broken(f"{failure}: {' '.join(logs)}") from failure
        _told[full] = json.loads((work / OUT).read_text())["rows"]
    return _told[full]


def _copy(work: Path) -> None:
    """Copy the checkout, and the base image where this machine has made one."""
    (work / "out").mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", ".venv", "results")
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, work / name, ignore=ignored)
        else:
            shutil.copy(source, work / name)
    base = _base() if has_engine() else None
    if base is not None:
        argv = ("docker", "save", "--output", str(work / BASE_TAR), base)
        proc.run(argv, timeout_s=300.0)


def _base() -> str | None:
    """Return the base image that was made here, for a machine that reaches no registry."""
    listed = proc.run(
        ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "twofold/base"),
        timeout_s=20.0,
    )
    return next(iter(listed.stdout.split()), None) if docker.is_local() else None


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)
