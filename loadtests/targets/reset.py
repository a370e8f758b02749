"""Takes back what the load left behind, by the user's own command."""

from __future__ import annotations

import shlex
from pathlib import Path

from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import Plan
from loadtests.tools import proc

LIMIT_S = 120.0
"""How long the command may take; a run has some rounds, and waits for it before each."""


def reset(plan: Plan) -> None:
    """Run the plan's command in the target's folder, with the target's variables, if it has one.

    No shell reads it. Raises :class:`ProcessFailure` if it fails or takes too long.
    """
    if not plan.reset_command:
        return
    folder = Path(plan.tested.folder) if plan.tested.folder else None
    command = shlex.join(plan.reset_command)
    try:
        proc.run(plan.reset_command, cwd=folder, env=plan.tested.env, timeout_s=LIMIT_S)
    except ProcessFailure as error:
        reason = error.output.strip() or str(error)
        raise ProcessFailure(
            f"The reset command `{command}` failed before a round: {reason}", output=error.output
        ) from error
