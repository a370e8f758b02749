"""The image of a user's application: its folder, what it requires, and the servers.

Also how a replica of it is started, and what an import of it in the image shows.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import jinja2
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from loadtests.environments.compose.images import replacing
from loadtests.environments.compose.projects import labels_of, project_name
from loadtests.environments.protocol import Say
from loadtests.environments.replica_environment import IMPORT_PATH, joined_places
from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.model.plan import START_LIMIT_S, WorkerModel
from loadtests.model.tested.target import Target
from loadtests.planning import variant_fit
from loadtests.servers import gunicorn
from loadtests.servers import registry as servers
from loadtests.servers.server import Command, ReplicaOrder
from loadtests.targets.application import (
    build_context,
    build_failure,
    examination,
    inspection,
    requirements,
    uninstalled,
)
from loadtests.targets.application.folders import check_readable
from loadtests.targets.application.interpreter import Interpreter
from loadtests.tools import docker, docker_files, proc, temporary
from loadtests.tools.docker import images, pulse, variables

TEMPLATE = "compose/project/Dockerfile.j2"
POETRY = "compose/project/poetry_requirements.py"

FOLDER = "/srv/project"
PYTHON = "/venv/bin/python"
PORT = 8000

BOOT = (
    f"import base64, runpy, sys; {uninstalled.SAYING};"
    "open('/tmp/inspector.pyz', 'wb').write(base64.b64decode(sys.stdin.read()));"
    "runpy.run_path('/tmp/inspector.pyz', run_name='__main__')"
)
"""Runs the inspector from standard input: no file of ours can be mounted on another machine."""

WRITE = (
    "import json, os, sys; job = json.loads(sys.argv[1]);"
    "[open(path, 'w').write(text) for path, text in job['files'].items()];"
    "os.execvp(job['argv'][0], job['argv'])"
)
"""Writes a server's own files, and becomes the server."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package that an image gets unless the application's own requirements have it."""

    module: str
    requirement: str
    instead: str = ""
    """Another distribution that does instead."""


def build(
    engine: docker.Engine,
    root: Path,
    tested: Target,
    *,
    base: str,
    say: Say,
    workers: Sequence[WorkerModel] = (),
    tag: str | None = None,
    words: Sequence[str] = (),
) -> str:
    """Build the image of a target's folder, with the servers of ``workers``, and return its id.

    ``tag`` is what it is called; None for the folder's own tag. ``words`` are further options of
    the builder.

    Raises :class:`UsageError` for a folder that is too large or whose requirements cannot be read,
    and :class:`~loadtests.model.errors.EnvironmentFailure` if the image does not build.
    """
    folder = Path(tested.folder or ".")
    check_readable(folder)
    needed = requirements.find(folder)
    context = build_context.find(folder)
    say(f"Building an image of {folder} ({needed.kind or 'no requirements file'})")
    tag = tag or tag_of(folder)
    with temporary.folder("image") as place:
        build_context.copy(context, place / "project")
        for path, text in needed.files.items():
            file = place / "requirements" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if needed.tool == "poetry":
            shutil.copy(root / POETRY, place)
        dockerfile = place / "Dockerfile"
        dockerfile.write_text(dockerfile_of(root, needed, workers), encoding="utf-8")
        argv = docker.build_argv(
            tag=tag, folder=place, dockerfile=dockerfile, base_image=base, words=words
        )
        try:
            with replacing(engine, tag):
                docker.build(argv, what=tested.name, on_line=lambda _: None)
        except EnvironmentFailure as error:
            raise EnvironmentFailure(_without_folder(str(error))) from error
    return engine.image_id(tag) or tag


def _without_folder(message: str) -> str:
    """Return why an image does not build, without the command that names a folder about to go."""
    reason = message.partition("\nTry it by hand")[0]
    advice = build_failure.advice(reason)
    return reason if advice is None else f"{reason}\n{advice}"


def dockerfile_of(
    root: Path, needed: requirements.Requirements, workers: Sequence[WorkerModel]
) -> str:
    """Return the text of the Dockerfile."""
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  no HTML
    )
    template = environment.from_string((root / TEMPLATE).read_text(encoding="utf-8"))
    return template.render(
        folder=FOLDER,
        requirements=needed,
        packages=packages_of(workers),
        not_installed=uninstalled.LIST,
    )


def packages_of(workers: Sequence[WorkerModel]) -> tuple[Package, ...]:
    """Return the packages that variants need, each in the version that Twofold itself has."""
    instead = {
        module: server.instead.get(module, "")
        for worker in workers
        for server in [servers.of(worker)]
        for module in server.modules(worker)
    }
    return tuple(
        Package(module=module, requirement=_pinned(module), instead=other)
        for module, other in instead.items()
    )


def _pinned(module: str) -> str:
    try:
        return f"{module}=={metadata.version(module)}"
    except metadata.PackageNotFoundError:
        return module


def tag_of(folder: Path) -> str:
    """Return the tag of a folder's image; another folder of the same name has another."""
    name = "".join(letter if letter.isalnum() else "-" for letter in folder.name.lower()).strip("-")
    return f"twofold/project-{name or 'app'}-{zlib.crc32(str(folder).encode()):08x}:latest"


def inspect(
    image: str, tested: Target, say: Say, *, start_limit_s: float = START_LIMIT_S
) -> Target:
    """Import a target's application in its image, and return the target with what is seen.

    The import may take as long as a replica's start. Raises :class:`UsageError` if it fails.
    """
    say("Importing the application in its image")
    folder = Path(tested.folder or ".")
    limit_s = inspection.limit_of(start_limit_s)
    job = inspection.job(tested.application or "", examination.modules(), limit_s=limit_s)
    # Named and labelled as a run's, so that it is removed if this process is killed.
    project = project_name(f"import-{secrets.token_hex(4)}")
    container = f"{project}-app"
    try:
        with variables.carried(tested.env) as ways:
            argv = pulse.container_argv(
                image,
                *("-c", BOOT, job),
                entrypoint=PYTHON,
                variables=ways.texts,
                env_file=ways.file,
                name=container,
                labels=labels_of(project),
            )
            with images.values_hidden(argv):
                done = pulse.run(
                    argv,
                    env=ways.env,
                    input_text=base64.b64encode(inspection.packed()).decode(),
                    timeout_s=limit_s + inspection.SLACK_S,
                    check=False,
                    tied=True,
                )
    except BaseException:  # the command is ended, but not what it has started
        with suppress(ProcessFailure):
            pulse.run(docker_files.remove_argv(container), check=False)
        raise
    return _described(tested, done, folder)


def _described(tested: Target, done: proc.Completed, folder: Path) -> Target:
    """Return a target with what the inspector wrote; raise :class:`UsageError` for a failure."""
    needed, notes = requirements.find(folder), uninstalled.notes(done.stderr)
    try:
        seen = inspection.parse(
            done,
            asked=tested.application or "",
            where="the image's Python",
            folder=folder,
            install=requirements.what_to_add(folder, needed),
        )
    except UsageError as error:
        raise UsageError("\n".join((str(error), *notes))) from error
    _check_version(needed, seen.python)
    python = Interpreter(path=PYTHON, why=f"of an image made from {folder}")
    described = examination.described(tested, seen, python)
    return replace(described, notes=(*described.notes, *notes))


def _check_version(needed: requirements.Requirements, python: str) -> None:
    """Raise :class:`UsageError` if a project asks for another Python than its image has."""
    try:
        fits = needed.python is None or SpecifierSet(needed.python).contains(python)
    except InvalidSpecifier:
        return
    if not fits:
        raise UsageError(
            f"pyproject.toml asks for Python {needed.python}, and the base image has {python}. Name"
            " another, such as TWOFOLD_BASE_IMAGE=python:3.12-slim; or run without containers:"
            " --backend processes --python …"
        )


def command(
    worker: WorkerModel, tested: Target, *, start_limit_s: float = START_LIMIT_S
) -> Command:
    """Return how a container of an inspected target's image starts a variant.

    Raises :class:`UsageError` for a variant that cannot serve the application.
    """
    variant_fit.check_served(tested, (worker,))
    order = ReplicaOrder(
        python=PYTHON,
        application=tested.application or "",
        worker=worker,
        name=worker.name,
        bind=f"0.0.0.0:{PORT}",
        folder=FOLDER,
        interface=tested.interface,
        versions={name: text for name, text in (tested.modules or {}).items() if text},
        start_limit_s=gunicorn.import_limit_s(start_limit_s, tested, worker),
    )
    own, given = servers.of(worker).command(order), worker.env.get(IMPORT_PATH)
    # The variant's and the target's places are added to these; their texts stay out of files.
    first = own.env.get(IMPORT_PATH) if own.env.get(IMPORT_PATH) != given else None
    places = joined_places(first, f"{FOLDER}/{tested.source}".rstrip("/"))
    env = {**own.env, IMPORT_PATH: places}
    if not own.files:
        return Command(argv=own.argv, env=env)
    written = {f"{order.scratch}/{name}": text for name, text in own.files.items()}
    text = json.dumps({"files": written, "argv": own.argv})
    return Command(argv=(PYTHON, "-c", WRITE, text), env=env)
