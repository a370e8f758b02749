"""Where a read leads to."""

from __future__ import annotations

import pytest

from loadtests.measurement.consistency.redirects import page_behind
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/notes/", "/notes/"),
        ("/notes/?page=2#last", "/notes/?page=2"),
        ("all", "/shop/all"),
        ("?page=2", "/shop/notes?page=2"),
        ("/home?token=abc", "/home?token=abc"),
    ],
)
def test_a_read_leads_to_the_page_that_it_redirects_to(location: str, path: str) -> None:
    read = RequestSpec(path="/shop/notes", query={"page": "1"}, headers={"Accept": "text/html"})

    page = page_behind(read, Seen(replica="gthread-1", status=302, location=location))

    assert page is not None
    assert (page.path, page.query, page.headers) == (path, {}, read.headers)
    assert page.name is not None
    assert "abc" not in page.name


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.example/notes",
        "//elsewhere.example/notes",
        "/\\elsewhere.example/notes",
        "//[object Object]/",
        "http://[object Object]/",
        "mailto:ada@example.org",
        "/logout",
        "/notes/delete",
    ],
)
def test_a_read_leads_to_no_other_host_and_to_nothing_that_spoils(location: str) -> None:
    answer = Seen(replica="gthread-1", status=302, location=location)

    assert page_behind(RequestSpec(path="/notes"), answer) is None


def test_what_is_no_get_leads_nowhere() -> None:
    answer = Seen(replica="gthread-1", status=302, location="/notes/")

    assert page_behind(RequestSpec(method="POST", path="/graphql"), answer) is None
