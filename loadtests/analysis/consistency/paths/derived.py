"""The reads that writes and their answers lead to: of the things that they name. PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from loadtests.analysis.consistency.bodies.json_text import key_of, leaves
from loadtests.analysis.consistency.conversation import (
    ID_NUMBER,
    NO_HEADERS,
    PLACEHOLDER,
    SPOILS,
    UUID,
    Conversation,
    line_of,
    name_of,
    page_of,
    unique,
    with_headers,
)
from loadtests.analysis.consistency.rewording import logs_in, put, with_content
from loadtests.analysis.consistency.written import ID_KEY, content_of
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

VARYING = re.compile(rf"{UUID.pattern}|\{{-?\d+\.\.-?\d+\}}|(?<!/v)(?<![0-9.])\d+", re.IGNORECASE)
"""What one thing's path has in another's place; the version of an interface (/v1) is no thing."""

LAST_ID = re.compile(r"(?P<folder>/[^?]*?)/(?P<id>[^/?]+)(?P<rest>/?(?:\?.*)?)")
"""A path whose last segment may name one thing of a folder."""

SEGMENT = re.compile(r"(?<=[/=])[^/?&=#]+")
"""A piece of a path, or a value of its query."""

ID_SIGNS = re.compile(r"[\w-]+", re.ASCII)

RANDOM_ID = re.compile(r"(?=.*[0-9].*[A-Za-z]|.*[A-Za-z].*[0-9]|.*[a-z][A-Z])[\w-]{5,64}", re.ASCII)
"""An id that was drawn: letters and digits, or small letters before large ones."""

COMES_AGAIN = re.compile(r"[A-Za-z_-]*[0-9]{0,11}")
"""An id that another thing may have had before: a number that counts, also behind a word."""

MOST_IDS = 4
"""Ids of an answer that are put into a recorded path; an answer may list those of other things."""


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A read that the answer to a write leads to; ``of`` names the load's own request, if any.

    It is a guess where only the looks of an id say that it is of what was written. ``may_be_older``
    says that a page of that id may have been there before: small numbers and words come again.
    """

    request: RequestSpec
    of: str | None = None
    is_guess: bool = False
    may_be_older: bool = False


def reads_of_answer(
    reads: Sequence[RequestSpec],
    answer: Seen,
    ids: Sequence[str],
    headers: Mapping[str, str] = NO_HEADERS,
    write: tuple[RequestSpec, RequestSpec] | None = None,
) -> tuple[Derived, ...]:
    """Return further reads that a write and the answer to it lead to.

    These are the page that it redirects to or names, and the reads of the load whose only
    placeholder in the path is a range that one of the answer's ``ids`` lies in. ``headers`` are
    those of the load. The ``write`` is the load's own, and as it was sent. Where it and a read were
    recorded, neither has a placeholder: the read then has one of the ids, or the path of the write.
    """
    found: list[Derived] = []
    location = page_of(answer)
    if location.startswith("/") and not SPOILS.search(location):
        page = RequestSpec(path=location, name=f"GET {location}")
        found.append(Derived(request=with_headers(page, headers)))
    for read in reads:
        places = list(PLACEHOLDER.finditer(read.path))
        if len(places) != 1 or places[0]["low"] is None:
            continue
        low, high = int(places[0]["low"]), int(places[0]["high"])
        is_of_write = write is not None and _is_below(read.path, write[1].path)
        found += [
            replace(
                _derived(read, read.path.replace(places[0][0], one)),
                may_be_older=not is_of_write and bool(COMES_AGAIN.fullmatch(one)),
            )
            for one in ids
            if ID_NUMBER.fullmatch(one) and low <= int(one) <= high
        ]
    if write is not None:
        own, sent = write
        found += [*reads_of_path(reads, own, sent.path), *_reads_of_ids(reads, sent, ids)]
    return tuple(found)


def reads_of_path(
    reads: Sequence[RequestSpec], write: RequestSpec, path: str
) -> tuple[Derived, ...]:
    """Return the reads of what a write names, where the load reads another of its kind.

    ``PUT /profile/17`` and ``GET /profile/230`` lead to ``GET /profile/17``. So they do where the
    write is ``PUT /profile/{1..20}`` and was sent to this ``path``.
    """
    if any(read.path == write.path for read in reads):
        return ()
    return tuple(_derived(read, path) for read in reads if _shape(read.path) == _shape(write.path))


def reads_of_paths(
    talk: Conversation, fill: Callable[[RequestSpec], RequestSpec]
) -> tuple[RequestSpec, ...]:
    """Return the reads of what writes name, which are not in the load themselves.

    ``fill`` gives a request a value for each of its placeholders: the same as when it is sent.
    """
    derived = [
        entry
        for write in talk.writes
        for entry in reads_of_path(talk.reads, write, fill(RequestSpec(path=write.path)).path)
    ]
    return unique([fill(entry.request) for entry in derived])


def _reads_of_ids(
    reads: Sequence[RequestSpec], write: RequestSpec, ids: Sequence[str]
) -> Iterator[Derived]:
    """Give the recorded reads of one thing below the path of a write, with the ids of its answer.

    ``POST /notes`` and ``GET /notes/1`` lead to ``GET /notes/2``.
    """
    folder = write.path.partition("?")[0].rstrip("/")
    for read in reads:
        match = LAST_ID.fullmatch(read.path)
        if match is None or match["folder"] != folder:
            continue
        for kind in (ID_NUMBER, UUID):
            if kind.fullmatch(match["id"]):
                alike = [text for text in ids if kind.fullmatch(text)]
                for one in alike[:MOST_IDS]:
                    yield _derived(read, f"{match['folder']}/{one}{match['rest']}")


def guessed_reads(reads: Sequence[RequestSpec], ids: Sequence[str]) -> tuple[Derived, ...]:
    """Return recorded reads with one of the ``ids`` of an answer in the place of their own.

    ``POST /process`` and ``GET /status?task=…`` have no folder in common, so an id says by its
    looks alone where it may stand: a number for a number, and so on. It is worth a try where home
    does not know what the ``reads`` themselves name.
    """
    found = (
        replace(
            _derived(read, f"{read.path[: at.start()]}{one}{read.path[at.end() :]}"),
            is_guess=True,
            may_be_older=bool(COMES_AGAIN.fullmatch(one)),
        )
        for read in reads
        for at in SEGMENT.finditer(read.path)
        for one in _alike(at[0], ids)[:MOST_IDS]
    )
    guesses = {entry.request.path: entry for entry in found}
    return tuple(entry for path, entry in guesses.items() if not SPOILS.search(path))


def guessed_writes(write: RequestSpec, ids: Sequence[str]) -> tuple[RequestSpec, ...]:
    """Return a recorded write with one of the ``ids`` of earlier answers in the place of its own.

    It may stand in the path or in what the write sends. ``POST /games/41/moves`` is of a game that
    ``POST /games`` made.
    """
    if logs_in(write):  # another name would be refused, or lock somebody out
        return ()
    content = content_of(write)
    found = [replace(write, path=entry.request.path) for entry in guessed_reads([write], ids)]
    for place, value in leaves(content):
        is_number = ID_NUMBER.fullmatch(str(value)) is not None
        if is_number and not ID_KEY.search(key_of(place)):
            continue  # an amount, or a year
        alike = _alike(str(value), ids)[:MOST_IDS]
        kind = int if isinstance(value, int) else str
        found += [with_content(write, put(content, place, kind(one))) for one in alike]
    return tuple(found)


def _alike(own: str, ids: Sequence[str]) -> list[str]:
    """Return the ids that look like another."""
    for kind in (ID_NUMBER, UUID):
        if kind.fullmatch(own):
            return [one for one in ids if kind.fullmatch(one)]
    if not RANDOM_ID.fullmatch(own):
        return []
    return [one for one in ids if len(one) == len(own) and ID_SIGNS.fullmatch(one)]


def idle_reads(
    reads: Sequence[RequestSpec], named: Sequence[Derived], there: Collection[str]
) -> set[str]:
    """Return the lines of reads that need not be told, because what they name is not there.

    These are guesses, and reads of the load instead of which one of the ``named`` is asked.
    ``there`` are the lines of reads that were accepted.
    """
    sure = {line_of(entry.request) for entry in named if not entry.is_guess}
    guesses = {line_of(entry.request) for entry in named} - sure
    instead = {entry.of for entry in named if line_of(entry.request) in {*sure, *there}}
    return {
        line
        for read in reads
        if (line := line_of(read)) not in there and (line in guesses or read.name in instead)
    }


def _derived(read: RequestSpec, path: str) -> Derived:
    request = replace(read, path=path, name=f"{read.method.upper()} {path}")
    return Derived(request=request, of=name_of(read))


def _is_below(path: str, write: str) -> bool:
    """Return whether a path lies below that of a write, as the things do that it makes."""
    return path.startswith(f"{write.partition('?')[0].rstrip('/')}/")


def _shape(path: str) -> str:
    """Return a path with the same text for each number and UUID."""
    return VARYING.sub("<id>", path)
