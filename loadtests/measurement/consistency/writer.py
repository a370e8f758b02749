"""What a client writes at its home: the load's own writes, and some of them once more.

A write whose text was there before tells nothing: the check trial, the load or another check sent
the same. It is sent once more with a word of its own (``rewording``), and so is one of which only
the answer can be recognised: what changes from one answer to the next was made for this write.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from loadtests.analysis.consistency import bearer, conversation, written
from loadtests.analysis.consistency.conversation import Conversation, line_of
from loadtests.analysis.consistency.paths import derived
from loadtests.analysis.consistency.rewording import logs_in, rewordings
from loadtests.analysis.shared.logins import is_login_path
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.exchanges import Written, is_accepted, is_refused
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

MOST_REWORDED = 3
"""Texts of a write that are changed, one after another, until the application takes it."""


@dataclass(kw_only=True)
class Writer:
    """A client that writes at ``home``; ``writes`` are then its writes, in their order.

    ``rng`` draws for placeholders that only writes have, and ``words`` draws new words: never the
    same in two checks.
    """

    client: Client
    talk: Conversation
    home: str
    rng: random.Random
    words: random.Random
    writes: list[Written] = field(default_factory=list)
    names: tuple[str, ...] = ()
    logins: list[RequestSpec] = field(default_factory=list)
    """The start, and the logins among the writes, as they were sent."""
    _drawn: conversation.Drawn = field(default_factory=dict)
    """What was drawn for placeholders: the reads ask for what the writes write."""
    _again: set[int] = field(default_factory=set)
    """Indexes of the writes that were sent once more, or could not be."""

    @property
    def sent(self) -> list[RequestSpec]:
        """The writes as they were sent, at first and in the end."""
        return [request for one in self.writes for request in (one.first, one.request)]

    def filled(self, request: RequestSpec, rng: random.Random | None = None) -> RequestSpec:
        """Return a request with a value for each placeholder; ``rng`` draws those that are new."""
        return conversation.filled(request, self.talk.values, rng or self.rng, self._drawn)

    def filled_anew(self, request: RequestSpec) -> RequestSpec:
        """Return a request with new values, except for the rows of lists that the client keeps."""
        rows = conversation.kept_rows(self.talk, self._drawn)
        return conversation.filled(request, self.talk.values, self.rng, rows)

    def log_in(self, start: RequestSpec) -> None:
        """Send a request of the load's start."""
        request = self.filled(start)
        self._send(request, is_start=True)
        self.logins.append(request)
        self.names = (*self.names, *written.names_of(request))

    def write(self, write: RequestSpec) -> None:
        """Send a write; where it is recorded and refused, one of what earlier answers named."""
        request = self.filled(write)
        if is_login_path(request.path):
            self.names = (*self.names, *written.names_of(request))
        answer = self._send(request)
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

    def write_again(self, index: int) -> bool:
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

    def _drawn_again(self, one: Written) -> tuple[RequestSpec, ...]:
        """Return a write with other values: at the same address, which was read, or at another."""
        template, first = one.template, one.first
        same = replace(template, path=first.path, query=first.query)
        templates = [same] if line_of(same) == line_of(template) else [same, template]
        return tuple(self.filled_anew(each) for each in templates)

    def _tried(self, request: RequestSpec) -> Seen:
        """Send a request; where it is refused, the client's cookies stay what they were."""
        cookies = self.client.cookies
        answer = self._send(request)
        if not is_accepted(answer):
            self.client.cookies = cookies
        return answer

    def _send(self, request: RequestSpec, *, is_start: bool = False) -> Seen:
        """Send a request; a login of a locustfile gives the token that later requests have.

        A registration does so where there is no other: it may be of another user.
        """
        is_other = self.client.has_token and not bearer.logs_in(request)
        keeps_token = self.talk.recorded and (is_start or (logs_in(request) and not is_other))
        return (self.client.log_in if keeps_token else self.client.send)(self.home, request)
