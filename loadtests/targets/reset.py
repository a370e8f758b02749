"""Takes back what the load left behind, by the user's own command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import Plan
from loadtests.tools import proc

LIMIT_S = 120.0
"""How long a command that is no hook may take; a run has some rounds, and waits before each."""

OF_ROUND = "a round"


def reset(plan: Plan) -> None:
    """Run the plan's command in the target's folder, with the target's variables, if it has one.

    A hook runs in the folder of the configuration, and has its time limit, as all hooks do.
    """
    hooks = plan.tested.hooks
    folder = Path(plan.tested.folder) if plan.tested.folder else None
    limit_s = LIMIT_S
    if hooks is not None and plan.reset_command == hooks.reset:
        folder = Path(hooks.folder) if hooks.folder else folder
        limit_s = hooks.limit_s
    run(plan.reset_command, folder, plan.tested.env, limit_s=limit_s)


def run(
    command: Sequence[str],
    folder: Path | None,
    env: Mapping[str, str],
    *,
    before: str = OF_ROUND,
    limit_s: float = LIMIT_S,
) -> None:
    """Run a command, if there is one, in a folder; ``before`` says before what, for the message.

    No shell reads it. What it leaves running stays. Raises :class:`ProcessFailure` if it fails or
    takes longer than ``limit_s``.
    """
    if not command:
        return
    try:
        proc.run(command, cwd=folder, env=env, timeout_s=limit_s, may_leave=True)
    except ProcessFailure as error:
        reason = error.output.strip() or str(error)
        raise ProcessFailure(
            f"The reset command `{shlex.join(command)}` failed before {before}: {reason}",
            output=error.output,
        ) from error
