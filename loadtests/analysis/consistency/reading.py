"""Whether servers answer one client's request alike: what is right, wrong, and worth asking again.

PURE. The server at which the client wrote and logged in is its *home*. An answer of another server
is wrong where home accepts the request and the other refuses it, where it misses a value that the
client wrote, or where it treats the client as a stranger. A server is wrong where all answers of
home are right and all of its own are wrong, ``CONFIRM`` times each, asked in turns that follow no
period. For an application whose answers differ by chance, whatever the server, that happens once in
500,000 (2·4^−CONFIRM), and so it does for one that changes from answer to answer. Where the
processes of home differ, it is wrong, too, if it was never right, and home was right too often for
that to be chance: as rarely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from loadtests.analysis.consistency.bodies.failure import is_failure
from loadtests.analysis.consistency.normal_form import Key, key_of, key_without_query
from loadtests.analysis.consistency.written import has
from loadtests.analysis.remedies import says_limit
from loadtests.analysis.shared.logins import is_login
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS, NOT_MODIFIED, REFUSED
from loadtests.model.consistency import Seen

CONFIRM = 10
"""Answers of each server that must agree with one another before anything is called wrong."""

CHANCE = 2 * 4.0**-CONFIRM
"""How probable it may be that servers which answer by chance are called wrong."""

SOME = 3
"""Right and wrong answers of one server from which its processes are taken for different ones."""

SILENT = frozenset({429, 502, 503, 504})
"""Statuses that say nothing of an application's state: it limits the rate, or cannot answer."""


class Standing(StrEnum):
    """What a status says of a request."""

    ACCEPTED = "accepted"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    """It asks for a login, or forbids."""
    ERROR = "error"
    SILENT = "silent"
    """There was no answer, or one that says nothing."""


def standing(seen: Seen) -> Standing:
    """Return what an answer's status says; one that says that it limits the rate says nothing.

    An answer of GraphQL or JSON-RPC is an error where it says so, whatever its status.
    """
    status = seen.status
    if status is None or status in SILENT:
        return Standing.SILENT
    has_failed = status >= FIRST_ERROR_STATUS or is_failure(seen.body)
    if has_failed and says_limit(seen.body):
        return Standing.SILENT
    if status in REFUSED:
        return Standing.REFUSED
    if 300 <= status < FIRST_ERROR_STATUS and status != NOT_MODIFIED:
        return Standing.REFUSED if is_login(seen.location or "") else Standing.REDIRECTED
    return Standing.ERROR if has_failed else Standing.ACCEPTED


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The answers to one request of a client who has been at ``home``.

    ``name`` is the request, and ``check`` the same in every run: without the ids of what was
    written. ``answers`` has those of each server in the order in which they came. ``stranger``
    are home's answers to the same request without the client's cookies and token; empty where the
    client has none. ``values`` are what the client wrote and home's answers return. ``written_by``
    is the name of the request that wrote it. ``derived`` is true where the request's path names
    what it wrote.
    """

    name: str
    check: str
    home: str
    answers: Mapping[str, tuple[Seen, ...]]
    stranger: tuple[Seen, ...] = ()
    values: tuple[str, ...] = ()
    sent: bool = False
    """Whether the client itself sent the values, and did not only get them in an answer."""
    words: tuple[str, ...] = ()
    """Words that the client wrote, each in a request of its own: most at the same time."""
    latest: tuple[str, ...] = ()
    """Those of them that it wrote after the others, one after another."""
    bursts: tuple[tuple[str, ...], ...] = ()
    """The others, in the order in which they were written: those of a burst at the same time."""
    processes: int = 1
    """The processes of home, at most."""
    names: tuple[str, ...] = ()
    """Texts with which the client began or logged in, such as the name of its user."""
    credential: str = "cookie"
    """By what a server may know the client: a cookie, or the token of a login."""
    written_by: str | None = None
    derived: bool = False
    may_be_older: bool = False
    """Whether the page may be older than the write: nothing that was written is in it."""
    writing: bool = False
    """Whether the request itself writes."""
    others: tuple[str, ...] = field(default=())

    @property
    def at_home(self) -> tuple[Seen, ...]:
        """The answers of home."""
        return self.answers[self.home]

    @cached_property
    def accepting(self) -> frozenset[Standing]:
        """How home accepts the request: by an answer, or by a redirect."""
        found = {standing(seen) for seen in self.at_home}
        return frozenset(found & {Standing.ACCEPTED, Standing.REDIRECTED})

    @cached_property
    def stranger_keys(self) -> frozenset[Key]:
        """A stranger's answer, where it is always the same and the client's is another.

        A redirect whose query changes, such as the ``state`` of a login, is the same without it.

        The client's is another where one of home's that shows what it wrote is: its processes may
        not agree. Two strangers who chanced to ask the same process see what that one knows.
        """
        keys = {self._compared(seen) for seen in self.stranger}
        if len(keys) != 1 or len(self.stranger) < 2:
            return frozenset()
        own = {self._compared(seen) for seen in self.at_home if not misses_a_value(self, seen)}
        return frozenset() if own <= keys else frozenset(keys)

    def is_a_strangers(self, seen: Seen) -> bool:
        """Return whether an answer is the one that every stranger gets, and the client not."""
        return bool(self.stranger_keys) and self._compared(seen) in self.stranger_keys

    def _compared(self, seen: Seen) -> Key:
        """Return by what an answer is compared with those of strangers."""
        return key_of(seen) if self._strangers_are_alike else key_without_query(seen)

    @cached_property
    def _strangers_are_alike(self) -> bool:
        return len({key_of(seen) for seen in self.stranger}) == 1


def is_right(reading: Reading, seen: Seen) -> bool:
    """Return whether an answer is one that home gives to the client it knows."""
    return standing(seen) in reading.accepting and not _is_wrong_here(reading, seen)


def is_wrong(reading: Reading, seen: Seen) -> bool:
    """Return whether an answer is certainly not one that home gives to the client it knows."""
    how = standing(seen)
    if how is Standing.SILENT:
        return False
    if how in {Standing.REFUSED, Standing.ERROR}:
        return True
    return _is_wrong_here(reading, seen)


def _is_wrong_here(reading: Reading, seen: Seen) -> bool:
    """Return whether an accepting answer misses what was written, or is that of a stranger."""
    return misses_a_value(reading, seen) or reading.is_a_strangers(seen)


def misses_a_value(reading: Reading, seen: Seen) -> bool:
    """Return whether an answer lacks something that the client wrote."""
    return not all(has(value, seen.body) for value in reading.values)


def without_gone(reading: Reading) -> Reading:
    """Return a reading without what was written, where home shows it no more.

    A page may show a message about it once. Whether a server knows the client is then compared
    alone, as long as home still tells its client from a stranger.
    """
    if not reading.values or not all(misses_a_value(reading, seen) for seen in reading.at_home):
        return reading
    written_by = reading.written_by if reading.derived else None
    plain = replace(
        reading, values=(), sent=False, words=(), latest=(), bursts=(), written_by=written_by
    )
    return plain if all(is_wrong(plain, seen) for seen in plain.stranger) else reading


def is_refusal(reading: Reading, seen: Seen) -> bool:
    """Return whether an answer refuses the client: as forbidden, or as a stranger is answered."""
    return standing(seen) is Standing.REFUSED or reading.is_a_strangers(seen)


def tells_clients_apart(reading: Reading) -> bool:
    """Return whether home answered its client rightly, and strangers never."""
    is_known = any(is_right(reading, seen) for seen in reading.at_home)
    refuses = bool(reading.stranger) and all(is_wrong(reading, seen) for seen in reading.stranger)
    return is_known and refuses and not reading.writing


def suspects(reading: Reading) -> tuple[str, ...]:
    """Return the servers that must be asked again: home was right, and they never."""
    if not any(is_right(reading, seen) for seen in reading.at_home):
        return ()
    return tuple(
        server
        for server, answers in reading.answers.items()
        if server != reading.home
        and answers
        and not any(is_right(reading, seen) for seen in answers)
        and all(is_wrong(reading, seen) for seen in answers)
    )


def wrong_servers(reading: Reading) -> tuple[str, ...]:
    """Return the servers that certainly do not know what home knows."""
    home = reading.at_home
    if len(home) < CONFIRM:
        return ()
    if not all(is_right(reading, seen) for seen in home):
        return tuple(server for server in suspects(reading) if _never_by_chance(reading, server))
    return tuple(
        server
        for server, answers in reading.answers.items()
        if server != reading.home
        and len(answers) >= CONFIRM
        and all(is_wrong(reading, seen) for seen in answers)
    )


def _never_by_chance(reading: Reading, server: str) -> bool:
    """Return whether a server was never right, and home too often for that to be chance.

    Home is right in both halves of the time. If all answers were right by the same chance, the
    right ones would all be home's with the probability of Fisher's exact test. What an answer to a
    write named does not count, because that may be a process's own name.
    """
    if reading.values and not reading.sent:
        return False
    if any(right < SOME for right, _ in halves(reading)):
        return False
    home, other = reading.at_home, reading.answers[server]
    right = sum(is_right(reading, seen) for seen in home)
    chance = math.comb(len(home), right) / math.comb(len(home) + len(other), right)
    return len(other) >= 2 * CONFIRM and chance < CHANCE


def is_remembered(reading: Reading) -> bool:
    """Return whether all of home's answers show that it knows the client, or what it wrote."""
    knows = bool(reading.values) or reading.derived or bool(reading.stranger_keys)
    refused = bool(reading.stranger) and all(is_wrong(reading, seen) for seen in reading.stranger)
    return (knows or refused) and all(is_right(reading, seen) for seen in reading.at_home)


def halves(reading: Reading) -> tuple[tuple[int, int], ...]:
    """Return how many of home's answers are right, and how many wrong, in each half of the time."""
    home = reading.at_home
    return tuple(
        (
            sum(is_right(reading, seen) for seen in half),
            sum(is_wrong(reading, seen) for seen in half),
        )
        for half in (home[: len(home) // 2], home[len(home) // 2 :])
    )


def differs(reading: Reading) -> str | None:
    """Return a server whose answers differ from home's in content alone, always in the same way."""
    home = {key_of(seen) for seen in reading.at_home}
    if len(home) != 1 or len(reading.at_home) < 2:
        return None
    for server, answers in reading.answers.items():
        keys = {key_of(seen) for seen in answers}
        if server != reading.home and len(keys) == 1 and keys != home and len(answers) > 1:
            return server
    return None


def turns(pairs: int) -> tuple[bool, ...]:
    """Return the turns of two servers, ``pairs`` of each: True is the first one's.

    It is the Thue-Morse sequence: a b b a b a a b … No period can mislead: an application that
    changes with every answer, or every second or fourth, or once in all, changes for both alike.
    """
    return tuple(number.bit_count() % 2 == 0 for number in range(2 * pairs))
