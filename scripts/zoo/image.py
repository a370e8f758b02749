"""Builds the image of the zoo's application: ``python -m scripts.zoo.image``.

It prints the image's name, by which the gate finds it:

    twofold gate --base twofold/zoo:latest --head twofold/zoo:latest --head-env BURN_PERCENT=5
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from loadtests.environments.compose import images
from loadtests.environments.protocol import Say
from loadtests.model.errors import TwofoldError
from loadtests.targets import checkout
from loadtests.tools import docker

ZOO = "twofold/zoo:latest"


def build(root: Path, *, say: Say) -> str:
    """Build the sample's image and the zoo's image on it, and return the latter's name.

    Raises what :func:`build_on_the_samples` does.
    """
    build_on_the_samples(root, {ZOO: root / "scripts/zoo/app"}, say=say)
    return ZOO


def build_on_the_samples(root: Path, others: Mapping[str, Path], *, say: Say) -> None:
    """Build the sample's image, and those of further folders, by tag, which are made from it.

    Raises:
        EnvironmentFailure: no engine answers, there is no base image, or a build failed.
    """
    engine = docker.Engine()
    try:
        base = images.base_image(engine, root, say=say)
    finally:
        engine.close()
    for tag, folder in ((images.APP, root / "app"), *others.items()):
        images.build(tag, folder, folder / "Dockerfile", base=base, say=say)


def main() -> int:
    """Build the image, print its name, and return 0, or the exit code of a failure."""
    try:
        print(build(checkout.root(), say=lambda line: print(line, file=sys.stderr, flush=True)))
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
