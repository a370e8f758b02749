"""A deployment that hooks scale: its number of replicas, and how it is put back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from loadtests.environments.external import watchdog
from loadtests.environments.external.hooks import HookRunner, scale_argv, with_own
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from loadtests.tools import proc, signals

STABLE_S = 3.0
"""Seconds for which the replicas have to be the same before they are measured."""


NAMES_SHOWN = 8
"""Names of replicas that a message shows."""


class Deployment:
    """The deployment, with the replicas that were there when it last got its number."""

    def __init__(self, hooks: Hooks, say: Say) -> None:
        self._hooks = hooks
        self._runner = HookRunner(hooks)
        self._say = say
        self.names: tuple[str, ...] = ()
        self._identities: Mapping[str, str] = {}
        self._changed: str | None = None

    @property
    def runner(self) -> HookRunner:
        """The hooks."""
        return self._runner

    def scale_to(self, replicas: int) -> None:
        """Set the number of replicas, and wait until it is there, ready and stable."""
        if len(self.names) == replicas and self._changed is None:
            return
        self._say(f"Scaling the deployment to {replicas}")
        self._runner.scale(replicas)
        self._identities = self._stable(replicas)
        self.names = tuple(self._identities)
        self._changed = None

    def change(self) -> str | None:
        """Return what has changed since the deployment got its number, or None."""
        now = self._runner.replicas()
        if dict(now) != dict(self._identities) and self._changed is None:
            at = datetime.fromtimestamp(proc.now_s()).astimezone().strftime("%H:%M:%S")
            self._changed = f"{_difference(self._identities, now)} at {at}"
        return self._changed

    def _stable(self, replicas: int) -> Mapping[str, str]:
        """Wait for the number of replicas, and return their identities by their names."""
        seen: Mapping[str, str] = {}
        since_s = proc.monotonic_s()
        changes = -1

        def is_stable() -> bool:
            nonlocal seen, since_s, changes
            names = self._runner.replicas()
            if dict(names) != dict(seen) or changes < 0:
                seen, since_s, changes = names, proc.monotonic_s(), changes + 1
            lasts = proc.monotonic_s() - since_s >= STABLE_S
            return len(names) == replicas and lasts and self._runner.is_ready()

        def failure() -> str:
            printed = ", ".join(tuple(seen)[:NAMES_SHOWN]) or "nothing"
            return (
                f"The deployment did not have {replicas} ready replicas for {STABLE_S:g} s within"
                f" {self._hooks.ready_limit_s:g} s. The hook 'replicas' now prints {len(seen)}"
                f" ({printed}), after {changes} changes. Look at the deployment's own events."
            )

        proc.wait_until(is_stable, limit_s=self._hooks.ready_limit_s, failure=failure)
        return seen


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return what has changed between two looks at the replicas, in a clause."""
    if len(now) != len(before):
        return f"from {len(before)} to {len(now)} replicas"
    if {*now} != {*before}:
        replaced = ", ".join(sorted({*before} - {*now}))
        return f"{', '.join(sorted({*now} - {*before}))} replaced {replaced}"
    name = next(name for name in now if now[name] != before[name])
    return f"{name} was started anew ({before[name]} became {now[name]})"


@contextmanager
def put_back(hooks: Hooks, say: Say, *, log: Path | None = None) -> Iterator[Deployment]:
    """Provide the deployment; at the end give it the number of replicas that it had.

    With a ``log``, a watchdog does so where this process ends before. Raises
    :class:`EnvironmentFailure` with the command if that fails.
    """
    deployment = Deployment(hooks, say)
    if not deployment.runner.is_ready():
        raise EnvironmentFailure(
            "The deployment is not ready before anything is changed (its hook 'ready' says so), so"
            " its number of replicas could not be put back as it was. Look at it first:"
            f" {shlex.join(hooks.ready)}"
        )
    before = len(deployment.runner.names())
    with ExitStack() as guards:
        argv = with_own(scale_argv(hooks, before))
        watched = (
            guards.enter_context(watchdog.guard(argv, limit_s=hooks.limit_s, log=log))
            if log is not None
            else None
        )
        try:
            yield deployment
        finally:
            with signals.shield():
                say(f"Scaling the deployment back to {before}")
                _scale_back(deployment, hooks, before)
                if watched is not None:
                    watched.note_gone()


def _scale_back(deployment: Deployment, hooks: Hooks, before: int) -> None:
    try:
        deployment.runner.scale(before)
    except EnvironmentFailure as error:
        raise EnvironmentFailure(
            f"The deployment could not be scaled back to {before}: {error} Do it by hand:"
            f" {shlex.join(scale_argv(hooks, before))}"
        ) from error
