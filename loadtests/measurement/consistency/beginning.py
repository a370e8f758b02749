"""What a client does at its home at first: it begins, reads, writes, and reads again.

A write whose text was there before tells nothing: the check trial, the load or another check sent
the same. It is sent once more with a word of its own (``rewording``), and so is one of which only
the answer can be recognised: what changes from one answer to the next was made for this write.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from loadtests.analysis.consistency import bearer, conversation, judgement, written
from loadtests.analysis.consistency.conversation import SHORTEST_VALUE, Conversation, line_of
from loadtests.analysis.consistency.paths import addresses, derived
from loadtests.analysis.consistency.reading import Reading
from loadtests.analysis.consistency.rewording import logs_in, rewordings
from loadtests.analysis.shared.logins import is_login_path
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.exchanges import (
    Case,
    Named,
    Origin,
    Read,
    Written,
    concerns,
    fresh,
    guesses,
    is_accepted,
    is_refused,
    led_to,
    same_in_every_run,
    sent_by,
)
from loadtests.measurement.consistency.redirects import LEFT_OUT, Redirects
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

MOST_VALUES = 3

MOST_REWORDED = 3
"""Texts of a write that are changed, one after another, until the application takes it."""


@dataclass(kw_only=True)
class Beginning:
    """The beginning of a client at ``home``; ``writes`` are then its writes, in their order.

    ``at_once`` is how many requests are sent to it at the same time, so that each of its processes
    gets some. ``write_rng`` draws for placeholders that only writes have, and ``words`` draws new
    words: never the same in two checks.
    """

    client: Client
    talk: Conversation
    home: str
    others: Sequence[str]
    at_once: int
    rng: random.Random
    write_rng: random.Random
    words: random.Random
    writes: list[Written] = field(default_factory=list)
    names: tuple[str, ...] = ()
    logins: list[RequestSpec] = field(default_factory=list)
    """The start, and the logins among the writes, as they were sent."""
    _drawn: conversation.Drawn = field(default_factory=dict)
    """What was drawn for placeholders: the reads ask for what the writes write."""
    _before: dict[str, tuple[Seen, ...]] = field(default_factory=dict)
    """Answers before the writes, by the lines of their requests."""
    _own: list[Read] = field(default_factory=list)
    """What the load's own requests, and the answers to its writes, led to."""
    _again: set[int] = field(default_factory=set)
    """Indexes of the writes that were sent once more, or could not be."""
    _logged: dict[str, tuple[Seen, ...]] = field(default_factory=dict)
    """Home's answers to the reads before the writes, when all reads had been asked."""

    def __post_init__(self) -> None:
        self._redirects = Redirects(send=self._send)

    def cases(self) -> list[Case]:
        """Begin, and return what was read after the writes."""
        reads = conversation.unique([self._filled(read) for read in self.talk.reads])
        for request in self.talk.start:
            self._log_in(self._filled(request, self.write_rng))
        self._read_before([*reads, *derived.reads_of_paths(self.talk, self._filled)])
        for write in self.talk.writes:
            self._write(write)
        self._own = self._read_clearly(lambda kept: self._read_after(reads, kept))
        return [self._case(entry) for entry in self._own]

    def page_cases(self) -> list[Case]:
        """Return what is behind the redirects of these reads, with the time that is left."""
        return [self._case(entry) for entry in self._read_clearly(self._read_pages)]

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """What was not asked, and why."""
        return (LEFT_OUT,) if self._redirects.are_too_many else ()

    def _read_clearly(self, read: Callable[[Sequence[Read]], list[Read]]) -> list[Read]:
        """Read; write once more what would not be recognised otherwise, and read that again."""
        found = read(())
        changed = [
            one
            for index, one in enumerate(tuple(self.writes))
            if self._is_unclear(one, found) and self._write_again(index)
        ]
        if not changed:
            return found
        return read([e for e in found if not any(concerns(one, e) for one in changed)])

    # -- writing ----------------------------------------------------------------------------------

    def _log_in(self, request: RequestSpec) -> None:
        self._sent_at_home(request, is_start=True)
        self.logins.append(request)
        self.names = (*self.names, *written.names_of(request))

    def _sent_at_home(self, request: RequestSpec, *, is_start: bool = False) -> Seen:
        """Send a request; a login of a locustfile gives the token that later requests have.

        A registration does so where there is no other: it may be of another user.
        """
        is_other = self.client.has_token and not bearer.logs_in(request)
        keeps_token = self.talk.recorded and (is_start or (logs_in(request) and not is_other))
        return (self.client.log_in if keeps_token else self.client.send)(self.home, request)

    def _write(self, write: RequestSpec) -> None:
        request = self._filled(write, self.write_rng)
        if is_login_path(request.path):
            self.names = (*self.names, *written.names_of(request))
        answer = self._sent_at_home(request)
        template, is_open = write, self.talk.recorded and is_refused(answer)
        for other in self._guessed(request) if is_open else ():
            tried = self._tried(other)
            if is_accepted(tried):
                template, request, answer = other, other, tried
                break
        if logs_in(request) and is_accepted(answer):
            self.logins.append(request)
        self.writes.append(
            Written(
                name=conversation.name_of(write),
                template=template,
                request=request,
                answer=answer,
                first=request,
                texts=tuple(other.old for other in rewordings(request, self.words)),
                made=written.named_values(answer),
                is_fixed=self._is_fixed(write),
            )
        )

    def _guessed(self, request: RequestSpec) -> tuple[RequestSpec, ...]:
        """Return a recorded write of what the answers to the writes before it have named."""
        answers = [one.answer for one in reversed(self.writes) if is_accepted(one.answer)]
        ids = [text for answer in answers for text in written.handles_of(answer)]
        return derived.guessed_writes(request, ids)[:MOST_REWORDED]

    def _is_fixed(self, write: RequestSpec) -> bool:
        """Return whether a write sends the same text every time, and could send another."""
        texts = written.texts_of(write)
        is_drawn = any(conversation.PLACEHOLDER.search(text) for text in texts)
        return not is_drawn and bool(rewordings(write, self.words))

    def _is_unclear(self, one: Written, found: Sequence[Read]) -> bool:
        """Return whether a write would be recognised only if it were sent once more."""
        known = [*self._own, *found]
        if not is_accepted(one.answer) or any(fresh(one, entry) for entry in known):
            return False
        return any(concerns(one, entry) for entry in found)

    def _write_again(self, index: int) -> bool:
        """Send a write once more with a word of its own, or else as it is; tell if it was taken."""
        if index in self._again:
            return False
        self._again.add(index)
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
        templates = [same] if line_of(same) == line_of(template) else [same, template]
        own = (self.talk.values, self.write_rng)
        return tuple(conversation.filled(each, *own, self.rows()) for each in templates)

    def rows(self) -> conversation.Drawn:
        """Return the rows of lists that the client keeps."""
        return conversation.kept_rows(self.talk, self._drawn)

    def _tried(self, request: RequestSpec) -> Seen:
        """Send a request; where it is refused, the client's cookies stay what they were."""
        cookies = self.client.cookies
        answer = self._sent_at_home(request)
        if not is_accepted(answer):
            self.client.cookies = cookies
        return answer

    def _filled(self, request: RequestSpec, rng: random.Random | None = None) -> RequestSpec:
        return conversation.filled(request, self.talk.values, rng or self.rng, self._drawn)

    # -- reading ----------------------------------------------------------------------------------

    def _send(self, request: RequestSpec) -> Seen:
        return self.client.send(self.home, request)

    def _read_before(self, reads: Sequence[RequestSpec]) -> None:
        """Read before the writes: at home, and at the others, which may keep the answer."""
        before = self._before

        def ask(read: RequestSpec) -> Seen:
            before[line_of(read)] = (self._send(read),)
            return before[line_of(read)][0]

        reads = [*reads, *self._redirects.follow([(read, ask(read)) for read in reads], ask)]
        for server in self.others if self.talk.writes else ():
            answers = self.client.ask([(server, read) for read in reads])
            for read, answer in zip(reads, answers, strict=True):
                before[line_of(read)] = (*before[line_of(read)], answer)
        if self._names_what_is_written(reads):
            self._logged = {line_of(read): self._answers(read) for read in reads}

    def _names_what_is_written(self, reads: Sequence[RequestSpec]) -> bool:
        """Return whether a read has in its address what a write will send beside its own."""
        writes = [self._filled(write, self.write_rng) for write in self.talk.writes]
        texts = [text for text in written.sent_apart(writes) if len(text) >= SHORTEST_VALUE]
        return any(addresses.is_part(text, reads) for text in texts)

    def _read_after(self, reads: Sequence[RequestSpec], kept: Sequence[Read]) -> list[Read]:
        """Read at home, and what the answers to the writes lead to; not what is ``kept``."""
        asked = (*reads, *self._sent())
        named = self._derived()
        origins = {line_of(entry.request): origin for entry, origin in reversed(named)}
        found: dict[str, Read] = {}
        for read in conversation.unique([*reads, *(entry.request for entry, _ in named)]):
            found[line_of(read)] = self._read(read, origins.get(line_of(read)), asked, kept)
        own = [found[line_of(read)] for read in reads] if self.talk.recorded else []
        for guess, origin in guesses(own, self.writes):
            named.append((guess, origin))
            line = line_of(guess.request)
            entry = found.get(line) or self._read(guess.request, origin, asked, kept)
            found[line] = replace(entry, origin=entry.origin or origin)
        there = {line for line, entry in found.items() if entry.is_there()}
        # What a placeholder named at random is not there; what was written is asked instead.
        known = [entry.request for entry in found.values()]
        idle = derived.idle_reads(known, [entry for entry, _ in named], there)
        return [entry for line, entry in found.items() if line not in idle]

    def _read_pages(self, kept: Sequence[Read]) -> list[Read]:
        """Read what the redirects of the own reads lead to; not what is ``kept``."""
        asked = (*(entry.request for entry in self._own), *self._sent())
        found: dict[str, Read] = {}

        def ask(page: RequestSpec) -> Seen:
            check = same_in_every_run(conversation.name_of(page))
            entry = self._read(page, Origin(written_by=None, check=check), asked, kept)
            found[line_of(page)] = entry
            return entry.after[0]

        own = [(entry.request, entry.after[0]) for entry in self._own]
        return [found[line_of(page)] for page in self._redirects.follow(own, ask)]

    def _sent(self) -> list[RequestSpec]:
        return [sent for one in self.writes for sent in (one.first, one.request)]

    def _read(
        self,
        read: RequestSpec,
        origin: Origin | None,
        asked: Sequence[RequestSpec],
        kept: Sequence[Read],
    ) -> Read:
        """Return a read with its answers: those that are ``kept``, or else new ones."""
        known = {line_of(entry.request): entry for entry in kept}
        return known.get(line_of(read)) or Read(
            request=read,
            before=self._before.get(line_of(read), ()),
            after=self._answers(read),
            origin=origin,
            asked=asked,
            writes=self._sent(),
            logged=self._logged.get(line_of(read), ()),
        )

    def _derived(self) -> list[Named]:
        """Return the reads that the writes and the answers to them lead to."""
        return [named for one in self.writes for named in led_to(one, self.talk, self._filled)]

    def _answers(self, read: RequestSpec) -> tuple[Seen, ...]:
        """Read once, and then from each of home's processes."""
        first = self.client.send(self.home, read)
        if self.at_once == 1 or first.error == judgement.TIME_OVER:
            return (first,)
        return (first, *self.client.ask([(self.home, read)] * self.at_once))

    def _case(self, entry: Read) -> Case:
        values: tuple[str, ...] = ()
        sent, origin = False, entry.origin
        written_by = origin.written_by if origin else None
        for one in self.writes:
            own = sent_by(one, entry)
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
                credential=self.client.credential_of(entry.request),
                written_by=written_by,
                derived=entry.is_of_a_write(),
                may_be_older=not values and entry.may_be_older(),
            ),
        )
