"""Whether each server counts for itself, by numbers in its answers. PURE."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from loadtests.analysis.consistency.judgement import Asked, shortened
from loadtests.analysis.consistency.normal_form import MOST_CHARS
from loadtests.analysis.consistency.reading import Reading, Standing, standing
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen

NUMBER = re.compile(r"\d{1,18}")


def alone(reading: Reading) -> str | None:
    """Return a server that seems to count requests for itself, as home does; None for none.

    The servers were asked in turns, so a number that all share would have grown by more than one
    from each answer of home to the next. Where both have it grow by one, each has its own.
    """
    others = [server for server in reading.answers if server != reading.home]
    return next((server for server in others if _places(reading, server)), None)


def note(asked: Asked, reading: Reading, other: str) -> ProbeResult:
    """Return a note on two servers of which each counts for itself."""
    place = min(_places(reading, other))
    home, there = reading.at_home[-1], reading.answers[other][-1]
    own, others = (_numbers(seen)[place] for seen in (home, there))
    return asked.result(
        ProbeKind.ANSWER,
        reading.check,
        ProbeState.NOTE,
        f"Each server counts alone what {reading.name} returns: asked in turns, {reading.home} came"
        f" to {own} and {other} to {others}, by one with each answer of its own.",
        answers=(shortened(home), shortened(there)),
        written_by=reading.home,
    )


def _places(reading: Reading, other: str) -> set[int]:
    """Return the places of the numbers that grow by one at home and at another server."""
    home, there = reading.at_home, reading.answers[other]
    if len({_text(seen) for seen in (*home, *there)}) != 1:
        return set()
    return _counting(home) & _counting(there)


def _counting(answers: Sequence[Seen]) -> set[int]:
    """Return the places of the numbers that grow by one from each answer to the next."""
    if len(answers) < 2 or any(standing(seen) is not Standing.ACCEPTED for seen in answers):
        return set()
    columns = zip(*map(_numbers, answers), strict=True)
    return {
        place
        for place, numbers in enumerate(columns)
        if all(after - before == 1 for before, after in itertools.pairwise(numbers))
    }


def _text(seen: Seen) -> tuple[str, ...]:
    """Return the pieces of a body between its numbers: alike, two bodies have as many numbers."""
    return tuple(NUMBER.split(seen.body[:MOST_CHARS]))


def _numbers(seen: Seen) -> list[int]:
    return [int(number) for number in NUMBER.findall(seen.body[:MOST_CHARS])]
