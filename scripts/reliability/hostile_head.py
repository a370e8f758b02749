"""A head that wants to fool or to harm: the gate ends in time, tells the truth, and leaves nothing.

There are builds (a folder with a Dockerfile) and applications (a repository with two branches, see
``hostile_repository``). What base did meanwhile has to be what it does beside a harmless head.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import fmean

from scipy.special import stdtrit

from loadtests.analysis import intervals
from loadtests.gate import result_files
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import Mode
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_ENVIRONMENT, EXIT_NO, EXIT_USAGE, EXIT_YES
from loadtests.model.result import Estimate
from loadtests.targets import checkout
from loadtests.tools import docker_compose
from scripts.reliability import hostile_repository
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
COSTLY = frozenset({EXIT_NO, EXIT_CANNOT_TELL})
"""Head answers late, or too much: never a green, and never a failure of the machine."""
ANY_VERDICT = frozenset({EXIT_YES, EXIT_NO, EXIT_CANNOT_TELL})
"""Head answers as base does, and does something beside it: what it costs decides."""
FREE = frozenset({EXIT_YES, EXIT_CANNOT_TELL})
"""Head answers as base does, at the same cost: never a red."""
REFUSED = frozenset({EXIT_USAGE})
NO_BUILD = frozenset({EXIT_ENVIRONMENT})

APPLICATIONS: dict[str, frozenset[int]] = {
    **dict.fromkeys(("forge-a-replica", "never-stops"), FREE),
    **dict.fromkeys(
        (
            *("escapes-in-logs", "flood-of-cookies", "asks-base", "scans-the-network"),
            *("writes-everywhere", "a-bomb-of-gzip"),
        ),
        ANY_VERDICT,
    ),
    **dict.fromkeys(("flood-the-log", "a-gibibyte"), COSTLY),
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

IN_OTHER_FORMS = ("asks-base", "writes-everywhere", "fork-bomb", "never-stops")
"""Deeds that are also tried as a service of a Compose file, and as the sample's own image."""

SAMPLE = "image"
"""The form of two images and no repository: the sample's stack, whose containers are hardened."""


def cases(*, full: bool) -> Iterator[Case]:
    """Give 7 builds and 23 applications, some in three forms; in the short form some of each.

    And a change whose build has arguments that steer programs of this machine.
    """
    if not has_engine():
        return
    for name in BUILDS if full else SHORT_BUILDS:
        yield Case(name=f"build: {name}", run=partial(_build, BUILDS[name]))
    yield Case(name="arguments that steer the builder", run=_arguments)
    for deed in APPLICATIONS if full else SHORT_APPLICATIONS:
        run = partial(_application, "Dockerfile", deed)
        yield Case(name=f"application: {deed}", run=run)
    for form in ("Compose", SAMPLE) if full else ():
        for deed in IN_OTHER_FORMS:
            yield Case(name=f"{form}: {deed}", run=partial(_application, form, deed))


def _build(build: Build, folder: Path) -> str:
    _images()
    head = folder / "head"
    head.mkdir()
    build.write(head)
    code, _ = _gate(folder, ("--base", BASE, "--head", str(head)), build.codes, build.limit_s)
    return f"exit {code}"


def _arguments(folder: Path) -> str:
    """Give a build arguments with which programs of this machine would do what head wants."""
    _images()
    place, repository = folder / "stranger", folder / "repository"
    place.mkdir()
    repository.mkdir()
    arguments = steering(place)
    hostile_repository.make(
        repository, "Compose", hostile_repository.NOTHING, image=IMAGE, arguments=arguments
    )
    code, _ = _gate(folder, hostile_repository.WORDS, FREE, GATE_LIMIT_S, repository)
    hold_to_not_run(place)
    return f"exit {code}"


RAN = "ran"


def steering(place: Path) -> dict[str, str]:
    """Write programs of a stranger into a folder; return arguments that would have them run."""
    for name in ("docker", "docker-buildx", "setpriv", "git"):
        program = place / name
        program.write_text(f"#!/bin/sh\n: > {shlex.quote(str(place / RAN))}\nexit 1\n")
        program.chmod(0o755)
    nowhere = {"DOCKER_HOST": "tcp://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    folders = dict.fromkeys(("HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME"), str(place))
    return {"PATH": f"{place}:{os.environ['PATH']}", **folders, **nowhere}


def hold_to_not_run(place: Path) -> None:
    """Break the promise if a program of the stranger's folder was run."""
    if (place / RAN).exists():
        raise Broken("a program of the stranger's was run on this machine")


def _application(form: str, deed: str, folder: Path) -> str:
    figures, code = _figures(form, deed, APPLICATIONS[deed], folder)
    hold_to_figures(figures, partial(_control, form), must_be_there=deed_answers(deed))
    return f"exit {code}, base {fmean(figures):.1f} requests/s" if figures else f"exit {code}"


def deed_answers(deed: str) -> bool:
    """Return whether head answers as base does, so that a gate measures both to the end."""
    return APPLICATIONS[deed] in {ANY_VERDICT, FREE}


def _figures(
    form: str, deed: str, codes: frozenset[int], folder: Path
) -> tuple[tuple[float, ...], int]:
    """Run a gate on a deed; return base's figures, and the exit code."""
    _images()
    if form == SAMPLE:
        words: tuple[str, ...] = ("--base", BASE, "--head", IMAGE, "--head-env", f"HOSTILE={deed}")
        code, result = _gate(folder, words, codes, GATE_LIMIT_S)
    else:
        place = folder / "repository"
        place.mkdir()
        repository = hostile_repository.make(place, form, deed, image=IMAGE)
        code, result = _gate(folder, hostile_repository.WORDS, codes, GATE_LIMIT_S, repository)
    return (_figures_of_base(result) if result else ()), code


def _gate(
    folder: Path,
    words: Sequence[str],
    codes: frozenset[int],
    limit_s: float,
    cwd: Path | None = None,
) -> tuple[int, GateResult | None]:
    """Run a gate in ``cwd``; return its code, and its result if it measured anything."""
    harness = Harness(folder, "gate", *words, *GATE, cwd=cwd)
    try:
        code = harness.wait(limit_s)
        hold_to_plain_words(harness.said)
        if code not in codes:
            raise Broken(f"exit {code}, not {sorted(codes)}: {harness.said[-500:]}")
        harness.hold_to_nothing_left()
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


FEWEST = 2
"""An interval needs so many figures."""

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
def _control(form: str) -> tuple[float, ...]:
    """Return base's figures beside a head that does nothing, from one gate in the same form."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        figures, _ = _figures(form, hostile_repository.NOTHING, FREE, Path(folder))
    if len(figures) < FEWEST:
        raise Broken("the control has not measured base, so there is nothing to compare with")
    return figures


def hold_to_figures(
    figures: Sequence[float],
    control: Callable[[], Sequence[float]],
    *,
    must_be_there: bool,
) -> None:
    """Break the promise if base's figures are not those beside a harmless head.

    Where head answers, base has figures; a gate without them has shown nothing.
    """
    if len(figures) < FEWEST:
        if must_be_there:
            raise Broken("base was not measured, so nothing shows what head did to it")
        return
    if not agree(figures, control()):
        raise Broken(
            f"base answered {fmean(figures):.1f} requests/s, and {fmean(control()):.1f} beside a"
            " harmless head"
        )


def agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether the 99.9 % intervals of two means overlap (Student's t)."""
    return intervals.overlap(_mean(one), _mean(other))


def _mean(values: Sequence[float]) -> Estimate:
    half = float(stdtrit(len(values) - 1, 0.9995)) * intervals.standard_error(values)
    mean = fmean(values)
    return Estimate(estimate=mean, low=mean - half, high=mean + half)


# -- what it needs -----------------------------------------------------------------------------


@cache
def _images() -> None:
    """Build the sample's image, and the hostile one on it."""
    root = checkout.root()
    docker_compose.find_compose()
    hostile = root / "scripts/reliability/hostile"
    image.build_on_the_samples(root, {IMAGE: hostile}, say=_say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
