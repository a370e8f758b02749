"""Builds the images that a run, a gate and their tests need: ``python -m scripts.images``.

CI does this while something else runs. A run and a gate build what is missing by themselves.
"""

from __future__ import annotations

import sys

from loadtests.environments.compose import images
from loadtests.model.errors import TwofoldError
from loadtests.targets import checkout
from loadtests.tools import docker
from scripts.zoo import image


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Build the images, and return 0, or the exit code of a failure."""
    root = checkout.root()
    try:
        engine = docker.Engine()
        try:
            images.build_all(engine, root, say=say, with_store=True)
        finally:
            engine.close()
        image.build(root, say=say)
    except TwofoldError as error:
        say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
