"""The commands of a deployment for ``twofold run --url``.

    .venv/bin/python    -m scripts.own_deployment.hooks scale FOLDER 2
    .venv/bin/python -S -m scripts.own_deployment.hooks replicas FOLDER
    .venv/bin/python -S -m scripts.own_deployment.hooks counters FOLDER

The folder has what the deployment is now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.model.errors import TwofoldError
from scripts.own_deployment import state

PRINTED = {"replicas": state.replicas_of, "counters": state.counters_of}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a hook; return 0, or the exit code of what went wrong."""
    parser = argparse.ArgumentParser(prog="hooks", description="the hooks of a deployment")
    parser.add_argument("hook", choices=("scale", *PRINTED))
    parser.add_argument("folder", type=Path)
    parser.add_argument("number", type=int, nargs="?", default=1, help="of replicas, for scale")
    given = parser.parse_args(argv)
    try:
        if given.hook == "scale":
            # Here, since the other hooks run without other people's packages.
            from scripts.own_deployment import containers

            containers.scale(given.folder, given.number)
        else:
            print(PRINTED[given.hook](state.read(given.folder)), end="")
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
