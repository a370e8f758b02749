"""What a client wrote and read at its home, with the answers: what a read returns of a write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from loadtests.analysis.consistency import judgement, normal_form, reading, written
from loadtests.analysis.consistency.conversation import Conversation, line_of, name_of
from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.consistency.paths import derived
from loadtests.analysis.consistency.reading import Reading
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.tested.workload import RequestSpec

NUMBER = re.compile(r"\d+")

MOST_GUESSES = 32
"""Guesses that are read: each is asked of all of home's processes, and the others need time."""


@dataclass(kw_only=True)
class Case:
    """A request with its answers so far."""

    request: RequestSpec
    reading: Reading

    def add(self, server: str, *answers: Seen) -> None:
        """Add answers of a server."""
        kept = dict(self.reading.answers)
        kept[server] = (*kept.get(server, ()), *answers)
        self.reading = replace(self.reading, answers=kept)

    def add_strangers(self, *answers: Seen) -> None:
        """Add answers of home to a stranger."""
        self.reading = replace(self.reading, stranger=(*self.reading.stranger, *answers))


@dataclass(frozen=True, kw_only=True)
class Written:
    """A request that wrote, and its answer.

    ``template`` is the load's request with its placeholders, and ``first`` is what was sent of it
    at first. ``texts`` are words of it that may be changed, and ``word`` is what the request has
    instead of one; "" where it has the same. ``made`` are values that the answer says were made for
    it. ``is_fixed`` says that the load sends the same text every time.
    """

    name: str
    template: RequestSpec
    request: RequestSpec
    answer: Seen
    first: RequestSpec
    word: str = ""
    texts: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    is_fixed: bool = False


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a read comes from, and its name without ids.

    ``written_by`` is the write whose answer names it; None where another read redirects to it.
    ``may_be_older`` says that a page of that id may have been there before the write.
    """

    written_by: str | None
    check: str
    may_be_older: bool = False


Named = tuple[derived.Derived, Origin]
"""A read of what an answer names."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What reads, with its answers before the writes and after them.

    Home's own comes first in ``before``; it is empty where the request was not known then.
    ``asked`` are the requests of the load that were sent: pages may show their addresses. Those of
    them that write are ``writes``. ``logged`` are home's answers before the writes, when the reads
    had been asked; empty where that need not be known.
    """

    request: RequestSpec
    before: tuple[Seen, ...]
    after: tuple[Seen, ...]
    origin: Origin | None
    asked: Sequence[RequestSpec]
    writes: Sequence[RequestSpec] = ()
    logged: tuple[Seen, ...] = ()

    def returned(self, values: Sequence[str], *, at_home: bool = True) -> tuple[str, ...]:
        """Return which values are there since the writes: at home, or else at any server.

        What a write sent beside its address may be there in the address of a read: a list of links
        has it since the write, and a log of requests since the read.
        """
        before = self.before[:1] if at_home else self.before
        apart = written.sent_apart(self.writes) if self.logged else frozenset()
        earlier = (*before, *self.logged)
        found = {
            *self._found([v for v in values if v not in apart], before, self.asked),
            *self._found([v for v in values if v in apart], earlier, self.writes),
        }
        return tuple(value for value in values if value in found)

    def _found(
        self, values: Sequence[str], before: Sequence[Seen], asked: Sequence[RequestSpec]
    ) -> tuple[str, ...]:
        return written.returned_elsewhere(values, self.request, before, self.after, asked)

    def is_there(self) -> bool:
        """Return whether home accepted it, before the writes or after them."""
        return any(map(is_accepted, (*self.before[:1], *self.after)))

    def is_gone(self) -> bool:
        """Return whether home refuses it; an answer that says nothing is no refusal."""
        return not self.is_there() and any(map(is_refused, self.after))

    def is_of_a_write(self) -> bool:
        """Return whether the answer to a write named the page, and it was not there before."""
        is_named = self.origin is not None and self.origin.written_by is not None
        return is_named and not any(map(is_accepted, self.before))

    def may_be_older(self) -> bool:
        """Return whether the page may have been there before; it was not asked for then."""
        return self.origin is not None and self.origin.may_be_older and not self.before


def concerns(one: Written, entry: Read) -> bool:
    """Return whether a read returns what a write may have written, or what was answered to it."""
    return any(written.is_in(text, entry.after) for text in one.texts) or bool(
        entry.returned(written.answered_values(one.answer))
    )


def fresh(one: Written, entry: Read) -> tuple[str, ...]:
    """Return what a request wrote and a read returns that no server can have had before."""
    if one.is_fixed and not entry.before:
        return ()
    return entry.returned(written.sent_values(one.first, one.template), at_home=False)


def sent_by(one: Written, entry: Read) -> tuple[str, ...]:
    """Return by which of its own values a read shows a write, the surest first."""
    word = entry.returned([one.word]) if one.word else ()
    sent = written.sent_values(one.first, one.template)
    return word or fresh(one, entry) or entry.returned(sent)


def led_to(
    one: Written, talk: Conversation, fill: Callable[[RequestSpec], RequestSpec]
) -> Iterator[Named]:
    """Give the reads that a write and the answer to it lead to.

    ``fill`` gives a request a value for each of its placeholders: the load's own may have some.
    """
    if not is_accepted(one.answer):
        return
    for each in derived.reads_of_answer(
        talk.reads,
        one.answer,
        written.ids_of(one.answer),
        talk.headers,
        (one.template, one.request),
    ):
        entry = each if each.of is None else replace(each, request=fill(each.request))
        check = entry.of or same_in_every_run(name_of(entry.request))
        yield entry, _origin(one, entry, check)


def _origin(one: Written, entry: derived.Derived, check: str) -> Origin:
    return Origin(written_by=one.name, check=check, may_be_older=entry.may_be_older)


def guesses(own: Sequence[Read], writes: Sequence[Written]) -> list[Named]:
    """Return recorded reads with what the answers to writes name, where home refuses the ``own``.

    Each read and each write has its turn. An own read may be of what was written, too: where home
    refused it before the writes alone, and an answer names just that.
    """
    lines = {line_of(entry.request) for entry in own}
    of_each = []
    for entry in own:
        if any(map(is_accepted, entry.before[:1])):
            continue
        named = _in_turn([_guesses(entry.request, one) for one in writes])
        line = line_of(entry.request)
        if entry.is_there():
            of_each.append([pair for pair in named if line_of(pair[0].request) == line])
        elif entry.is_gone():
            of_each.append([pair for pair in named if line_of(pair[0].request) not in lines])
    found: dict[str, Named] = {}
    for pair in _in_turn(of_each):
        found.setdefault(line_of(pair[0].request), pair)
    return list(found.values())[:MOST_GUESSES]


def _guesses(read: RequestSpec, one: Written) -> list[Named]:
    if not is_accepted(one.answer):
        return []
    found = derived.guessed_reads([read], written.handles_of(one.answer))
    return [(guess, _origin(one, guess, guess.of or "")) for guess in found]


def _in_turn(groups: Sequence[Sequence[Named]]) -> list[Named]:
    """Return the first of each group, then the second of each, and so on."""
    return [each for row in zip_longest(*groups) for each in row if each is not None]


def unread_writes(
    asked: Asked, home: str, writes: Sequence[Written], cases: Sequence[Case]
) -> list[ProbeResult]:
    """Return what is not known of writes that no read returned."""
    read = {case.reading.written_by for case in cases}
    results = []
    for one in writes:
        if one.name in read:
            continue
        detail = f"No request of the load returns what {one.name} wrote, so nothing is compared."
        if one.answer.error == judgement.TIME_OVER:
            detail = judgement.not_asked(one.name)
        elif not is_accepted(one.answer):
            answer = judgement.in_words(one.answer)
            detail = f"{home} itself answered {one.name} with {answer}."
        results.append(asked.result(ProbeKind.WRITTEN, one.name, ProbeState.UNCHECKED, detail))
    return results


def is_accepted(seen: Seen) -> bool:
    """Return whether an answer accepts its request."""
    return reading.standing(seen) in {reading.Standing.ACCEPTED, reading.Standing.REDIRECTED}


def is_refused(seen: Seen) -> bool:
    """Return whether an answer refuses its request, which one that says nothing does not."""
    return reading.standing(seen) in {reading.Standing.REFUSED, reading.Standing.ERROR}


def same_in_every_run(name: str) -> str:
    """Return the name of a read without the ids of what was written."""
    return NUMBER.sub("<n>", normal_form.normal(name))
