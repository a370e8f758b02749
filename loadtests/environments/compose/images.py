"""Builds the images of a stack from a base image."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.model.plan import Plan
from loadtests.servers import registry as servers
from loadtests.targets import checkout
from loadtests.tools import docker, proc

BASE_LIMIT_S = 600.0
"""Limit for pulling or building the base image."""

BASE_GRACE_S = 15.0
"""How long an interrupted build may take to unmount and remove what it has made."""

APP = "twofold/app:latest"
PROXY = "twofold/proxy:latest"
GENERATOR = "twofold/generator:latest"
STORE = "twofold/store:latest"
APP_SERVERS = "twofold/app-servers:latest"
"""The application's image with more servers than gunicorn."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """The ids of a stack's images, which no later build changes.

    ``store`` is None for a stack without one, ``app_servers`` for one with gunicorn alone.
    ``digests`` has the id of each tag that was used.
    """

    app: str
    proxy: str
    generator: str
    digests: dict[str, str]
    store: str | None = None
    app_servers: str | None = None


def build_all(
    engine: docker.Engine,
    root: Path,
    *,
    say: Say,
    with_store: bool = False,
    with_servers: bool = False,
    app_image: str | None = None,
) -> Images:
    """Build the images of a stack; this is quick if nothing has changed.

    ``app_image`` names an image to use instead of the checkout's application. Raises
    :class:`~loadtests.model.errors.EnvironmentFailure` if it does not exist.
    """
    base = base_image(engine, root, say=say)
    to_build = _services(root)
    if with_store:
        to_build.append((STORE, root / "compose/store", root / "compose/store/Dockerfile"))
    if app_image is None:
        to_build.insert(0, (APP, root / "app", root / "app/Dockerfile"))
    elif engine.image_id(app_image) is None and not docker.pull(app_image):
        raise EnvironmentFailure(
            f"The application's image {app_image!r} does not exist and cannot be pulled. Build it,"
            " or name another."
        )
    digests = _built(engine, to_build, base=base, say=say)
    app = app_image or APP
    if with_servers:
        folder = root / "compose/app-servers"
        layer = (APP_SERVERS, folder, folder / "Dockerfile")
        digests |= _built(engine, [layer], base=app, say=say)
    for tag in {base, app} - digests.keys():
        digests[tag] = _id_of(engine, tag)
    return Images(
        app=digests[app],
        proxy=digests[PROXY],
        generator=digests[GENERATOR],
        store=digests[STORE] if with_store else None,
        app_servers=digests[APP_SERVERS] if with_servers else None,
        digests=digests,
    )


def wants_servers(plan: Plan) -> bool:
    """Return whether a plan has servers that the application's own image does not start.

    Raises :class:`~loadtests.model.errors.UsageError` for one that an image cannot have.
    """
    for worker in plan.workers:
        if not servers.of(worker).in_image:
            raise UsageError(
                f"{worker.name} needs {worker.server}, which the sample application's image"
                " does not have: it is built from source. Use --backend processes."
            )
    return any(servers.of(worker).container(worker).argv for worker in plan.workers)


@dataclass(frozen=True, kw_only=True)
class ServiceImages:
    """The ids of the proxy's and the generator's image."""

    proxy: str
    generator: str


def build_services(engine: docker.Engine, root: Path, *, say: Say) -> ServiceImages:
    """Build the images of the proxy and the generator."""
    base = base_image(engine, root, say=say)
    digests = _built(engine, _services(root), base=base, say=say)
    return ServiceImages(proxy=digests[PROXY], generator=digests[GENERATOR])


def _built(
    engine: docker.Engine, to_build: Sequence[tuple[str, Path, Path]], *, base: str, say: Say
) -> dict[str, str]:
    """Build images, and return their ids by their tags; a later build may move a tag."""
    digests = {}
    for tag, folder, dockerfile in to_build:
        with replacing(engine, tag):
            build(tag, folder, dockerfile, base=base, say=say)
        digests[tag] = _id_of(engine, tag)
    return digests


@contextmanager
def replacing(engine: docker.Engine, tag: str) -> Iterator[None]:
    """Remove, after a build in this block, the image that had its tag before, if nothing needs it.

    Each build of a changed application would leave one without a name otherwise.
    """
    before = engine.image_id(tag)
    yield
    if before is not None and before != engine.image_id(tag):
        engine.remove_unused(before)


def _id_of(engine: docker.Engine, tag: str) -> str:
    image = engine.image_id(tag)
    if image is None:
        raise EnvironmentFailure(f"The image {tag!r} was removed after it was built. Try again.")
    return image


def _services(root: Path) -> list[tuple[str, Path, Path]]:
    """Return tag, folder and Dockerfile of the proxy's and the generator's image."""
    return [
        (PROXY, root / "compose/proxy", root / "compose/proxy/Dockerfile"),
        (GENERATOR, checkout.generator(), root / "compose/generator/Dockerfile"),
    ]


def build(tag: str, folder: Path, dockerfile: Path, *, base: str, say: Say) -> None:
    """Build one image from a base; ``tag`` has the form ``twofold/<name>:latest``."""
    what = tag.partition("/")[2].partition(":")[0]
    say(f"Building the image of the {what}")
    docker.build(
        docker.build_argv(tag=tag, folder=folder, dockerfile=dockerfile, base_image=base),
        what=f"the {what}",
        on_line=lambda _: None,
    )


def base_image(engine: docker.Engine, root: Path, *, say: Say) -> str:
    """Return a base image; pull or build it if necessary.

    TWOFOLD_BASE_IMAGE may name it. Otherwise ``scripts/base_image.py`` chooses: the official image
    if it exists or can be pulled, or else one built from Debian's packages.
    """
    requested = os.environ.get("TWOFOLD_BASE_IMAGE")
    if requested:
        if engine.image_id(requested) is None and not docker.pull(requested):
            raise EnvironmentFailure(
                f"The base image {requested!r} (TWOFOLD_BASE_IMAGE) does not exist and cannot be"
                " pulled. Name another, or unset the variable."
            )
        return requested
    return made_base(root, (), say=say)


def made_base(root: Path, words: Sequence[str], *, say: Say) -> str:
    """Return the base image of ``scripts/base_image.py``, with these options."""
    lines: list[str] = []

    def on_line(line: str) -> None:
        if lines:
            say(lines[-1])
        lines.append(line)

    try:
        proc.run(
            proc.tied((sys.executable, str(root / "scripts/base_image.py"), *words)),
            timeout_s=BASE_LIMIT_S,
            grace_s=BASE_GRACE_S,
            on_line=on_line,
        )
    except ProcessFailure as error:
        raise EnvironmentFailure(
            f"There is no base image, and none could be pulled or built: {error.output or error}\n"
            "Name one that Docker has: TWOFOLD_BASE_IMAGE=…"
        ) from error
    return lines[-1].strip()  # the last line is the tag
