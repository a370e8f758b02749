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

from loadtests.analysis.consistency import (
    addresses,
    conversation,
    judgement,
    normal_form,
    written,
)
from loadtests.analysis.consistency.conversation import SHORTEST_VALUE, Conversation, line_of
from loadtests.analysis.consistency.reading import Reading
from loadtests.analysis.consistency.rewording import rewordings
from loadtests.analysis.shared.logins import is_login_path
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.exchanges import (
    Origin,
    Read,
    Written,
    concerns,
    fresh,
    is_accepted,
    sent_by,
)
from loadtests.measurement.consistency.redirects import pages_behind
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

MOST_VALUES = 3

NUMBER = re.compile(r"\d+")

MOST_REWORDED = 3
"""Texts of a write that are changed, one after another, until the application takes it."""


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
    _logged: dict[str, tuple[Seen, ...]] = field(default_factory=dict)
    """Home's answers to the reads before the writes, when all reads had been asked."""

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
            kept = [e for e in found if not any(concerns(one, e) for one in changed)]
            found = self._read_after(reads, before, kept)
        return [self._case(entry) for entry in found]

    # -- writing ----------------------------------------------------------------------------------

    def _log_in(self, request: RequestSpec) -> None:
        self.client.send(self.home, request)
        self.names = (*self.names, *written.names_of(request))

    def _write(self, write: RequestSpec) -> None:
        request = self._filled(write)
        if is_login_path(request.path):
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

    def _is_unclear(self, one: Written, found: Sequence[Read]) -> bool:
        """Return whether a write would be recognised only if it were sent once more."""
        if not is_accepted(one.answer) or any(fresh(one, entry) for entry in found):
            return False
        return any(concerns(one, entry) for entry in found)

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
        templates = [same] if line_of(same) == line_of(template) else [same, template]
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
        before = {line_of(read): (self.client.send(self.home, read),) for read in reads}
        first = [(read, before[line_of(read)][0]) for read in reads]
        pages = pages_behind(self.client, self.home, first)
        before |= {line_of(page): (answer,) for page, answer in pages}
        reads = [*reads, *(page for page, _ in pages)]
        if any(map(self._is_fixed, self.talk.writes)):
            for server in self.others:
                answers = self.client.ask([(server, read) for read in reads])
                for read, answer in zip(reads, answers, strict=True):
                    before[line_of(read)] = (*before[line_of(read)], answer)
        if self._names_what_is_written(reads):
            self._logged = {line_of(read): self._answers(read) for read in reads}
        return before

    def _names_what_is_written(self, reads: Sequence[RequestSpec]) -> bool:
        """Return whether a read has in its address what a write will send beside its own."""
        writes = [self._filled(write) for write in self.talk.writes]
        texts = [text for text in written.sent_apart(writes) if len(text) >= SHORTEST_VALUE]
        return any(addresses.is_part(text, reads) for text in texts)

    def _read_after(
        self,
        reads: Sequence[RequestSpec],
        before: Mapping[str, tuple[Seen, ...]],
        kept: Sequence[Read] = (),
    ) -> list[Read]:
        """Read at home, and what the answers to the writes lead to; not what is ``kept``."""
        writes = [sent for one in self.writes for sent in (one.first, one.request)]
        asked = (*reads, *writes)
        known = {line_of(entry.request): entry for entry in kept}
        derived = self._derived()
        reads = conversation.unique([*reads, *(entry.request for entry, _ in derived)])
        origins = {line_of(entry.request): origin for entry, origin in derived}
        named = {entry.of for entry, _ in derived}
        found = []

        def entry_of(read: RequestSpec, origin: Origin | None) -> Read:
            return known.get(line_of(read)) or Read(
                request=read,
                before=before.get(line_of(read), ()),
                after=self._answers(read),
                origin=origin,
                asked=asked,
                writes=writes,
                logged=self._logged.get(line_of(read), ()),
            )

        for read in reads:
            entry = entry_of(read, origins.get(line_of(read)))
            # What a placeholder named at random is not there; what was written is asked instead.
            is_there = any(map(is_accepted, (*entry.before[:1], *entry.after)))
            if is_there or not entry.before or read.name not in named:
                found.append(entry)
        first = [(entry.request, entry.after[0]) for entry in found]
        for page, _ in pages_behind(self.client, self.home, first):
            check = _same_in_every_run(conversation.name_of(page))
            found.append(entry_of(page, Origin(written_by=None, check=check)))
        return found

    def _derived(self) -> list[tuple[conversation.Derived, Origin]]:
        """Return the reads that the writes and the answers to them lead to."""
        found = []
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
            for entry in further:
                check = entry.of or _same_in_every_run(conversation.name_of(entry.request))
                found.append((entry, Origin(written_by=one.name, check=check)))
        return found

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
                written_by=written_by,
                derived=entry.is_of_a_write(),
            ),
        )


def _same_in_every_run(name: str) -> str:
    """Return the name of a read without the ids of what was written."""
    return NUMBER.sub("<n>", normal_form.normal(name))
