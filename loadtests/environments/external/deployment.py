"""A deployment that hooks scale: its number of replicas, and how it is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from loadtests.environments.external import record, watchdog
from loadtests.environments.external.hooks import (
    HookRunner,
    back_argv,
    by_hand,
    folder_of,
    scale_argv,
)
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from loadtests.tools import proc, signals

STABLE_S = 3.0
"""Seconds for which the replicas have to be the same before they are measured."""


NAMES_SHOWN = 8
"""Names of replicas that a message shows."""

LAST = 2
"""Numbers that it may have by our orders: the last one may not have come through."""

Note = Callable[[Sequence[int]], None]
"""Called before the deployment is scaled, with the numbers that it may have by our orders."""


class Deployment:
    """The deployment, with the replicas that were there when it last got its number."""

    def __init__(self, hooks: Hooks, say: Say, *, before: int, now: int, note: Note) -> None:
        """It has ``now`` replicas, and gets ``before`` at the end; mostly they are the same."""
        self._hooks = hooks
        self._runner = HookRunner(hooks)
        self._say = say
        self._note = note
        self.before = before
        self.ours: tuple[int, ...] = (now,)
        """The numbers that it may have by our orders."""
        self.names: tuple[str, ...] = ()
        self._identities: Mapping[str, str] = {}
        self._changed: str | None = None
        self.foreign: str | None = None
        """How somebody else changed the number of replicas, in a clause; None if nobody did."""
        self.scale_s: float | None = None
        """Seconds until it had another number the first time; None before."""

    @property
    def say(self) -> Say:
        """What tells the user of progress."""
        return self._say

    @property
    def runner(self) -> HookRunner:
        """The hooks."""
        return self._runner

    @property
    def identities(self) -> Mapping[str, str]:
        """What told each replica from its successor when it got its number, by their names."""
        return self._identities

    def scale_to(self, replicas: int) -> None:
        """Set the number of replicas, and wait until it is there, ready and stable.

        Raises :class:`EnvironmentFailure` where somebody else scales it, too.
        """
        if self.foreign is None and self._changed is None and len(self.names) == replicas:
            return
        if self.foreign is None and self.names and self._runner.knows_count:
            self._look_for_others()
        self._refuse_others()
        self._say(f"Scaling the deployment to {replicas}")
        is_other, began_s = replicas != self.ours[-1], proc.monotonic_s()
        self.ours = (*self.ours, replicas)[-LAST:]
        self._note(self.ours)
        self._runner.scale(replicas)
        self._identities = self._stable(replicas)
        if is_other and self.scale_s is None:
            self.scale_s = proc.monotonic_s() - began_s
        self.names = tuple(self._identities)
        self._changed = None

    def forget(self) -> None:
        """Let the next order be given, and waited for, also where it is the same number.

        What runs next may replace the replicas, or scale them itself. So what somebody else did
        before is looked for now. Raises :class:`EnvironmentFailure` where it is another number.
        """
        if self.foreign is None and self.names:
            if self._runner.knows_count:
                self._look_for_others()
            else:
                self.change()
        self._refuse_others()
        self.names = ()

    def change(self) -> str | None:
        """Return what has changed since the deployment got its number, or None."""
        now = self._runner.replicas()
        if dict(now) != dict(self._identities) and self._changed is None:
            self._changed = f"{_difference(self._identities, now)} at {_time()}"
            if self._runner.knows_count:
                self._look_for_others()
            elif len(now) > len(self._identities):  # fewer may be some that have failed
                self.foreign = self._changed
        return self._changed

    def somebody_elses(self) -> int | None:
        """Return the number of replicas, if somebody else has asked for it."""
        if self.foreign is None and not self._runner.knows_count:
            return None
        try:
            now = self._runner.count()
        except EnvironmentFailure:
            return None
        return now if self._runner.is_foreign(now, self.ours) else None

    def _refuse_others(self) -> None:
        if self.foreign is not None:
            raise EnvironmentFailure(
                f"Somebody else scales the deployment: {self.foreign}. So the run stops. Look who"
                " it is, such as an autoscaler or a roll-out, and let it wait until the run ends."
            )

    def _look_for_others(self) -> None:
        now = self._runner.count()
        if now != self.ours[-1]:
            self.foreign = f"from {self.ours[-1]} to {now} replicas at {_time()}"

    def _stable(self, replicas: int) -> Mapping[str, str]:
        """Wait for the number of replicas, and return their identities by their names."""
        seen: Mapping[str, str] = {}
        since_s = proc.monotonic_s()
        changes = -1
        aside = ""

        def is_stable() -> bool:
            nonlocal seen, since_s, changes, aside
            names = self._runner.replicas()
            aside = self._runner.aside
            if dict(names) != dict(seen) or changes < 0:
                seen, since_s, changes = names, proc.monotonic_s(), changes + 1
            lasts = proc.monotonic_s() - since_s >= STABLE_S
            return len(names) == replicas and lasts and self._runner.is_ready()

        def failure() -> str:
            printed = ", ".join(tuple(seen)[:NAMES_SHOWN]) or "nothing"
            return (
                f"The deployment did not have {replicas} ready replicas for {STABLE_S:g} s within"
                f" {self._hooks.ready_limit_s:g} s. The hook 'replicas' now prints {len(seen)}"
                f" ({printed}), after {changes} changes.{self._why_not_ready(aside)} Look at the"
                " deployment's own events."
            )

        proc.wait_until(is_stable, limit_s=self._hooks.ready_limit_s, failure=failure)
        return seen

    def _why_not_ready(self, aside: str) -> str:
        """Return what the hooks say of it, in a sentence; empty for nothing.

        The hook 'ready' is only asked where the number is right, so it is asked once more.
        """
        with suppress(EnvironmentFailure):
            if not self._runner.is_ready():
                return f" The hook 'ready' says: {self._runner.not_ready.rstrip('.')}."
        return f" The hook 'replicas' says: {aside.rstrip('.')}." if aside else ""


def _time() -> str:
    return datetime.fromtimestamp(proc.now_s()).astimezone().strftime("%H:%M:%S")


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

    A number that somebody else set meanwhile is left as it is. With a ``log``, the number is noted
    before anything is scaled, and a watchdog puts it back where this process ends before. Raises
    :class:`EnvironmentFailure` with the command if that fails.
    """
    runner = HookRunner(hooks)
    _wait_ready(hooks, runner, say)
    now = runner.count()
    before = _number_before(hooks, now, say)
    if not before and not runner.knows_count:
        raise EnvironmentFailure(
            "The hook 'replicas' prints no name, so the number to put back is not known. Run it by"
            " hand; if the deployment really has none, start one first. The command is:"
            f" {by_hand(hooks, hooks.replicas)}"
        )
    say(f"The deployment has {before} replicas, and gets them back at the end")
    with ExitStack() as guards:
        noted = None if log is None else _noted(hooks, before, now, log, say)
        note = _noter(hooks, before, log) if log is not None and noted is not None else _no_note
        deployment = Deployment(hooks, say, before=before, now=now, note=note)
        watched = None
        if log is not None:
            argv = back_argv(hooks, before, ())
            watched = guards.enter_context(
                watchdog.guard(
                    argv,
                    limit_s=hooks.limit_s,
                    log=log,
                    record=noted,
                    folder=folder_of(hooks, argv),
                )
            )
        try:
            yield deployment
        finally:
            with signals.shield():
                _give_back(deployment, hooks, say)
                if noted is not None:
                    record.forget(noted)
                if watched is not None:
                    watched.note_gone()


def _wait_ready(hooks: Hooks, runner: HookRunner, say: Say) -> None:
    """Wait until the deployment is ready: pods of an earlier run may still be on their way out."""
    if runner.is_ready():
        return
    say(f"Waiting until the deployment is ready: {runner.not_ready}")
    proc.wait_until(
        runner.is_ready,
        limit_s=hooks.ready_limit_s,
        failure=lambda: (
            "The deployment is not ready before anything is changed (its hook 'ready' says:"
            f" {runner.not_ready.rstrip('.')}), so its number of replicas could not be put back as"
            f" it was. Look at it first: {by_hand(hooks, hooks.ready)}"
        ),
    )


def _number_before(hooks: Hooks, now: int, say: Say) -> int:
    """Return the number to put back: the present one, or that before a run that died.

    Raises :class:`EnvironmentFailure` where a run of another machine may scale it now: its note
    would be lost.
    """
    left = record.read(record.path_of(hooks))
    if left is not None and left.is_elsewhere:
        raise EnvironmentFailure(
            f"A run of another machine may scale this deployment now. Its log is {left.log} there."
            " Wait for it. If it has ended, or this machine was started again, let what it scaled"
            f" be put back to {left.before}: twofold down --all."
        )
    if left is None or left.living or now == left.before or now not in left.ours:
        return now
    say(
        f"An earlier run left the deployment at {now} replicas ({left.log}). Before, it had"
        f" {left.before}"
    )
    return left.before


def _noted(hooks: Hooks, before: int, now: int, log: Path, say: Say) -> Path | None:
    try:
        return record.write(hooks, before, (now,), log)
    except EnvironmentFailure as error:
        say(str(error))
        return None


def _noter(hooks: Hooks, before: int, log: Path) -> Note:
    def note(ours: Sequence[int]) -> None:
        record.write(hooks, before, ours, log)

    return note


def _no_note(_: Sequence[int]) -> None:
    pass


def _give_back(deployment: Deployment, hooks: Hooks, say: Say) -> None:
    before = deployment.before
    theirs = deployment.somebody_elses()
    if theirs is not None:
        say(
            f"The deployment has {theirs} replicas, which somebody else set, so it is left as it"
            f" is. It had {before}: {by_hand(hooks, scale_argv(hooks, before))}"
        )
        return
    say(f"Scaling the deployment back to {before}")
    try:
        deployment.runner.scale_back(before, deployment.ours)
    except EnvironmentFailure as error:
        raise EnvironmentFailure(
            f"The deployment could not be scaled back to {before}: {error} Do it by hand:"
            f" {by_hand(hooks, scale_argv(hooks, before))}"
        ) from error
