"""A head that wants to fool or to harm: the gate ends in time, tells the truth, and leaves nothing.

There are builds (a folder with a Dockerfile) and applications (one image, and a word for it). What
base did meanwhile has to be what it does beside a harmless head.
"""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import fmean, stdev

from scipy.special import stdtrit

from loadtests.gate import result_files
from loadtests.gate.model import GateResult, Mode
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_ENVIRONMENT, EXIT_NO, EXIT_USAGE, EXIT_YES
from loadtests.targets import checkout
from loadtests.tools import docker_compose, proc
from scripts.reliability.harness import Harness, has_engine
from scripts.reliability.record import Broken, Case
from scripts.zoo import image

IMAGE = "twofold/hostile:latest"
BASE = "twofold/app:latest"

GATE_LIMIT_S = 600.0
BUILD_LIMIT_S = 1000.0
"""A build that never ends is ended after 15 minutes."""

GATE = ("--no-scaling", "--max-minutes", "1.4", "--seed", "1")

HARMFUL = frozenset({EXIT_NO, EXIT_CANNOT_TELL, EXIT_ENVIRONMENT})
"""Head does not answer as base does: never a green."""
ANY_VERDICT = frozenset({EXIT_YES, EXIT_NO, EXIT_CANNOT_TELL})
"""Head answers as base does, a little slower: what it costs decides."""
REFUSED = frozenset({EXIT_USAGE})
NO_BUILD = frozenset({EXIT_ENVIRONMENT})

APPLICATIONS: dict[str, frozenset[int]] = {
    **dict.fromkeys(
        (
            *("escapes-in-logs", "flood-the-log", "forge-a-replica", "flood-of-cookies"),
            *("asks-base", "scans-the-network", "writes-everywhere", "never-stops"),
            *("a-gibibyte", "a-bomb-of-gzip"),
        ),
        ANY_VERDICT | NO_BUILD,
    ),
    **dict.fromkeys(
        (
            *(
                "escapes-in-answers",
                "flood-of-headers",
                "redirect-elsewhere",
                "redirect-to-nowhere",
            ),
            *("redirect-for-ever", "slow-loris", "never-answers", "two-answers", "garbage"),
            *("fork-bomb", "takes-all-memory", "takes-all-cpu", "dies"),
        ),
        HARMFUL,
    ),
}
"""The deeds of ``hostile``, and the exit codes that are true of them."""

ESCAPES = r'printf "\033[2J\033]0;owned\007\n::stop-commands::x\n##vso[task.complete]\n"'


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build: what writes its folder, the exit codes that are true of it, and how long it may."""

    write: Callable[[Path], None]
    codes: frozenset[int]
    limit_s: float = GATE_LIMIT_S
    is_long: bool = False


def _dockerfile(*lines: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "Dockerfile").write_text("\n".join((f"FROM {BASE}", *lines, "")))

    return write


def _link(folder: Path) -> None:
    (folder / "Dockerfile").symlink_to("/etc/hostname")


def _large(folder: Path) -> None:
    _dockerfile("COPY large /tmp/large")(folder)
    with (folder / "large").open("wb") as file:
        os.truncate(file.fileno(), 10 * 10**9)


def _names(folder: Path) -> None:
    _dockerfile(f"RUN {ESCAPES}; exit 1")(folder)
    for name in (b"\x1b[2J", b"::stop-commands::x", b"caf\xe9", b"a\nb"):
        (folder / os.fsdecode(name)).write_text("")
    os.mkfifo(folder / "pipe")


BUILDS: dict[str, Build] = {
    "escapes in the output": Build(write=_dockerfile(f"RUN {ESCAPES} && false"), codes=NO_BUILD),
    "strange names": Build(write=_names, codes=NO_BUILD),
    "a Dockerfile that is a link": Build(write=_link, codes=REFUSED),
    "a context of 10 GB": Build(write=_large, codes=REFUSED),
    "output without end": Build(
        write=_dockerfile("RUN timeout 20 yes 0123456789 || false"), codes=NO_BUILD
    ),
    "all memory": Build(
        write=_dockerfile('RUN python3 -c "a = [bytearray(1 << 28) for _ in range(1 << 10)]"'),
        codes=NO_BUILD,
    ),
    "a step that never ends": Build(
        write=_dockerfile("RUN sleep 1000000"), codes=NO_BUILD, limit_s=BUILD_LIMIT_S, is_long=True
    ),
}

SHORT_BUILDS = ("escapes in the output", "strange names", "a Dockerfile that is a link")
SHORT_APPLICATIONS = ("asks-base",)


def cases(*, full: bool) -> Iterator[Case]:
    """Give 7 builds and 23 applications; in the short form some of each."""
    if not has_engine():
        return
    for name in BUILDS if full else SHORT_BUILDS:
        yield Case(name=f"build: {name}", run=partial(_build, BUILDS[name]))
    for deed in APPLICATIONS if full else SHORT_APPLICATIONS:
        yield Case(name=f"application: {deed}", run=partial(_application, deed, full))


def _build(build: Build, folder: Path) -> str:
    _images()
    head = folder / "head"
    head.mkdir()
    build.write(head)
    code, _ = _gate(folder, ("--base", BASE, "--head", str(head)), build.codes, build.limit_s)
    return f"exit {code}"


def _application(deed: str, with_control: bool, folder: Path) -> str:  # noqa: FBT001  a partial's
    _images()
    words = ("--base", BASE, "--head", IMAGE, "--head-env", f"HOSTILE={deed}")
    code, result = _gate(folder, words, APPLICATIONS[deed], GATE_LIMIT_S)
    figures = _figures_of_base(result) if result else ()
    if with_control and len(figures) > 1:
        _hold_to_control(figures)
    return f"exit {code}, base {fmean(figures):.1f} requests/s" if figures else f"exit {code}"


def _gate(
    folder: Path, words: Sequence[str], codes: frozenset[int], limit_s: float
) -> tuple[int, GateResult | None]:
    """Run a gate; return its code, and its result if it measured anything."""
    volumes = _volumes()
    harness = Harness(folder, "gate", *words, *GATE)
    try:
        code = harness.wait(limit_s)
        hold_to_plain_words(harness.said)
        if code not in codes:
            raise Broken(f"exit {code}, not {sorted(codes)}: {harness.said[-500:]}")
        harness.hold_to_nothing_left()
        if more := _volumes() - volumes:
            raise Broken(f"left: volumes {', '.join(sorted(more)[:3])}")
        found = [harness.results / run / "verdict.json" for run in harness.runs()]
        there = [file for file in found if file.exists()]
        return code, result_files.read(there[0]) if there else None
    finally:
        harness.kill()


COMMAND = re.compile(r"^::(?!(?:error|warning|notice)\b)|##vso\[", re.MULTILINE)
"""A CI system's command that the gate itself does not write."""


def hold_to_plain_words(said: str) -> None:
    """Break the promise if a gate printed a traceback, or what somebody else wrote as it is."""
    for found in ("Traceback", "\x1b", "\x07", "\u202e"):
        if found in said:
            raise Broken(f"it printed {found!r}: {said[-500:]}")
    if match := COMMAND.search(said):
        raise Broken(f"it printed a command: {said[match.start() :][:100]}")


# -- base beside it ----------------------------------------------------------------------------


def _figures_of_base(result: GateResult) -> tuple[float, ...]:
    """Return base's throughput, pair by pair, in requests per second."""
    return tuple(
        fmean(rates)
        for pair in result.evidence.pairs
        if (
            rates := [
                window.base.throughput_rps for window in pair.windows if window.mode is Mode.CLOSED
            ]
        )
    )


@cache
def _control() -> tuple[float, ...]:
    """Return base's figures beside a head that does nothing, from one gate."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        words = ("--base", BASE, "--head", IMAGE, "--head-env", "HOSTILE=nothing")
        _, result = _gate(Path(folder), words, ANY_VERDICT, GATE_LIMIT_S)
    assert result is not None
    return _figures_of_base(result)


def _hold_to_control(figures: tuple[float, ...]) -> None:
    control = _control()
    if not agree(figures, control):
        raise Broken(
            f"base answered {fmean(figures):.1f} requests/s, and {fmean(control):.1f} beside a"
            " harmless head"
        )


def agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether the 99.9 % intervals of two means overlap (Student's t)."""
    (low, high), (other_low, other_high) = _interval(one), _interval(other)
    return low <= other_high and other_low <= high


def _interval(values: Sequence[float]) -> tuple[float, float]:
    half = float(stdtrit(len(values) - 1, 0.9995)) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


# -- what it needs -----------------------------------------------------------------------------


@cache
def _images() -> None:
    """Build the sample's image, and the hostile one on it."""
    root = checkout.root()
    docker_compose.find_compose()
    hostile = root / "scripts/reliability/hostile"
    image.build_on_the_samples(root, {IMAGE: hostile}, say=_say)


def _volumes() -> set[str]:
    listed = proc.run(("docker", "volume", "ls", "--quiet"), timeout_s=20.0)
    return set(listed.stdout.split())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
