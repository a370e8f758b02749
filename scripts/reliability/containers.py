"""A run's containers against OWASP's Docker Security Cheat Sheet and CIS Docker Benchmark 1.6.

Each line of ``container_lines`` is held against what ``docker inspect`` says of each container and
image, those that import an application or help for a moment among them.
"""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from loadtests.environments.compose import images, project_image, projects
from loadtests.environments.compose.tested.start import listening
from loadtests.tools import docker, docker_files, proc
from scripts.reliability.container_lines import CONTAINERS, IMAGES, ROLES, Facts, Line, role_of
from scripts.reliability.harness import QUICK, Harness, has_engine
from scripts.reliability.record import Broken, Case


def cases(*, full: bool) -> Iterator[Case]:
    """Give each line for each container of a run and of a gate; the short form has the run's."""
    if not has_engine():
        return
    for kind in ("run", "gate", "helpers") if full else ("run", "helpers"):
        yield Case(name=f"{kind}: each container was seen", run=partial(_all_seen, kind))
        for line in CONTAINERS:
            yield Case(name=f"{kind}: {line.source}: {line.asks}", run=partial(_holds, kind, line))
        for line in IMAGES if kind != "helpers" else ():
            run = partial(_holds_of_images, kind, line)
            yield Case(name=f"{kind}, images: {line.source}: {line.asks}", run=run)


def _all_seen(kind: str, _folder: Path) -> str:
    return hold_to_roles(kind, _containers(kind))


def hold_to_roles(kind: str, found: Iterable[str]) -> str:
    """Break the promise if a container that there should be was not among those by these names."""
    roles = {role_of(name) for name in found}
    if missing := [role for role in ROLES[kind] if role not in roles]:
        raise Broken(f"not seen: {', '.join(missing)}")
    return ", ".join(sorted(roles))


def _holds(kind: str, line: Line, _folder: Path) -> str:
    return judged(line, _containers(kind))


def _holds_of_images(kind: str, line: Line, _folder: Path) -> str:
    return judged(line, _images(kind))


def judged(line: Line, found: Mapping[str, Facts]) -> str:
    """Hold a line against containers by their names; raise :class:`Broken` with those it is not."""
    excepted = {name for name in found if role_of(name) in line.exceptions}
    wrong = [name for name in found if name not in excepted and not line.holds(found[name])]
    if wrong:
        raise Broken(", ".join(wrong))
    return f"{len(found) - len(excepted)} held" + (
        f", {len(excepted)} excepted" if excepted else ""
    )


@cache
def _containers(kind: str) -> dict[str, Facts]:
    """Return what the engine says of the containers of a run or a gate while it measures."""
    return _of_helpers() if kind == "helpers" else _seen(kind)[0]


@cache
def _images(kind: str) -> dict[str, Facts]:
    return _seen(kind)[1]


@cache
def _seen(kind: str) -> tuple[dict[str, Facts], dict[str, Facts]]:
    image = "twofold/app:latest"
    words = {
        "run": ("run", "--backend", "compose", "--workload", "io", "--probe", *QUICK),
        "gate": ("gate", "--base", image, "--head", image, "--max-minutes", "2", "--seed", "1"),
    }[kind]
    with tempfile.TemporaryDirectory(prefix="reliability-") as place:
        harness = Harness(Path(place), *words)
        try:
            harness.wait_for({"run": "Round 1", "gate": "side by side"}[kind])
            (run,) = harness.runs()
            return _inspected(run)
        finally:
            harness.signal(signal.SIGINT)
            harness.wait(60.0)
            harness.kill()


def _inspected(run: str) -> tuple[dict[str, Facts], dict[str, Facts]]:
    """Return the facts of a run's containers and of their images, by the services' names."""
    label = f"label={docker.RUN_LABEL}={run}"
    ids = proc.run(("docker", "ps", "--quiet", "--filter", label), timeout_s=20.0).stdout.split()
    containers = json.loads(proc.run(("docker", "inspect", *ids), timeout_s=60.0).stdout)
    digests = {
        facts["Config"]["Labels"][docker.SERVICE_LABEL]: facts["Image"] for facts in containers
    }
    images = {
        service: json.loads(proc.run(("docker", "inspect", digest), timeout_s=20.0).stdout)[0]
        for service, digest in digests.items()
    }
    return {facts["Name"].lstrip("/"): facts for facts in containers}, images


def _of_helpers() -> dict[str, Facts]:
    """Return the facts of an import and of a helper, which are created as a run starts them."""
    found = _of_engine(images.APP)
    project = projects.project_name("import-campaign")
    importing = f"{project}-app"
    made = (
        docker.pulse.container_argv(
            found["Id"],
            *("-c", ""),
            entrypoint=project_image.PYTHON,
            name=importing,
            labels=projects.labels_of(project),
        ),
        listening.helper_argv(importing, "campaign", projects.project_name("ports-campaign")),
    )
    names = [argv[argv.index("--name") + 1] for argv in made]
    try:
        for argv in made:
            proc.run(created(argv), timeout_s=60.0)
        return {name: _of_engine(name) for name in names}
    finally:
        for name in reversed(names):
            proc.run(docker_files.remove_argv(name), timeout_s=60.0, check=False)


def created(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that only creates the container that ``docker run`` would start."""
    if tuple(argv[:3]) != ("docker", "run", "--rm"):
        raise Broken(f"a container is started by another command: {' '.join(argv[:3])}")
    return ("docker", "create", *argv[3:])


def _of_engine(name: str) -> dict[str, Any]:
    inspected = proc.run(("docker", "inspect", name), timeout_s=60.0).stdout
    facts: dict[str, Any] = json.loads(inspected)[0]
    return facts
