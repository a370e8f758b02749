"""Words of the check's own, written so that those which one process alone has are recognised."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from loadtests.analysis.consistency.rewording import rewordings
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.exchanges import Written, is_accepted
from loadtests.model.errors import EnvironmentFailure

BURSTS = 10
"""Bursts of words. The newest three words of each of two processes are then told from pages of a
shared list in 45 % of the tries, and the newest five in 94 %."""

MOST_IN_A_BURST = 8
"""Words of a burst at most; else there is one more than processes."""

MOST_PROCESSES = 24
"""Processes for which words are written; for more, it would be hundreds of requests."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words that home accepted: those of each burst, and then the latest, one after another."""

    bursts: tuple[tuple[str, ...], ...]
    latest: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All words, in the order in which they were written."""
        return (*(word for burst in self.bursts for word in burst), *self.latest)


NONE = Words(bursts=(), latest=())


def written(
    client: Client, home: str, one: Written, rng: random.Random, *, processes: int
) -> Words:
    """Write words at home in bursts, so that each of its processes gets some.

    A page that shows some of them by chance shows more kinds of them than there are processes. Then
    write as many as processes, one after another: one that shows the newest has no others.
    """
    if processes > MOST_PROCESSES:
        return NONE
    size = min(processes + 1, MOST_IN_A_BURST)
    bursts = tuple(_accepted(client, home, one, rng, size) for _ in range(BURSTS))
    latest = (_accepted(client, home, one, rng, 1) for _ in range(processes))
    return Words(bursts=bursts, latest=tuple(word for words in latest for word in words))


def _accepted(
    client: Client, home: str, one: Written, rng: random.Random, times: int
) -> tuple[str, ...]:
    """Write so many words at home at the same time, and return those that it accepted."""
    tries = [rewordings(one.first, rng)[:1] for _ in range(times)]
    reworded = [each for some in tries for each in some]
    answers = client.ask([(home, each.request) for each in reworded])
    return tuple(
        each.word for each, answer in zip(reworded, answers, strict=True) if is_accepted(answer)
    )


@contextmanager
def put_back_at_the_end(put_back: Callable[[], None]) -> Iterator[None]:
    """Write the load's own text back, whatever happens; an error in between stays what it was."""
    try:
        yield
    except BaseException:
        with suppress(EnvironmentFailure):  # a generator that died is one, too
            put_back()
        raise
    put_back()
