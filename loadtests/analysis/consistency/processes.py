"""Whether the processes of one server share what a client wrote, by that server's answers. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from loadtests.analysis.consistency.bodies import form
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
from loadtests.analysis.consistency.written import ID_KEY, has
from loadtests.model.consistency import Seen

NOT_FOUND = 404

ID_OR_FILE = re.compile(r".*[0-9.].*|.*[a-z][A-Z].*", re.DOTALL)
"""The last piece of a path that names one thing: by a number, a random id, or as a file."""

PROGRAM = re.compile(r"v[0-9.]+|.*\.(php|html?|aspx?|jsp|do)", re.IGNORECASE)
"""The last piece of a path that names the version of an interface, or a page."""

SHORTEST_WORD = 4
"""Letters of a word that a path has of what was written."""


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
    if not _names_one_thing(reading):
        return False
    return reading.sent and standing(seen) is Standing.ACCEPTED and misses_a_value(reading, seen)


def _names_one_thing(reading: Reading) -> bool:
    """Return whether the address of a request names one thing: by an id, or words of its text."""
    path, _, query = reading.name.partition(" ")[2].partition("?")
    if any(map(ID_KEY.search, form.names_in(query))):
        return True
    last = path.rstrip("/").rpartition("/")[2]
    if PROGRAM.fullmatch(last):
        return False
    written = re.findall(rf"\w{{{SHORTEST_WORD},}}", " ".join(reading.values).lower())
    return bool(ID_OR_FILE.fullmatch(last)) or any(word in last.lower() for word in written)


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
    chance: that is as few, but none is older than the ``latest``. Nor is a page of a list: see
    :func:`_are_pages`.
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
    return not any(len(words) > 1 for words in own) or not _are_pages(reading, own)


def _are_pages(reading: Reading, sets: Sequence[frozenset[str]]) -> bool:
    """Return whether sets of words may be pages of one list, by time of writing or by alphabet.

    A page then has words that follow one another, and the next page those behind them. Of words
    that were written at the same time, the order is not known.
    """
    moments = [*reading.bursts, *((word,) for word in reading.latest)]
    spans = []
    for words in sets:
        at = [index for index, burst in enumerate(moments) if not words.isdisjoint(burst)]
        spans.append((min(at), max(at)))
    by_time = not any(
        min(one[1], other[1]) > max(one[0], other[0])
        for index, one in enumerate(spans)
        for other in spans[:index]
    )
    owners = [
        next(index for index, words in enumerate(sets) if word in words)
        for word in sorted({word for words in sets for word in words}, key=str.lower)
    ]
    turns = sum(one != other for one, other in pairwise(owners))
    return by_time or turns < len(sets)


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
