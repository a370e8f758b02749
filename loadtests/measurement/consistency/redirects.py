"""What the redirects of a read lead to, as a browser or a locustfile's client follows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadtests.analysis.consistency.conversation import line_of, page_behind
from loadtests.analysis.consistency.reading import Standing, standing
from loadtests.measurement.consistency.client import Client
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

MOST_HOPS = 3
"""Redirects that are followed one after another, such as ``/``, ``/notes`` and ``/notes/``."""


def pages_behind(
    client: Client, server: str, answered: Sequence[tuple[RequestSpec, Seen]]
) -> list[tuple[RequestSpec, Seen]]:
    """Return the pages that a server's redirects of reads lead to, each with its first answer.

    ``answered`` are the reads with their first answers; a page that is one of them is left out. A
    redirect that changes from answer to answer is not followed: it leads to a page by chance, or
    has a token that is good for one use. Nor is one to another host, nor to what is refused.
    """
    pages: dict[str, tuple[RequestSpec, Seen]] = {}
    for read, first in answered:
        for page, answer in _followed(client, server, read, first):
            pages.setdefault(line_of(page), (page, answer))
    lines = {line_of(read) for read, _ in answered}
    return [entry for line, entry in pages.items() if line not in lines]


def _followed(
    client: Client, server: str, read: RequestSpec, answer: Seen
) -> Iterator[tuple[RequestSpec, Seen]]:
    for _ in range(MOST_HOPS):
        page = page_behind(read, answer) if standing(answer) is Standing.REDIRECTED else None
        if page is None or client.send(server, read).location != answer.location:
            return
        read, answer = page, client.send(server, page)
        if standing(answer) not in {Standing.ACCEPTED, Standing.REDIRECTED}:
            return
        yield read, answer
