"""A redirect is followed within an origin; what is no URL is known as such, and never raises."""

from __future__ import annotations

import pytest

from loadtests.generator.http.redirects import MalformedLocation, destination, is_same_origin

HERE = "http://127.0.0.1:8080/a/b?c=d"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "http://127.0.0.1:8080/x"),
        ("x?y", "http://127.0.0.1:8080/a/x?y"),
        ("//other/x", "http://other/x"),
        ("https://other/x", "https://other/x"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("mailto:ada@shop.test", "mailto:ada@shop.test"),
    ],
)
def test_a_location_is_read_as_browsers_do(location: str, url: str) -> None:
    assert destination(HERE, location) == url


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1/x",
        "http://h:99999/",
        "http://h:port/",
        "//[x]/",
        "http://a\u2100b/",
        "https://",
    ],
)
def test_what_is_no_url_is_malformed(location: str) -> None:
    with pytest.raises(MalformedLocation, match="Location"):
        destination(HERE, location)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://127.0.0.1/x", False),
        ("https://127.0.0.1:8080/x", False),
        ("http://127.0.0.1:8080@other/x", False),
        ("http://user:pass@127.0.0.1:8080/x", True),
    ],
)
def test_an_origin_is_scheme_host_and_port(other: str, same: bool) -> None:
    assert is_same_origin(HERE, other) is same


def test_a_port_that_is_not_named_is_that_of_the_scheme() -> None:
    assert is_same_origin("http://shop.test/", "http://SHOP.test:80/x")
    assert not is_same_origin("http://shop.test/", "https://shop.test:80/")
