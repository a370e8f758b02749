"""The load generators of other machines, which a program here asks for their parts of the load."""

from __future__ import annotations

import os

from loadtests.environments.child_python import module_argv
from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan

SECRET = "TWOFOLD_GENERATOR_SECRET"  # noqa: S105  the variable's name
"""The variable with the secret of the generators; see ``generator/team/handshake.py``."""

LEAST_CHARS = 16


def argv_of(plan: Plan) -> tuple[str, ...]:
    """Return the command of the generator: here, or what asks those of other machines.

    Raises :class:`UsageError` where the secret of these is missing.
    """
    processes = ("--processes", str(plan.generator_processes))
    if not plan.generator_workers:
        return module_argv("loadtests.generator", *processes)
    if len(os.environ.get(SECRET, "")) < LEAST_CHARS:
        raise UsageError(
            f"The generators at {', '.join(plan.generator_workers)} need a secret: set the variable"
            f" {SECRET} to the same one here and there, of at least {LEAST_CHARS} characters. Make"
            " one: openssl rand -hex 16."
        )
    return module_argv("loadtests.generator.team", *processes, *plan.generator_workers)
