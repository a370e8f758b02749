"""The images of a stack: from a base that is there, comes from a registry, or is made here."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.targets import checkout
from loadtests.tools import docker, proc

BASE_LIMIT_S = 600.0

APP = "twofold/app:latest"
PROXY = "twofold/proxy:latest"
GENERATOR = "twofold/generator:latest"
STORE = "twofold/store:latest"


@dataclass(frozen=True, kw_only=True)
class Images:
    """The tags of a stack's images, and the digests behind them; ``store`` None: it has none."""

    app: str
    proxy: str
    generator: str
    digests: dict[str, str]
    store: str | None = None


def build_all(
    engine: docker.Engine,
    root: Path,
    *,
    say: Say,
    with_store: bool = False,
    app_image: str | None = None,
) -> Images:
    """Build the images of a stack; each is quick where nothing has changed.

    ``app_image`` names an image to use instead of the checkout's application. Raises
    :class:`~loadtests.model.errors.EnvironmentFailure` where the engine has no such image.
    """
    base = base_image(engine, root, say=say)
    wanted = _services(root)
    if with_store:
        wanted.append((STORE, root / "compose/store", root / "compose/store/Dockerfile"))
    if app_image is None:
        wanted.insert(0, (APP, root / "app", root / "app/Dockerfile"))
    elif engine.image_id(app_image) is None and not docker.pull(app_image):
        raise EnvironmentFailure(
            f"The application's image {app_image!r} is not here and cannot be pulled. Build it, or"
            " name another."
        )
    for tag, folder, dockerfile in wanted:
        build(tag, folder, dockerfile, base=base, say=say)
    app = app_image or APP
    tags = (base, app, *(tag for tag, *_ in wanted))
    digests = {tag: engine.image_id(tag) or "?" for tag in tags}
    return Images(
        app=app,
        proxy=PROXY,
        generator=GENERATOR,
        store=STORE if with_store else None,
        digests=digests,
    )


def build_services(engine: docker.Engine, root: Path, *, say: Say) -> None:
    """Build what measures: the images of proxy and generator."""
    base = base_image(engine, root, say=say)
    for tag, folder, dockerfile in _services(root):
        build(tag, folder, dockerfile, base=base, say=say)


def _services(root: Path) -> list[tuple[str, Path, Path]]:
    """Give tag, folder and Dockerfile of each image that measures."""
    return [
        (PROXY, root / "compose/proxy", root / "compose/proxy/Dockerfile"),
        (GENERATOR, checkout.generator(), root / "compose/generator/Dockerfile"),
    ]


def build(tag: str, folder: Path, dockerfile: Path, *, base: str, say: Say) -> None:
    """Build one image from a base; ``tag`` is named ``twofold/<what it is>:latest``."""
    what = tag.partition("/")[2].partition(":")[0]
    say(f"Building the image of the {what}")
    docker.build(
        docker.build_argv(tag=tag, folder=folder, dockerfile=dockerfile, base_image=base),
        what=f"the {what}",
        on_line=lambda _: None,
    )


def base_image(engine: docker.Engine, root: Path, *, say: Say) -> str:
    """Give a base image that the engine has; get or make one where it has none.

    The one that TWOFOLD_BASE_IMAGE names; else what ``scripts/base_image.py`` chooses: the official
    one where it is here or its registry answers, our own, made of Debian's packages, where not.
    """
    asked = os.environ.get("TWOFOLD_BASE_IMAGE")
    if asked:
        if engine.image_id(asked) is None and not docker.pull(asked):
            raise EnvironmentFailure(
                f"The base image {asked!r} (TWOFOLD_BASE_IMAGE) is not here and cannot be pulled."
                " Name another, or unset the variable."
            )
        return asked
    said: list[str] = []

    def tell(line: str) -> None:
        if said:
            say(said[-1])
        said.append(line)

    try:
        proc.run(
            (sys.executable, str(root / "scripts/base_image.py")),
            timeout_s=BASE_LIMIT_S,
            on_line=tell,
        )
    except ProcessFailure as error:
        raise EnvironmentFailure(
            f"There is no base image, and none could be got or made: {error.output or error}\n"
            "Name one that this engine has: TWOFOLD_BASE_IMAGE=…"
        ) from error
    return said[-1].strip()  # the tag, after the lines of progress
