"""The hook of a deployment that scales it: ``python -m scripts.own_deployment.hooks FOLDER 2``.

The folder has what the deployment is now. ``printed`` has the hooks that only read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.model.errors import TwofoldError
from scripts.own_deployment import containers


def main(argv: Sequence[str] | None = None) -> int:
    """Scale the deployment; return 0, or the exit code of what went wrong."""
    parser = argparse.ArgumentParser(prog="hooks", description="scale a deployment")
    parser.add_argument("folder", type=Path)
    parser.add_argument("replicas", type=int)
    given = parser.parse_args(argv)
    try:
        containers.scale(given.folder, given.replicas)
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
