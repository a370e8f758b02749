"""The base images of variants that name a Python of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from loadtests.environments.compose import images
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.plan import WorkerModel
from loadtests.tools import docker

_NAME = re.compile(r"python(3\.\d+)")

SUITES = {"3.11": "bookworm", "3.13": "trixie"}
"""The Debian with each version, from which a base image can be made where no registry answers."""


def check(workers: Sequence[WorkerModel]) -> None:
    """Raise :class:`UsageError` for a Python that no image is known by."""
    for worker in workers:
        if worker.python is not None and _NAME.fullmatch(worker.python) is None:
            raise UsageError(
                f"The variant {worker.name} asks for the Python {worker.python}. A container can"
                " have python3.11, python3.13 or another version by this form. For a path or PyPy:"
                " --backend processes."
            )


def grouped(workers: Sequence[WorkerModel]) -> dict[str | None, tuple[WorkerModel, ...]]:
    """Return the worker models by the Python that they ask for; None is the usual one."""
    pythons = dict.fromkeys(worker.python for worker in workers)
    return {
        python: tuple(worker for worker in workers if worker.python == python) for python in pythons
    }


def base_of(engine: docker.Engine, root: Path, python: str | None, *, say: Say) -> str:
    """Return the base image with a Python: the official one, or one made of Debian's packages.

    Raises :class:`EnvironmentFailure` if there is none.
    """
    match = _NAME.fullmatch(python or "")
    if match is None:
        return images.base_image(engine, root, say=say)
    tag = f"python:{match[1]}-slim"
    if engine.image_id(tag) is not None or docker.pull(tag):
        return tag
    suite = SUITES.get(match[1])
    if suite is None:
        raise EnvironmentFailure(
            f"Docker neither has {tag} nor can pull it, and no Debian that is known here has"
            f" {python}. Give it one: docker tag IMAGE {tag}"
        )
    return images.made_base(root, ("--suite", suite), say=say)


def tag_of(tag: str, python: str | None) -> str:
    """Return the tag of a project's image with a Python of its own."""
    return tag if python is None else f"{tag.rpartition(':')[0]}:{python}"
