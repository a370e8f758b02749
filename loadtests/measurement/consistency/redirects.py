"""What the redirects of a read lead to, as a browser or a locustfile's client follows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

from loadtests.analysis.consistency.conversation import ORIGIN, SPOILS, line_of
from loadtests.analysis.consistency.judgement import TIME_OVER
from loadtests.analysis.consistency.reading import Standing, standing
from loadtests.model.consistency import Seen
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import RequestSpec

OWN_PATH = re.compile(r"/(?![/\\])")
"""How a path of the target begins; with two slashes it is another host's."""

MOST_HOPS = 3
"""Redirects that are followed one after another, such as ``/``, ``/notes`` and ``/notes/``."""

MOST_PAGES = 4
"""Pages behind redirects that are asked: the load's own requests need the time."""

LEFT_OUT = ("What further reads redirect to", f"only {MOST_PAGES} such pages are")

Send = Callable[[RequestSpec], Seen]


@dataclass(kw_only=True)
class Redirects:
    """The redirects of one server's reads, which ``send`` asks once more.

    A redirect that changes from answer to answer is not followed: it leads to a page by chance, or
    has a token that is good for one use. Nor is one to another host, nor to what is refused.
    ``are_too_many`` is true once a page was left out. What is known is not sent again.
    """

    send: Send
    are_too_many: bool = False
    _steady: set[tuple[str, str]] = field(default_factory=set)
    _pages: set[str] = field(default_factory=set)

    def follow(self, answered: Sequence[tuple[RequestSpec, Seen]], ask: Send) -> list[RequestSpec]:
        """Return the pages that reads lead to; ``ask`` asks each once, and gives its first answer.

        ``answered`` are the reads with their first answers; a page that is one of them is left out.
        """
        lines = {line_of(read) for read, _ in answered}
        found: list[RequestSpec] = []
        for each, first in answered:
            read, answer = each, first
            for _ in range(MOST_HOPS):
                page = page_behind(read, answer)
                if page is None or line_of(page) in lines or not self._leads_to(page, read, answer):
                    break
                lines.add(line_of(page))
                read, answer = page, ask(page)
                is_open = standing(answer) in {Standing.ACCEPTED, Standing.REDIRECTED}
                if not is_open and answer.error != TIME_OVER:
                    break
                found.append(page)
        return found

    def _leads_to(self, page: RequestSpec, read: RequestSpec, answer: Seen) -> bool:
        """Return whether a read leads to a page every time, and the page may be asked, too."""
        line, redirect = line_of(page), (line_of(read), answer.location or "")
        if line not in self._pages and len(self._pages) >= MOST_PAGES:
            self.are_too_many = True
            return False
        if redirect not in self._steady:
            if self.send(read).location != answer.location:
                return False
            self._steady.add(redirect)
        self._pages.add(line)
        return True


def page_behind(read: RequestSpec, answer: Seen) -> RequestSpec | None:
    """Return the page of the target that a read redirects to; None where there is none to ask.

    The location of the ``answer`` is that of another host where the client, who knows the target's
    own addresses, has left one.
    """
    if read.method.upper() != "GET" or standing(answer) is not Standing.REDIRECTED:
        return None
    if ORIGIN.match(answer.location or ""):
        return None
    try:
        path = urljoin(read.path, answer.location or "").partition("#")[0]
    except ValueError:  # the text is anybody's: //[object Object]/
        return None
    if not OWN_PATH.match(path) or SPOILS.search(path):
        return None
    return replace(read, path=path, query={}, name=f"GET {path_without_secrets(path)}")
