"""The external backend: measures a deployment at a URL, scaled by hooks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from loadtests.environments.external.deployment import put_back
from loadtests.environments.external.generators import argv_of
from loadtests.environments.external.hooks import pinned, with_own
from loadtests.environments.external.nearness import is_here
from loadtests.environments.external.stack import ExternalStack
from loadtests.environments.protocol import Chosen, Say
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.plan import Plan
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.tools import host, proc

NEEDED = ("scale", "replicas")


class ExternalBackend:
    """Measures a deployment that runs already; ``hooks`` scale it."""

    name = "external"

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[ExternalStack]:
        """Provide the deployment; put its number of replicas back at the end."""
        argv_of(plan)  # raises before anything is scaled
        log = folder / "logs" / "watchdog.log"
        with put_back(self._hooks, say, log=log) as deployment:
            stack = ExternalStack(plan, deployment, folder)
            stack.scale_to(plan.replica_counts[0])
            yield stack


def choose(tested: Target) -> Chosen:
    """Return the backend for a URL; raise :class:`UsageError` for other targets or no hooks."""
    if tested.kind is not TargetKind.URL:
        raise UsageError(
            "--backend external measures a deployment that runs already. Name it:"
            " twofold run --url http://10.77.0.11:8080"
        )
    hooks = tested.hooks or Hooks()
    missing = [name for name in NEEDED if not getattr(hooks, name)]
    if missing:
        raise UsageError(
            f"The deployment at {tested.url} needs the hook {' and '.join(missing)} in"
            " [tool.twofold.external], such as scale ="
            ' "kubectl scale deployment/web --replicas={replicas}". See the how-to "anything that'
            ' I can scale".'
        )
    for argv in filter(
        None, (hooks.scale, hooks.replicas, hooks.ready, hooks.counters, hooks.reset)
    ):
        program = with_own(argv)[0]
        if "/" in program:
            program = str(Path(hooks.folder).absolute() / program)
        trouble = proc.trouble_of(program)
        if trouble is not None:
            raise EnvironmentFailure(f"The hook `{shlex.join(argv)}` cannot run. {trouble}")
        if proc.which(program) is None:
            raise EnvironmentFailure(
                f"The hook `{shlex.join(argv)}` cannot run: there is no program {argv[0]!r} on"
                f" PATH{_or_from(hooks.folder, argv[0])}. Install it, or give its path."
            )
    hooks = pinned(hooks)
    shares = tested.address is not None and is_here(tested.address)
    return Chosen(
        backend=ExternalBackend(hooks),
        machine=host.read_machine(can_budget=False),
        why="the target is a URL, scaled by hooks",
        tested=replace(tested, hooks=hooks, shares_machine=shares),
    )


def _or_from(folder: str, program: str) -> str:
    """Return that a relative path starts from the folder, for a message; empty for others."""
    return f" or from {folder}" if folder and "/" in program and program[0] != "/" else ""
