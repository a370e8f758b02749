"""Docker's images: what they declare, and how they are built and pulled.

BuildKit builds where the command has it; the classic builder does elsewhere. Each has its own form
of output.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools.docker import pulse
from loadtests.tools.error_lines import first_error, plain

BUILD_LIMIT_S = 900.0
BUILD_STARTS_S = 30.0
"""How long a builder may take to its first line; later a step may be silent for minutes."""

PULL_LIMIT_S = 900.0

FIRST_LINES, LAST_LINES = 500, 5000
"""Lines of the builder's output that are kept: the steps, and what the failed one wrote."""

LINE_CHARS = 4000
"""Longer lines are cut: a step may write without end."""

TAIL_LINES = 20
"""Lines of the builder's output that a message shows."""

BUILD_ARGUMENT = "--build-arg"
BASE_ARGUMENT = "BASE_IMAGE"
"""The argument of our own images."""

OWN_ARGUMENT = (BUILD_ARGUMENT, BASE_ARGUMENT)

WITH_VALUES = frozenset({BUILD_ARGUMENT, "--env"})
"""Options of Docker's programs whose words may hold a secret."""

NOTHING: Mapping[str, str] = MappingProxyType({})

_CLASSIC_STEP = re.compile(r"Step (\d+/\d+) : (.*)")
_CLASSIC_NOISE = re.compile(r"Removing intermediate container| ---> |The command '.*' returned")
_KIT_STEP = re.compile(r"#(\d+) \[(?:(.*) )?(\d+/\d+)\] (.*)")
_KIT_ERROR = re.compile(r"#(\d+) ERROR: (.*)")
_KIT_OUTPUT = re.compile(r"#(\d+) [\d.]+ (.*)")
_SOLVER = re.compile(
    r"^ERROR: (?:failed to solve: )?(?:rpc error: code = \w+ desc = )?"
    r"(?:failed to solve with frontend \S+: )?(?:failed to create LLB definition: )?"
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """What an image declares: its TCP ports (EXPOSE), and what a container of it runs."""

    id: str
    ports: tuple[int, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    checks_health: bool = False

    @property
    def starts(self) -> bool:
        """Whether a container of it starts anything."""
        return bool(self.entrypoint or self.command)


def parse_image(attributes: Mapping[str, Any]) -> Image:
    """Convert the engine's description of an image (``docker image inspect``)."""
    config = attributes.get("Config") or {}
    words = (port.partition("/") for port in config.get("ExposedPorts") or {})
    test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return Image(
        id=str(attributes["Id"]),
        ports=tuple(sorted(int(number) for number, _, kind in words if kind in {"", "tcp"})),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple(_variable(line) for line in config.get("Env") or ()),
        checks_health=test[0] != "NONE",
    )


def _variable(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an image does not build: the step, if one failed, and the first line of the error."""

    step: str | None
    error: str

    def __str__(self) -> str:
        return f"{self.step} failed: {self.error}" if self.step else self.error


def build_argv(
    *,
    tag: str,
    folder: Path | str,
    dockerfile: Path,
    arguments: Mapping[str, str | None] = NOTHING,
    labels: Mapping[str, str] = NOTHING,
    words: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the command that builds an image from its build context, a folder or a URL.

    An argument without a value is read from the builder's environment. ``words`` are further
    options.
    """
    texts = [name if value is None else f"{name}={value}" for name, value in arguments.items()]
    given = [word for text in texts for word in (BUILD_ARGUMENT, text)]
    labelled = [word for item in labels.items() for word in ("--label", "=".join(item))]
    return (
        *("docker", "build"),
        *("--tag", tag),
        "--force-rm",  # the classic builder keeps the container of a failed step otherwise
        *("--file", str(dockerfile)),
        *given,
        *labelled,
        *words,
        str(folder),
    )


def without_values(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command of Docker as messages show it: an argument or a variable may hold a secret.

    The argument of our own images, the base image, stays.
    """
    before = ("", *argv)
    return tuple(
        word.partition("=")[0]
        if option in WITH_VALUES and (option, word.partition("=")[0]) != OWN_ARGUMENT
        else word
        for option, word in zip(before, argv, strict=False)
    )


def text_without_values(text: str, argv: Sequence[str]) -> str:
    """Return a message that names a command, as :func:`without_values` shows the command."""
    return text.replace(shlex.join(argv), shlex.join(without_values(argv)))


@contextmanager
def values_hidden(argv: Sequence[str]) -> Iterator[None]:
    """Let the :class:`ProcessFailure` of a command in this block show none of its values."""
    try:
        yield
    except ProcessFailure as error:
        text = text_without_values(str(error), argv)
        raise ProcessFailure(text, output=error.output) from None


def build(
    argv: Sequence[str],
    *,
    what: str,
    on_line: Callable[[str], None],
    env: Mapping[str, str] = NOTHING,
    timeout_s: float = BUILD_LIMIT_S,
    starts_s: float = BUILD_STARTS_S,
    context: str | None = None,
) -> None:
    """Build an image; raise :class:`EnvironmentFailure` with the failed step and its first error.

    ``what`` names the image's content in the message, and ``context`` where it is built from, if a
    user may have meant another folder. ``starts_s`` limits the time to the builder's first line, in
    which the classic one sends the whole context.
    """
    kept = _Kept()

    def take(line: str) -> None:
        kept.add(plain(line[:LINE_CHARS]))
        on_line(line)

    try:
        pulse.run(
            argv,
            tied=True,  # a step may never end, and nobody else would know of it
            env=env,
            timeout_s=timeout_s,
            on_line=take,
            first_line_limit_s=starts_s,
        )
    except ProcessFailure as error:
        lines = kept.lines
        failure = failure_of(lines) if error.output else None  # else it did not end by itself
        tail = "\n".join(lines[-TAIL_LINES:]) or error.output
        shown = without_values(argv)
        reason = failure or text_without_values(str(error), argv)
        place = f" from the context {context}" if context else ""
        raise EnvironmentFailure(
            f"The image of {what} does not build{place}. {reason}\n"
            f"The end of the builder's output:\n{tail}\nTry it by hand: {' '.join(shown)}"
        ) from error


class _Kept:
    """The first and the last lines of an output."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def add(self, line: str) -> None:
        """Keep a line, in the place of the oldest of the last ones."""
        (self._first if len(self._first) < FIRST_LINES else self._last).append(line)

    @property
    def lines(self) -> list[str]:
        """What is kept, in order."""
        return [*self._first, *self._last]


def failure_of(lines: Sequence[str]) -> Failure | None:
    """Return what a builder's output says of a failure, or None where it says nothing."""
    texts = [plain(line).rstrip() for line in lines]
    return _buildkit(texts) or _classic(texts)


def _buildkit(lines: Sequence[str]) -> Failure | None:
    steps: dict[str, str] = {}
    output: dict[str, list[str]] = {}
    for line in lines:
        if match := _KIT_ERROR.match(line):
            number, message = match.groups()
            error = first_error(output.get(number, ())) or message
            return Failure(step=steps.get(number), error=error)
        if match := _KIT_STEP.match(line):
            number, stage, position, instruction = match.groups()
            of_stage = f" of {stage}" if stage else ""
            steps[number] = f"Step {position}{of_stage} ({instruction})"
        elif match := _KIT_OUTPUT.match(line):
            output.setdefault(match[1], []).append(match[2])
    if not any(line.startswith(("#0 ", "#1 ")) for line in lines):
        return None
    errors = [line for line in lines if line.startswith("ERROR: ")]
    return Failure(step=None, error=_SOLVER.sub("", errors[-1])) if errors else None


def _classic(lines: Sequence[str]) -> Failure | None:
    step: str | None = None
    output: list[str] = []
    for line in lines:
        if match := _CLASSIC_STEP.match(line):
            step, output = f"Step {match[1]} ({match[2]})", []
        elif line and not _CLASSIC_NOISE.match(line):
            output.append(line)
    if not output:
        return None
    return Failure(step=step, error=first_error(output) or output[-1])


def pull(
    image: str,
    *,
    on_line: Callable[[str], None] = lambda _: None,
    limit_s: float = PULL_LIMIT_S,
    platform: str | None = None,
) -> str | None:
    """Pull an image; return None, or the engine's own line on why that did not work.

    ``platform`` is another than the engine's own, such as ``linux/amd64``.
    """
    words = ("--platform", platform) if platform else ()
    lines: list[str] = []

    def take(line: str) -> None:
        lines.append(line)
        on_line(line)

    try:
        pulse.run(("docker", "pull", *words, image), timeout_s=limit_s, on_line=take)
    except ProcessFailure as error:
        return lines[-1] if lines else str(error)
    return None
