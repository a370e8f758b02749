"""Runs Docker's programs for as long as the engine answers.

An engine that hangs holds ``docker`` and Compose for as long as their time limits allow, which are
those of a slow build. So while one of them runs, the engine is asked whether it still answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from docker.errors import DockerException
from requests.exceptions import RequestException

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc
from loadtests.tools.docker import connection

PING_LIMIT_S = 5
"""How long an engine that is well may take to answer a ping."""

MISSES = 2
"""This many pings in a row without an answer mean that the engine hangs."""


WAY_OUT = "Run `twofold down` once it answers again; it removes what is left."


def silence(host: str | None = None) -> str:
    """Return the sentence on an engine that does not answer."""
    return f"The Docker engine{f' at {host}' if host else ''} no longer answers."


def _gone(host: str | None = None) -> EnvironmentFailure:
    return EnvironmentFailure(f"{silence(host)} {WAY_OUT}")


def answers(limit_s: int | None = None, *, host: str | None = None) -> bool:
    """Return whether the engine answers a ping in this time, by default a few seconds."""
    try:
        with closing(connection.connected(host, timeout_s=limit_s or PING_LIMIT_S)) as client:
            return bool(client.ping())
    except (DockerException, RequestException, EnvironmentFailure):
        return False


LIMITS = (
    *("--init", "--pids-limit", "512", "--memory", "4g"),
    *("--security-opt", "no-new-privileges"),
)
"""Limits of a container that imports an application: its code may do anything."""


def container_argv(
    image: str,
    *command: str,
    entrypoint: str,
    variables: Iterable[str] = (),
    env_file: Path | None = None,
    name: str,
    labels: Mapping[str, str],
    network: str = "none",
    interactive: bool = True,
) -> tuple[str, ...]:
    """Return the command that runs a program in a container of its own.

    By default it has no ``network``. Its standard input is connected if it is ``interactive``, and
    the container is removed at its end. ``variables`` are the names of those that it gets from this
    process, or names with values, and ``env_file`` has further ones: see :mod:`variables`.
    """
    return (
        *("docker", "run", "--rm", *(("--interactive",) if interactive else ())),
        *("--network", network),
        *(word for variable in variables for word in ("--env", variable)),
        *(("--env-file", str(env_file)) if env_file is not None else ()),
        *LIMITS,
        *("--name", name),
        *(word for item in labels.items() for word in ("--label", "=".join(item))),
        *("--entrypoint", entrypoint, image, *command),
    )


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
    timeout_s: float = 60.0,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
    on_start: Callable[[int], None] | None = None,
    first_line_limit_s: float | None = None,
    silence_limit_s: float | None = None,
    state: Callable[[], object] = lambda: None,
    tied: bool = False,
) -> proc.Completed:
    """Run one of Docker's programs to its end, as ``proc.run`` does, while the engine answers.

    It is also ended after ``silence_limit_s`` seconds without a line of output in which ``state``
    did not change either, or where its first line takes ``first_line_limit_s``. With ``tied`` it
    gets SIGTERM when this process ends, however that ends. Raises
    :class:`~loadtests.model.errors.ProcessFailure`.
    """
    watch = Watch(on_line, first_line_limit_s, silence_limit_s, state)
    listens = on_line is not None or first_line_limit_s is not None or silence_limit_s is not None
    return proc.run(
        proc.tied(argv) if tied else argv,
        env=env,
        input_text=input_text,
        timeout_s=timeout_s,
        check=check,
        on_line=watch.hear if listens else None,
        on_start=on_start,
        hopeless=watch.hopeless,
    )


def ask(
    argv: Sequence[str],
    *,
    input_text: str | None = None,
    timeout_s: float = 60.0,
    check: bool = True,
) -> proc.Completed:
    """Run a short program by the engine, such as one in a container, while the engine answers.

    Raises :class:`~loadtests.model.errors.ProcessFailure`, which a caller may do without, or
    :class:`~loadtests.model.errors.EnvironmentFailure` if the engine no longer answers. Each
    further question would take as long again.
    """
    watch = Watch()
    try:
        return proc.run(
            argv,
            input_text=input_text,
            timeout_s=timeout_s,
            check=check,
            hopeless=watch.hopeless,
        )
    except ProcessFailure as failure:
        if not watch.engine_is_silent:
            raise
        raise _gone() from failure


@contextmanager
def heard(host: str | None = None) -> Iterator[None]:
    """Let a failed request in this block be that of an engine that no longer answers, if it is.

    Raises :class:`~loadtests.model.errors.EnvironmentFailure` then, or else what was raised. So
    what a caller can do without takes its whole time limit once, and not each time.
    """
    try:
        yield
    except RequestException as error:
        if answers(host=host):
            raise
        raise _gone(host) from error


class Watch:
    """Knows when the engine and the program were last heard of.

    It is the engine at ``host``, or else the one that the environment variables name.
    """

    def __init__(
        self,
        on_line: Callable[[str], None] | None = None,
        first_line_limit_s: float | None = None,
        silence_limit_s: float | None = None,
        state: Callable[[], object] = lambda: None,
        *,
        host: str | None = None,
    ) -> None:
        self._host = host
        self._on_line = on_line
        self._limit_s = first_line_limit_s if first_line_limit_s is not None else silence_limit_s
        self._silence_limit_s = silence_limit_s
        self._read_state = state
        self._state: object = None
        self._moved_s = proc.monotonic_s()
        self._misses = 0

    def hear(self, line: str) -> None:
        """Take a line of the program."""
        self._moved_s = proc.monotonic_s()
        self._limit_s = self._silence_limit_s
        if self._on_line is not None:
            self._on_line(line)

    def hopeless(self) -> str | None:
        """Return why waiting is of no use, or None."""
        self._misses = 0 if answers(host=self._host) else self._misses + 1
        if self.engine_is_silent:
            return silence(self._host)
        if self._limit_s is None or self._misses:
            return None
        silent_s = proc.monotonic_s() - self._moved_s
        if silent_s > self._limit_s / 2 and self._has_changed():
            self._moved_s = proc.monotonic_s()
            return None
        return f"Nothing has happened for {silent_s:.0f} s." if silent_s > self._limit_s else None

    @property
    def engine_is_silent(self) -> bool:
        """Whether the engine has not answered for some time."""
        return self._misses >= MISSES

    def _has_changed(self) -> bool:
        """Return whether the state differs from the last one; the first differs from none."""
        before, self._state = self._state, self._read_state()
        return before is not None and before != self._state
