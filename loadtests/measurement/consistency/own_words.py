"""Words of the check's own, written so that those which one process alone has are recognised."""

from __future__ import annotations

import random
from dataclasses import dataclass

from loadtests.analysis.consistency.rewording import rewordings
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.exchanges import Written, is_accepted

AT_ONCE_EACH = 6
"""Requests for each process that are sent to one server at the same time. One process of several
then gets none once in 400 times (e^−6)."""

FURTHER_BURSTS = 2
"""Bursts of words beyond the processes. A page ends in fewer bursts than there are processes."""

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
    bursts = tuple(
        _accepted(client, home, one, rng, AT_ONCE_EACH) for _ in range(processes + FURTHER_BURSTS)
    )
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
