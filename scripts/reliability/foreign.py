"""Projects of others on the same engine, which look like ours and must stay.

Each has a container, a network and a volume. Beside it is what a real dead run of this machine has
left: `twofold down` has to remove that, in the same breath.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from loadtests.environments.compose.projects import machine_mark
from loadtests.tools import docker, proc
from scripts.reliability.harness import PROJECT
from scripts.reliability.record import Broken, Case

IMAGE = "twofold/generator:latest"
"""Any image with a shell; this one is there after the first run."""

PID_MAX = Path("/proc/sys/kernel/pid_max")

RUN = "20260101-000000-0001"

OF_DEAD_RUN: Mapping[str, str] = MappingProxyType(
    {docker.PROJECT_LABEL: "{dead}", docker.RUN_LABEL: RUN}
)
"""The labels of everything that the dead run has left; ``{dead}`` is its project's name."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How an object is called and labelled, with ``{dead}`` and ``{number}`` of the case in it."""

    name: str
    labels: Mapping[str, str]

    def of(self, dead: str, number: int) -> Look:
        """Return it with the name of the dead run's project and the case's number."""
        labels = {key: value.format(dead=dead) for key, value in self.labels.items()}
        return Look(name=self.name.format(dead=dead, number=number), labels=labels)


DEAD = Look(name="{dead}_web_1", labels=OF_DEAD_RUN)
"""What has to go."""


def _look(name: str, project: str, run: str | None = RUN) -> Look:
    own = {} if run is None else {docker.RUN_LABEL: run}
    return Look(name=name, labels={docker.PROJECT_LABEL: project, **own})


LOOKS: tuple[Look, ...] = (
    # The dead run's labels, as an image hands them down to a container, and other names.
    _look("shop-web-{number}", "{dead}"),
    _look("a-{dead}-web-1", "{dead}"),
    _look("{dead}", "{dead}"),
    _look("{dead}0-web-1", "{dead}"),
    # The dead run's names, and other labels.
    _look("{dead}-web-1", "{dead}", run=None),
    _look("{dead}-web-1", "shop"),
    # Projects that Compose named, with our label.
    _look("compose-web-reliability-{number}", "compose", run="by-hand"),
    _look("twofold-web-reliability-{number}", "twofold", run="by-hand"),
    _look("twofold-a-1-web-{number}", "twofold-a-1"),
    # A run of another machine, of which nobody knows here whether it lives.
    _look("twofold-run-00000000-1-web-{number}", "twofold-run-00000000-1"),
)
"""Objects that are not ours to remove."""

KINDS: dict[str, tuple[str, ...]] = {
    "container": ("ps", "--all", "--format", "{{.Names}}"),
    "network": ("network", "ls", "--format", "{{.Name}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
}
"""The kinds of objects, and the commands that list their names."""


def cases(count: int) -> Iterator[Case]:
    """Give so many foreign projects; each is there while `twofold down` removes what is ours."""
    for number in range(count):
        look = LOOKS[number % len(LOOKS)]
        kind = "running" if number < len(LOOKS) else "stopped"
        project = look.labels[docker.PROJECT_LABEL]
        yield Case(
            name=f"foreign {number + 1}: {look.name} of {project}, {kind}",
            run=partial(_stays, look, number, kind),
        )


def dead_project(number: int) -> str:
    """Return the name of a project whose run was on this machine, and lives no more.

    No process gets the id: the kernel gives only those below its limit.
    """
    return f"twofold-{RUN}-{number}-{machine_mark()}-{PID_MAX.read_text().strip()}"


def _stays(look: Look, number: int, kind: str, folder: Path) -> None:
    dead = dead_project(number)
    foreign, ours = look.of(dead, number), DEAD.of(dead, number)
    try:
        for made in (foreign, ours):
            _make(made)
        if kind == "stopped":
            _docker("kill", foreign.name)
        before = _state(foreign.name)
        argv = (sys.executable, "-m", "loadtests", "down")
        proc.run(argv, env={"PYTHONPATH": str(PROJECT), "TMPDIR": str(folder)}, timeout_s=60.0)
        hold_to(foreign.name, ours.name, _names())
        if (after := _state(foreign.name)) != before:
            raise Broken(f"{foreign.name} was {before} and is {after}")
    finally:
        for made in (foreign, ours):
            _remove(made.name)


def hold_to(foreign: str, ours: str, there: Mapping[str, set[str]]) -> None:
    """Break the promise if a foreign object is gone, or if one of the dead run's is there."""
    if gone := [kind for kind in KINDS if foreign not in there[kind]]:
        raise Broken(f"of {foreign}, gone: {', '.join(gone)}")
    if kept := [kind for kind in KINDS if ours in there[kind]]:
        raise Broken(f"`twofold down` left of the dead run {ours}: {', '.join(kept)}")


def _make(look: Look) -> None:
    """Make a volume, a network, and a container that uses neither, all of the same name."""
    words = [f"--label={key}={value}" for key, value in look.labels.items()]
    _docker("volume", "create", *words, look.name)
    _docker("network", "create", "--internal", *words, look.name)
    _docker("run", "--detach", "--name", look.name, *words, IMAGE, "sleep", "300")


def _remove(name: str) -> None:
    for words in (
        ("rm", "--force", "--volumes", name),
        ("network", "rm", name),
        ("volume", "rm", name),
    ):
        proc.run(("docker", *words), timeout_s=60.0, check=False)


def _names() -> dict[str, set[str]]:
    return {kind: set(_docker(*words).split()) for kind, words in KINDS.items()}


def _state(container: str) -> str:
    return _docker("inspect", "--format", "{{.State.Status}}", container).strip()


def _docker(*words: str) -> str:
    return proc.run(("docker", *words), timeout_s=60.0).stdout
