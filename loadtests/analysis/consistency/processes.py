"""Whether the processes of one server share what a client wrote, by that server's answers. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loadtests.analysis.consistency.reading import (
    CONFIRM,
    SOME,
    Reading,
    Standing,
    halves,
    is_right,
    is_wrong,
    misses_a_value,
    standing,
)
from loadtests.analysis.consistency.written import has
from loadtests.model.consistency import Seen

NOT_FOUND = 404

ONE_THING = re.compile(r"[^/?]*[0-9.][^/?]*/?(?:\?.*)?$")
"""The last piece of a path that names one thing: by a number, an id, or as a file."""


def is_mixed(reading: Reading) -> bool:
    """Return whether home alone gives right and wrong answers to the same client."""
    home = reading.at_home
    return any(is_right(reading, seen) for seen in home) and any(
        is_wrong(reading, seen) for seen in home
    )


def processes_disagree(reading: Reading) -> bool:
    """Return whether the processes of home certainly do not share their state.

    Right and wrong answers must come in both halves of the time, so that a state which spreads late
    is no disagreement. And the wrong ones must refuse as home refuses a stranger, who never gets a
    right one; be the page that every stranger gets, where the right ones name the client; say that
    what home itself named is not there, or be another thing of that name; or lack words that other
    answers have, so that each process has words of its own. Another difference in content is none,
    because processes may count for themselves.
    """
    if any(min(right, wrong) < SOME for right, wrong in halves(reading)):
        return False
    wrong_answers = [seen for seen in reading.at_home if is_wrong(reading, seen)]
    if len(reading.stranger) >= CONFIRM:
        refusals = {seen.status for seen in reading.stranger if _refuses(seen)}
        if all(map(_refuses, reading.stranger)) and all(
            _refuses(seen) and seen.status in refusals for seen in wrong_answers
        ):
            return True
        if _name_the_client(reading, wrong_answers):
            return True
    if reading.derived and all(_denies(reading, seen) for seen in wrong_answers):
        return True
    return _have_own_words(reading)


def _denies(reading: Reading, seen: Seen) -> bool:
    """Return whether an answer to what home itself named says that there is none, or another.

    A page that shows some of many things may show others the next time; so it is that of one.
    """
    if seen.status == NOT_FOUND:
        return True
    if ONE_THING.match(reading.name.rstrip("/").rpartition("/")[2]) is None:
        return False
    return reading.sent and standing(seen) is Standing.ACCEPTED and misses_a_value(reading, seen)


def _name_the_client(reading: Reading, wrong_answers: Sequence[Seen]) -> bool:
    """Return whether right answers name the client, and wrong ones are the page of any stranger."""
    if not reading.stranger_keys or not all(map(reading.is_a_strangers, wrong_answers)):
        return False
    right_answers = [seen for seen in reading.at_home if is_right(reading, seen)]
    return any(
        all(has(name, seen.body) for seen in right_answers)
        and not any(has(name, seen.body) for seen in (*reading.stranger, *wrong_answers))
        for name in reading.names
    )


def _have_own_words(reading: Reading) -> bool:
    """Return whether each process has words of the client that the others have not.

    Each answer then has the words of one process. Two answers have the same, or none in common, and
    there are no more sets of them than processes. A page that shows some words by chance, or a
    cache that has only the older ones, is not like that. Nor is one that shows one of the newest by
    chance: that is as few, but none is older than the ``latest``. And one page of a list has words
    that were written one after another, so that bursts are in two pages only where one page ends.
    """
    if shows_the_latest_alone(reading):
        return False
    home = [seen for seen in reading.at_home if standing(seen) is Standing.ACCEPTED]
    seen_words = {
        frozenset(word for word in reading.words if has(word, seen.body)) for seen in home
    }
    own = [words for words in seen_words if words]
    if not 2 <= len(own) <= reading.processes:
        return False
    if sum(map(len, own)) > len({word for words in own for word in words}):
        return False
    has_lists = any(len(words) > 1 for words in own)
    return not has_lists or sum(_is_split(each, own) for each in reading.bursts) >= len(own)


def _is_split(burst: Sequence[str], sets: Sequence[frozenset[str]]) -> bool:
    """Return whether words that were written at the same time are in several sets."""
    return sum(not words.isdisjoint(burst) for words in sets) > 1


def shows_the_latest_alone(reading: Reading) -> bool:
    """Return whether answers have the words alone that were written last, as many as processes.

    Processes with words of their own do so where each happened to get one of these. It is so, too,
    where there are too few of them to know, or where the very last is not shown, as a process shows
    it that has it.
    """
    shown = {word for word in reading.words for seen in reading.at_home if has(word, seen.body)}
    if len(reading.latest) < reading.processes or reading.latest[-1] not in shown:
        return True
    return shown <= set(reading.latest)


def _refuses(seen: Seen) -> bool:
    return standing(seen) in {Standing.REFUSED, Standing.ERROR}
