"""Runs the user's hooks, and reads what they print."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.environments.child_python import python_path
from loadtests.environments.external import kubernetes
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.tested.external import Hooks
from loadtests.tools import proc

PLACE = "{replicas}"

COUNTER_FIELDS = (2, 3)
"""Numbers of words in a line of counters: name, CPU-seconds, throttled seconds."""


@dataclass(frozen=True, kw_only=True)
class Counter:
    """The counters of one replica, in seconds."""

    name: str
    cpu_s: float
    throttled_s: float | None = None


class HookRunner:
    """Runs hooks, each with its time limit; a failure names the hook and what it wrote."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    def scale(self, replicas: int) -> None:
        """Ask for a number of replicas."""
        self._run("scale", scale_argv(self._hooks, replicas))

    def replicas(self) -> Mapping[str, str]:
        """Return what tells each replica from its successor, by the sorted names of those there."""
        return parse_replicas(self._run("replicas", self._hooks.replicas))

    def names(self) -> tuple[str, ...]:
        """Return the names of the replicas that serve now, sorted."""
        return tuple(self.replicas())

    def is_ready(self) -> bool:
        """Return whether the deployment says that it is ready; without a hook it always is."""
        if not self._hooks.ready:
            return True
        return self._done("ready", self._hooks.ready).code == 0

    def counters(self) -> tuple[Counter, ...]:
        """Return the counters of the replicas; none without a hook."""
        if not self._hooks.counters:
            return ()
        return parse_counters(self._run("counters", self._hooks.counters))

    def _run(self, name: str, argv: Sequence[str]) -> str:
        done = self._done(name, argv)
        if done.code != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise EnvironmentFailure(
                f"The hook {name!r} (`{shlex.join(argv)}`) ended with code {done.code}:"
                f" {said[-1] if said else 'it printed nothing'}. Run it by hand, and mend it."
            )
        return done.stdout

    def _done(self, name: str, argv: Sequence[str]) -> proc.Completed:
        limit_s = self._hooks.limit_s
        try:
            return proc.run(with_own(argv), env=python_path(), timeout_s=limit_s, check=False)
        except ProcessFailure as error:
            raise EnvironmentFailure(f"The hook {name!r} failed. {error}") from error


def scale_argv(hooks: Hooks, replicas: int) -> tuple[str, ...]:
    """Return the command that asks for a number of replicas."""
    return tuple(word.replace(PLACE, str(replicas)) for word in hooks.scale)


def with_own(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command that can be run; our own program for Kubernetes need not be on PATH."""
    if argv[0] == kubernetes.COMMAND:
        return (sys.executable, "-m", kubernetes.MODULE, *argv[1:])
    return tuple(argv)


def parse_names(text: str) -> tuple[str, ...]:
    """Return the names in the output of ``replicas``, one a line; raise for a repeated one."""
    return tuple(parse_replicas(text))


def parse_replicas(text: str) -> dict[str, str]:
    """Return the identities in the output of ``replicas`` by their names, sorted.

    A line is a name, or a name, a tab and what changes when the replica is started anew.
    """
    lines = [line.strip().partition("\t") for line in text.splitlines() if line.strip()]
    names = [name.strip() for name, _, _ in lines]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise EnvironmentFailure(
            f"The hook 'replicas' printed {repeated[0]!r} twice. It has to print each name once."
        )
    return {name.strip(): identity.strip() for name, _, identity in sorted(lines)}


def parse_counters(text: str) -> tuple[Counter, ...]:
    """Return the counters in the output of ``counters``; raise for a line that has none."""
    return tuple(_counter(line) for line in text.splitlines() if line.strip())


def _counter(line: str) -> Counter:
    name, *figures = line.split()
    try:
        values = [float(figure) for figure in figures]
    except ValueError:
        values = []
    if 1 + len(values) not in COUNTER_FIELDS:
        raise EnvironmentFailure(
            f"The hook 'counters' printed {line.strip()[:200]!r}. A line has to be a name, its"
            " CPU-seconds and, if known, its throttled seconds: web-1 12.5 0.3."
        )
    return Counter(name=name, cpu_s=values[0], throttled_s=values[1] if len(values) > 1 else None)
