"""What a client does at its home at first: it begins, reads, writes, and reads again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from loadtests.analysis.consistency import conversation, judgement, written
from loadtests.analysis.consistency.conversation import SHORTEST_VALUE, line_of
from loadtests.analysis.consistency.paths import addresses, derived
from loadtests.analysis.consistency.reading import Reading
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
    led_to,
    same_in_every_run,
    sent_by,
)
from loadtests.measurement.consistency.redirects import LEFT_OUT, Redirects
from loadtests.measurement.consistency.writer import Writer
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

MOST_VALUES = 3


@dataclass(kw_only=True)
class Beginning:
    """The beginning of a client at its home, where ``writer`` writes; ``others`` are also read.

    ``at_once`` is how many requests are sent to home at the same time, so that each of its
    processes gets some. ``rng`` draws for placeholders that reads have, too.
    """

    writer: Writer
    others: Sequence[str]
    at_once: int
    rng: random.Random
    _before: dict[str, tuple[Seen, ...]] = field(default_factory=dict)
    """Answers before the writes, by the lines of their requests."""
    _own: list[Read] = field(default_factory=list)
    """What the load's own requests, and the answers to its writes, led to."""
    _logged: dict[str, tuple[Seen, ...]] = field(default_factory=dict)
    """Home's answers to the reads before the writes, when all reads had been asked."""

    def __post_init__(self) -> None:
        self._client, self._talk = self.writer.client, self.writer.talk
        self._home = self.writer.home
        self._redirects = Redirects(send=self._send)

    def cases(self) -> list[Case]:
        """Begin, and return what was read after the writes."""
        reads = conversation.unique([self._filled(read) for read in self._talk.reads])
        for request in self._talk.start:
            self.writer.log_in(request)
        self._read_before([*reads, *derived.reads_of_paths(self._talk, self._filled)])
        for write in self._talk.writes:
            self.writer.write(write)
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
            for index, one in enumerate(tuple(self.writer.writes))
            if self._is_unclear(one, found) and self.writer.write_again(index)
        ]
        if not changed:
            return found
        return read([e for e in found if not any(concerns(one, e) for one in changed)])

    def _is_unclear(self, one: Written, found: Sequence[Read]) -> bool:
        """Return whether a write would be recognised only if it were sent once more."""
        known = [*self._own, *found]
        if not is_accepted(one.answer) or any(fresh(one, entry) for entry in known):
            return False
        return any(concerns(one, entry) for entry in found)

    def _filled(self, request: RequestSpec) -> RequestSpec:
        return self.writer.filled(request, self.rng)

    # -- reading ----------------------------------------------------------------------------------

    def _send(self, request: RequestSpec) -> Seen:
        return self._client.send(self._home, request)

    def _read_before(self, reads: Sequence[RequestSpec]) -> None:
        """Read before the writes: at home, and at the others, which may keep the answer."""
        before = self._before

        def ask(read: RequestSpec) -> Seen:
            before[line_of(read)] = (self._send(read),)
            return before[line_of(read)][0]

        reads = [*reads, *self._redirects.follow([(read, ask(read)) for read in reads], ask)]
        for server in self.others if self._talk.writes else ():
            answers = self._client.ask([(server, read) for read in reads])
            for read, answer in zip(reads, answers, strict=True):
                before[line_of(read)] = (*before[line_of(read)], answer)
        if self._names_what_is_written(reads):
            self._logged = {line_of(read): self._answers(read) for read in reads}

    def _names_what_is_written(self, reads: Sequence[RequestSpec]) -> bool:
        """Return whether a read has in its address what a write will send beside its own."""
        writes = [self.writer.filled(write) for write in self._talk.writes]
        texts = [text for text in written.sent_apart(writes) if len(text) >= SHORTEST_VALUE]
        return any(addresses.is_part(text, reads) for text in texts)

    def _read_after(self, reads: Sequence[RequestSpec], kept: Sequence[Read]) -> list[Read]:
        """Read at home, and what the answers to the writes lead to; not what is ``kept``."""
        asked = (*reads, *self.writer.sent)
        named = self._derived()
        origins = {line_of(entry.request): origin for entry, origin in reversed(named)}
        found: dict[str, Read] = {}
        for read in conversation.unique([*reads, *(entry.request for entry, _ in named)]):
            found[line_of(read)] = self._read(read, origins.get(line_of(read)), asked, kept)
        own = [found[line_of(read)] for read in reads] if self._talk.recorded else []
        for guess, origin in guesses(own, self.writer.writes):
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
        asked = (*(entry.request for entry in self._own), *self.writer.sent)
        found: dict[str, Read] = {}

        def ask(page: RequestSpec) -> Seen:
            check = same_in_every_run(conversation.name_of(page))
            entry = self._read(page, Origin(written_by=None, check=check), asked, kept)
            found[line_of(page)] = entry
            return entry.after[0]

        own = [(entry.request, entry.after[0]) for entry in self._own]
        return [found[line_of(page)] for page in self._redirects.follow(own, ask)]

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
            writes=self.writer.sent,
            logged=self._logged.get(line_of(read), ()),
        )

    def _derived(self) -> list[Named]:
        """Return the reads that the writes and the answers to them lead to."""
        writes = self.writer.writes
        return [named for one in writes for named in led_to(one, self._talk, self._filled)]

    def _answers(self, read: RequestSpec) -> tuple[Seen, ...]:
        """Read once, and then from each of home's processes."""
        first = self._client.send(self._home, read)
        if self.at_once == 1 or first.error == judgement.TIME_OVER:
            return (first,)
        return (first, *self._client.ask([(self._home, read)] * self.at_once))

    def _case(self, entry: Read) -> Case:
        values: tuple[str, ...] = ()
        sent, origin = False, entry.origin
        written_by = origin.written_by if origin else None
        for one in self.writer.writes:
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
                home=self._home,
                answers={self._home: entry.after},
                values=values,
                sent=sent,
                names=self.writer.names,
                credential=self._client.credential_of(entry.request),
                written_by=written_by,
                derived=entry.is_of_a_write(),
                may_be_older=not values and entry.may_be_older(),
            ),
        )
