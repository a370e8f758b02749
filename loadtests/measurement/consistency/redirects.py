"""What the redirects of a read lead to, as a browser or a locustfile's client follows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urljoin

from loadtests.analysis.consistency.conversation import ORIGIN, SPOILS, line_of
from loadtests.analysis.consistency.reading import Standing, standing
from loadtests.measurement.consistency.client import Client
from loadtests.model.consistency import Seen
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import RequestSpec

OWN_PATH = re.compile(r"/(?![/\\])")
"""How a path of the target begins; with two slashes it is another host's."""

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


def page_behind(read: RequestSpec, answer: Seen) -> RequestSpec | None:
    """Return the page of the target that a read redirects to; None where there is none to ask.

    The ``answer`` is a redirect. Its location is that of another host where the client, who knows
    the target's own addresses, has left one.
    """
    if read.method.upper() != "GET" or ORIGIN.match(answer.location or ""):
        return None
    try:
        path = urljoin(read.path, answer.location or "").partition("#")[0]
    except ValueError:  # the text is anybody's: //[object Object]/
        return None
    if not OWN_PATH.match(path) or SPOILS.search(path):
        return None
    return replace(read, path=path, query={}, name=f"GET {path_without_secrets(path)}")
