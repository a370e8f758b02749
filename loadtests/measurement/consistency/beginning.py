"""What a client does at its home at first: it begins, reads, writes, and reads again.

A write whose text was there before tells nothing: the check trial, the load or another check sent
the same. It is sent once more with a word of its own (``rewording``), and so is one of which only
the answer can be recognised: what changes from one answer to the next was made for this write.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from loadtests.analysis.consistency import conversation, judgement, normal_form, reading, written
from loadtests.analysis.consistency.conversation import Conversation
from loadtests.analysis.consistency.reading import Reading
from loadtests.analysis.consistency.rewording import rewordings
from loadtests.analysis.shared.logins import is_login
from loadtests.measurement.consistency.client import Client
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

MOST_VALUES = 3

NUMBER = re.compile(r"\d+")

MOST_REWORDED = 3
"""Texts of a write that are changed, one after another, until the application takes it."""


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
class _Origin:
    """The write that a read follows from, and the name of that read without its ids."""

    written_by: str
    check: str


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What reads, with its answers before the writes and after them.

    Home's own comes first in ``before``; it is empty where the request was not known then.
    ``asked`` are the requests of the load that were sent: pages may show their addresses.
    """

    request: RequestSpec
    before: tuple[Seen, ...]
    after: tuple[Seen, ...]
    origin: _Origin | None
    asked: Sequence[RequestSpec]

    def returned(self, values: Sequence[str], *, at_home: bool = True) -> tuple[str, ...]:
        """Return which values are there since the writes: at home, or else at any server."""
        before = self.before[:1] if at_home else self.before
        return written.returned_elsewhere(values, self.request, before, self.after, self.asked)


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


@dataclass(kw_only=True)
class Beginning:
    """The beginning of a client at ``home``; ``writes`` are then its writes, in their order.

    ``at_once`` is how many requests are sent to it at the same time, so that each of its processes
    gets some.
    """

    client: Client
    talk: Conversation
    home: str
    others: Sequence[str]
    at_once: int
    rng: random.Random
    words: random.Random
    """What draws new words: never the same in two checks."""
    writes: list[Written] = field(default_factory=list)
    names: tuple[str, ...] = ()
    _drawn: conversation.Drawn = field(default_factory=dict)
    """What was drawn for placeholders: the reads ask for what the writes write."""

    def cases(self) -> list[Case]:
        """Begin, and return what was read after the writes."""
        for request in self.talk.start:
            self._log_in(self._filled(request))
        reads = conversation.unique([self._filled(read) for read in self.talk.reads])
        before = self._before([*reads, *conversation.reads_of_paths(self.talk)])
        for write in self.talk.writes:
            self._write(write)
        found = self._read_after(reads, before)
        changed = [
            one
            for index, one in enumerate(tuple(self.writes))
            if self._is_unclear(one, found) and self._write_again(index)
        ]
        if changed:
            kept = [e for e in found if not any(_concerns(one, e) for one in changed)]
            found = self._read_after(reads, before, kept)
        return [self._case(entry) for entry in found]

    # -- writing ----------------------------------------------------------------------------------

    def _log_in(self, request: RequestSpec) -> None:
        self.client.send(self.home, request)
        self.names = (*self.names, *written.names_of(request))

    def _write(self, write: RequestSpec) -> None:
        request = self._filled(write)
        if is_login(request.path):
            self.names = (*self.names, *written.names_of(request))
        answer = self.client.send(self.home, request)
        self.writes.append(
            Written(
                name=conversation.name_of(write),
                template=write,
                request=request,
                answer=answer,
                first=request,
                texts=tuple(other.old for other in rewordings(request, self.words)),
                made=written.named_values(answer),
                is_fixed=self._is_fixed(write),
            )
        )

    def _is_fixed(self, write: RequestSpec) -> bool:
        """Return whether a write sends the same text every time, and could send another."""
        texts = written.texts_of(write)
        is_drawn = any(conversation.PLACEHOLDER.search(text) for text in texts)
        return not is_drawn and bool(rewordings(write, self.words))

    def _is_unclear(self, one: Written, found: Sequence[_Read]) -> bool:
        """Return whether a write would be recognised only if it were sent once more."""
        if not is_accepted(one.answer) or any(_fresh(one, entry) for entry in found):
            return False
        return any(_concerns(one, entry) for entry in found)

    def _write_again(self, index: int) -> bool:
        """Send a write once more with a word of its own, or else as it is; tell if it was taken."""
        one = self.writes[index]
        for reworded in rewordings(one.first, self.words)[:MOST_REWORDED]:
            answer = self._tried(reworded.request)
            if is_accepted(answer):
                made = written.made_values(one.answer, answer)
                self.writes[index] = replace(
                    one, request=reworded.request, answer=answer, word=reworded.word, made=made
                )
                return True
        if not written.answered_values(one.answer):
            return False
        for request in self._drawn_again(one):
            answer = self._tried(request)
            if is_accepted(answer):
                made = written.made_values(one.answer, answer)
                self.writes[index] = replace(
                    one, request=request, answer=answer, first=request, made=made
                )
                return True
        return False

    def _drawn_again(self, one: Written) -> tuple[RequestSpec, ...]:
        """Return a write with other values: at the same address, which was read, or at another."""
        template, first = one.template, one.first
        same = replace(template, path=first.path, query=first.query)
        templates = [same] if _line(same) == _line(template) else [same, template]
        return tuple(conversation.filled(each, self.talk.values, self.rng) for each in templates)

    def _tried(self, request: RequestSpec) -> Seen:
        """Send a request; where it is refused, the client's cookies stay what they were."""
        cookies = self.client.cookies
        answer = self.client.send(self.home, request)
        if not is_accepted(answer):
            self.client.cookies = cookies
        return answer

    def _filled(self, request: RequestSpec) -> RequestSpec:
        return conversation.filled(request, self.talk.values, self.rng, self._drawn)

    # -- reading ----------------------------------------------------------------------------------

    def _before(self, reads: Sequence[RequestSpec]) -> dict[str, tuple[Seen, ...]]:
        """Read at home before the writes; of a write with a fixed text, at the others, too."""
        before: dict[str, tuple[Seen, ...]]
        before = {_line(read): (self.client.send(self.home, read),) for read in reads}
        if any(map(self._is_fixed, self.talk.writes)):
            for server in self.others:
                answers = self.client.ask([(server, read) for read in reads])
                for read, answer in zip(reads, answers, strict=True):
                    before[_line(read)] = (*before[_line(read)], answer)
        return before

    def _read_after(
        self,
        reads: Sequence[RequestSpec],
        before: Mapping[str, tuple[Seen, ...]],
        kept: Sequence[_Read] = (),
    ) -> list[_Read]:
        """Read at home, and what the answers to the writes lead to; not what is ``kept``."""
        asked = (*reads, *(sent for one in self.writes for sent in (one.first, one.request)))
        known = {_line(entry.request): entry for entry in kept}
        derived: dict[str, _Origin] = {}
        followed: set[str | None] = set()
        for one in self.writes:
            if not is_accepted(one.answer):
                continue
            further = conversation.reads_of_answer(
                self.talk.reads,
                one.answer,
                written.ids_of(one.answer),
                self.talk.headers,
                one.template,
            )
            reads = conversation.unique([*reads, *(entry.request for entry in further)])
            derived |= {
                _line(entry.request): _Origin(
                    written_by=one.name,
                    check=entry.of or _same_in_every_run(conversation.name_of(entry.request)),
                )
                for entry in further
            }
            followed |= {entry.of for entry in further}
        found = []
        for read in reads:
            entry = known.get(_line(read)) or _Read(
                request=read,
                before=before.get(_line(read), ()),
                after=self._answers(read),
                origin=derived.get(_line(read)),
                asked=asked,
            )
            # What a placeholder named at random is not there; what was written is asked instead.
            is_there = any(map(is_accepted, (*entry.before[:1], *entry.after)))
            if is_there or not entry.before or read.name not in followed:
                found.append(entry)
        return found

    def _answers(self, read: RequestSpec) -> tuple[Seen, ...]:
        """Read once, and then from each of home's processes."""
        first = self.client.send(self.home, read)
        if self.at_once == 1 or first.error == judgement.TIME_OVER:
            return (first,)
        return (first, *self.client.ask([(self.home, read)] * self.at_once))

    def _case(self, entry: _Read) -> Case:
        values: tuple[str, ...] = ()
        sent, origin = False, entry.origin
        written_by = origin.written_by if origin else None
        for one in self.writes:
            own = _sent(one, entry)
            found = own or entry.returned(one.made)
            if found and is_accepted(one.answer):
                values, sent, written_by = found[:MOST_VALUES], bool(own), one.name
                break
        return Case(
            request=entry.request,
            reading=Reading(
                name=conversation.name_of(entry.request),
                check=origin.check if origin else conversation.name_of(entry.request),
                home=self.home,
                answers={self.home: entry.after},
                values=values,
                sent=sent,
                names=self.names,
                written_by=written_by,
                derived=origin is not None and not any(map(is_accepted, entry.before)),
            ),
        )


def _concerns(one: Written, entry: _Read) -> bool:
    """Return whether a read returns what a write may have written, or what was answered to it."""
    return any(written.is_in(text, entry.after) for text in one.texts) or bool(
        entry.returned(written.answered_values(one.answer))
    )


def _fresh(one: Written, entry: _Read) -> tuple[str, ...]:
    """Return what a request wrote and a read returns that no server can have had before."""
    if one.is_fixed and not entry.before:
        return ()
    return entry.returned(written.sent_values(one.first, one.template), at_home=False)


def _sent(one: Written, entry: _Read) -> tuple[str, ...]:
    """Return by which of its own values a read shows a write, the surest first."""
    word = entry.returned([one.word]) if one.word else ()
    sent = written.sent_values(one.first, one.template)
    return word or _fresh(one, entry) or entry.returned(sent)


def _same_in_every_run(name: str) -> str:
    """Return the name of a read without the ids of what was written."""
    return NUMBER.sub("<n>", normal_form.normal(name))


def _line(request: RequestSpec) -> str:
    return f"{request.method} {request.path} {dict(request.query)}"


def is_accepted(seen: Seen) -> bool:
    """Return whether an answer accepts its request."""
    return reading.standing(seen) in {reading.Standing.ACCEPTED, reading.Standing.REDIRECTED}
