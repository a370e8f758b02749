"""Runs the user's hooks, and reads what they print."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.environments.child_python import module_argv, python_path
from loadtests.environments.external import kubernetes
from loadtests.model.errors import EnvironmentFailure, ProcessFailure, TwofoldError
from loadtests.model.tested.external import END, KUBECTL, KUBERNETES, Hooks, option_in, own_words
from loadtests.tools import kubectl, proc

SCALE = "scale"
"""The hook that changes the deployment; the others here only read."""

PLACE = "{replicas}"

COUNTER_FIELDS = (1, 2)
"""Numbers of figures in a line of counters: CPU-seconds, throttled seconds."""

NAMED_FIELDS = frozenset({"at", "took", "limit"})
"""Figures with a name in a line of counters; see :class:`Counter`."""

PROGRAMS = frozenset({KUBERNETES, KUBECTL})

ELSEWHERE = ("--kubeconfig", "--cluster", "--server", "-s")
"""Options with which kubectl does not ask the cluster of its own configuration."""

LINE_CHARS = 200
"""Characters of a line of a hook that a message shows."""

_NODE = re.compile(r"(?:^|\s)node=(\S+)")
_POD_ON_NODE = re.compile(r" on (\S+), \d+ restarts$")

AGAIN_S = 1.0
"""Seconds until a hook that only reads is tried once more."""


@dataclass(frozen=True, kw_only=True)
class Counter:
    """The counters of one replica, in seconds, and the CPUs that it may use.

    ``at_s`` is the moment at which they were read (seconds since the epoch), and ``took_s`` how
    long that took; None where the hook tells neither.
    """

    name: str
    cpu_s: float
    throttled_s: float | None = None
    at_s: float | None = None
    took_s: float | None = None
    limit_cpus: float | None = None


class HookRunner:
    """Runs hooks, each with its time limit; a failure names the hook and what it wrote."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self.not_ready = ""
        """What the hook ``ready`` said last, if the deployment was not ready."""
        self.aside = ""
        """What a hook that did its work wrote beside its output, in a line; the last one's."""

    def scale(self, replicas: int) -> None:
        """Ask for a number of replicas."""
        self._run(SCALE, scale_argv(self._hooks, replicas))

    def scale_back(self, replicas: int, ours: Sequence[int]) -> None:
        """Ask for the number that there was, after this run asked for those in ``ours``."""
        self._run(SCALE, back_argv(self._hooks, replicas, ours))

    def replicas(self) -> Mapping[str, str]:
        """Return what tells each replica from its successor, by the sorted names of those there."""
        return parse_replicas(self._read("replicas", self._hooks.replicas))

    def names(self) -> tuple[str, ...]:
        """Return the names of the replicas that serve now, sorted."""
        return tuple(self.replicas())

    def count(self) -> int:
        """Return the number of replicas that was asked for last, by whomever.

        Only our program for Kubernetes knows it. Others name the replicas that serve, which are
        fewer while one is not ready.
        """
        argv = self._hooks.replicas
        if not is_own(argv):
            return len(self.names())
        text = self._read("count", (argv[0], "count", *argv[2:]))
        try:
            return int(text)
        except ValueError:
            raise EnvironmentFailure(
                f"The number of replicas is not known: {text.strip()[:200]!r} is no number."
            ) from None

    @property
    def knows_count(self) -> bool:
        """Whether the number that was asked for is known, and not only who serves."""
        return is_own(self._hooks.replicas)

    def is_foreign(self, now: int, ours: Collection[int]) -> bool:
        """Return whether a number is none of those that it may have by ``ours``, our orders.

        Where only those that serve are known, fewer may be some that have failed.
        """
        return now not in ours if self.knows_count else now > max(ours)

    def is_ready(self) -> bool:
        """Return whether the deployment says that it is ready; without a hook it always is.

        A hook that takes longer than its limit means that it is not ready yet: some wait for it.
        """
        if not self._hooks.ready:
            return True
        began_s = proc.monotonic_s()
        try:
            done = self._done("ready", self._hooks.ready)
        except EnvironmentFailure:
            if proc.monotonic_s() - began_s < self._hooks.limit_s:
                raise
            self.not_ready = f"it did not end in {self._hooks.limit_s:g} s"
            return False
        said = (done.stderr or done.stdout).strip().splitlines()
        self.not_ready = said[-1].strip() if said else f"it ended with code {done.code}"
        return done.code == 0

    @property
    def has_counters(self) -> bool:
        """Whether there is a hook that reads the replicas' CPU."""
        return bool(self._hooks.counters)

    def counters(self) -> tuple[Counter, ...]:
        """Return the counters of the replicas; none without a hook."""
        if not self._hooks.counters:
            return ()
        return parse_counters(self._read("counters", self._hooks.counters))

    def _read(self, name: str, argv: Sequence[str]) -> str:
        """Run a hook that changes nothing; try it once more if it fails."""
        try:
            return self._run(name, argv)
        except EnvironmentFailure:
            proc.sleep(AGAIN_S)
            return self._run(name, argv)

    def _run(self, name: str, argv: Sequence[str]) -> str:
        done = self._done(name, argv)
        if done.code != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise EnvironmentFailure(
                f"The hook {name!r} (`{shlex.join(argv)}`) ended with code {done.code}:"
                f" {said[-1] if said else 'it printed nothing'}. Run it by hand, and mend it."
            )
        self.aside = done.stderr.strip().partition("\n")[0].strip()[:LINE_CHARS]
        return done.stdout

    def _done(self, name: str, argv: Sequence[str]) -> proc.Completed:
        limit_s, folder = self._hooks.limit_s, folder_of(self._hooks, argv)
        try:
            return proc.run(
                with_own(argv),
                cwd=folder,
                env=env_of(argv),
                timeout_s=limit_s,
                check=False,
                may_leave=name == SCALE,  # replicas that it starts are to stay
            )
        except ProcessFailure as error:
            raise EnvironmentFailure(f"The hook {name!r} failed. {error}") from error


def scale_argv(hooks: Hooks, replicas: int) -> tuple[str, ...]:
    """Return the command that asks for a number of replicas."""
    return tuple(word.replace(PLACE, str(replicas)) for word in hooks.scale)


def back_argv(hooks: Hooks, replicas: int, ours: Sequence[int]) -> tuple[str, ...]:
    """Return the command that puts a number back, after this run asked for those in ``ours``.

    Our program for Kubernetes then leaves alone what somebody else asked for, and is not hindered
    by an autoscaler that came meanwhile.
    """
    argv = scale_argv(hooks, replicas)
    if not is_own(argv):
        return argv
    return (*argv, "--back", "--ours", ",".join(map(str, sorted(set(ours)))))


def is_own(argv: Sequence[str]) -> bool:
    """Return whether a hook is our program for Kubernetes."""
    return bool(argv) and argv[0] == kubernetes.COMMAND


def env_of(argv: Sequence[str]) -> dict[str, str] | None:
    """Return the variables that a command needs; a program of the user's must not see our packages.

    They may be older or newer than its own.
    """
    return python_path() if is_own(argv) else None


def folder_of(hooks: Hooks, argv: Sequence[str]) -> Path | None:
    """Return where a command runs: in the configuration's folder, whose paths it may have.

    Our own program has none.
    """
    return Path(hooks.folder) if hooks.folder and not is_own(argv) else None


def by_hand(hooks: Hooks, argv: Sequence[str]) -> str:
    """Return a command as somebody has to type it here."""
    folder = folder_of(hooks, argv)
    enter = f"cd {shlex.quote(str(folder))} && " if folder and folder != Path.cwd() else ""
    return enter + shlex.join(argv)


def names_cluster(words: Sequence[str]) -> bool:
    """Return whether a command says by itself which cluster it scales, wherever it runs."""
    return _is_kubectl(words) and option_in(words, "--context") is not None


def _is_kubectl(words: Sequence[str]) -> bool:
    """Return whether kubectl runs, with the clusters of its own configuration."""
    elsewhere = any(word.startswith(ELSEWHERE) for word in own_words(words))
    return bool(words) and words[0] in PROGRAMS and not elsewhere


def pinned(hooks: Hooks) -> Hooks:
    """Return the hooks with the cluster and the namespace that kubectl has now.

    Only commands of kubectl and of our program for it, as far as they name neither. What kubectl
    has may change while the run goes on. Where it has no cluster, they stay as they are, and fail
    by themselves.
    """
    return replace(
        hooks,
        scale=_pinned(hooks.scale),
        replicas=_pinned(hooks.replicas),
        ready=_pinned(hooks.ready),
        counters=_pinned(hooks.counters),
        reset=_pinned(hooks.reset),
    )


def _pinned(words: tuple[str, ...]) -> tuple[str, ...]:
    context = option_in(words, "--context")
    namespace = option_in(words, "--namespace") or option_in(words, "-n")
    if not _is_kubectl(words) or (context and namespace):
        return words
    try:
        now = kubectl.resolved(kubectl.Access(context=context, namespace=namespace))
    except TwofoldError:
        return words
    missing = kubectl.options(
        kubectl.Access(
            context=None if context else now.context,
            namespace=None if namespace else now.namespace,
        )
    )
    # Behind the words: kubectl takes no options in front of a plug-in's name.
    end = words.index(END) if END in words else len(words)
    return (*words[:end], *missing, *words[end:])


def with_own(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command that can be run; our own program for Kubernetes need not be on PATH."""
    if argv[0] == kubernetes.COMMAND:
        return module_argv(kubernetes.MODULE, *argv[1:])
    return tuple(argv)


def parse_replicas(text: str) -> dict[str, str]:
    """Return the identities in the output of ``replicas`` by their names, sorted.

    A line is a name, or a name, a tab and what changes when the replica is started anew. Raises for
    a name that comes twice.
    """
    lines = [line.strip().partition("\t") for line in text.splitlines() if line.strip()]
    names = [name.strip() for name, _, _ in lines]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise EnvironmentFailure(
            f"The hook 'replicas' printed {repeated[0]!r} twice. It has to print each name once."
        )
    return {name.strip(): identity.strip() for name, _, identity in sorted(lines)}


def node_of(identity: str) -> str | None:
    """Return the node that an identity in the output of ``replicas`` names; None if it names none.

    Our program for Kubernetes names it in its own way, and others by ``node=NAME``.
    """
    match = _NODE.search(identity) or _POD_ON_NODE.search(identity)
    return match[1] if match else None


def parse_counters(text: str) -> tuple[Counter, ...]:
    """Return the counters in the output of ``counters``; raise for a line that has none."""
    return tuple(_counter(line) for line in text.splitlines() if line.strip())


def _counter(line: str) -> Counter:
    name, *words = line.split()
    named: dict[str, float] = {}
    values: list[float] = []
    try:
        for word in words:
            field, equals, figure = word.partition("=")
            if equals and field in NAMED_FIELDS:
                named[field] = float(figure)
            else:
                values.append(float(word))
    except ValueError:
        values = []
    if not all(0 <= figure < math.inf for figure in (*values, *named.values())):
        values = []
    if len(values) not in COUNTER_FIELDS:
        raise EnvironmentFailure(
            f"The hook 'counters' printed {line.strip()[:200]!r}. A line has to be a name, its"
            " CPU-seconds and, if known, its throttled seconds and its CPU limit: web-1 12.5 0.3"
            " limit=0.5."
        )
    return Counter(
        name=name,
        cpu_s=values[0],
        throttled_s=values[1] if len(values) > 1 else None,
        at_s=named.get("at"),
        took_s=named.get("took"),
        limit_cpus=named.get("limit") or None,
    )
