"""Takes back what the load left behind on both versions, by the user's own command."""

from __future__ import annotations

from pathlib import Path

from loadtests.gate.options import GateOptions
from loadtests.targets import reset as resets

VERSION = "TWOFOLD_VERSION"
"""The variable that tells the command whose load it takes back: ``base`` or ``head``."""


def reset(options: GateOptions, here: Path) -> None:
    """Run the target's command once for each version, with the version's variables.

    Raises :class:`ProcessFailure` if it fails or takes too long.
    """
    if options.project is None or not options.project.reset_command:
        return
    folder = options.folder or here
    for side, environment in options.environments.items():
        variables = {**options.project.tested.env, **environment, VERSION: side.value}
        resets.run(options.project.reset_command, folder, variables, before=f"a window of {side}")
