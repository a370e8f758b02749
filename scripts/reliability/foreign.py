"""Projects of others on the same engine, which look like ours and must stay."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from loadtests.tools import docker, proc
from scripts.reliability.harness import PROJECT
from scripts.reliability.record import Broken, Case

IMAGE = "twofold/generator:latest"
"""Any image with a shell; this one is there after the first run."""

LOOKS: tuple[tuple[str, dict[str, str]], ...] = (
    ("compose-web-1", {docker.PROJECT_LABEL: "compose"}),
    ("compose-web-1", {docker.PROJECT_LABEL: "compose", docker.RUN_LABEL: "by-hand"}),
    ("shop-web-1", {docker.RUN_LABEL: "20260101-000000-0001"}),
    ("twofold-web-1", {docker.PROJECT_LABEL: "twofold"}),
    ("twofold-web-1", {docker.PROJECT_LABEL: "twofold", docker.RUN_LABEL: "by-hand"}),
    ("twofold-a-1", {docker.PROJECT_LABEL: "twofold-a-1", docker.RUN_LABEL: "x"}),
    ("shop-1", {docker.PROJECT_LABEL: "twofold-run-00000000-1", docker.RUN_LABEL: "x"}),
    ("shop-2", {docker.PROJECT_LABEL: "twofold-run-00000000-99999999", docker.RUN_LABEL: "x"}),
    ("a-twofold-run-00000000-1-web", {docker.PROJECT_LABEL: "shop", docker.RUN_LABEL: "x"}),
    ("twofold-run-00000000-1_web_1", {docker.PROJECT_LABEL: "shop"}),
)
"""A name and labels of a container that is not ours."""


def cases(count: int) -> Iterator[Case]:
    """Give so many foreign projects; each is there while `twofold down` removes what is ours."""
    for number in range(count):
        name, labels = LOOKS[number % len(LOOKS)]
        kind = "running" if number < len(LOOKS) else "stopped"
        yield Case(
            name=f"foreign {number + 1}: {name}, {kind}",
            run=partial(_stays, f"{name}-reliability-{number}", labels, kind),
        )


def _stays(name: str, labels: dict[str, str], kind: str, folder: Path) -> None:
    words = [f"--label={key}={value}" for key, value in labels.items()]
    _docker("run", "--detach", "--name", name, *words, IMAGE, "sleep", "300")
    try:
        if kind == "stopped":
            _docker("kill", name)
        argv = (sys.executable, "-m", "loadtests", "down")
        proc.run(argv, env={"PYTHONPATH": str(PROJECT), "TMPDIR": str(folder)}, timeout_s=60.0)
        listed = _docker("ps", "--all", "--filter", f"name=^/{name}$", "--format", "{{.State}}")
        if listed.strip() != {"running": "running", "stopped": "exited"}[kind]:
            raise Broken(f"{name} is {listed.strip() or 'gone'}")
    finally:
        _docker("rm", "--force", "--volumes", name)


def _docker(*words: str) -> str:
    return proc.run(("docker", *words), timeout_s=60.0).stdout
