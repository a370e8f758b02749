from __future__ import annotations

import pytest

from loadtests.generator.http.request import (
    MalformedLocation,
    Request,
    absolute,
    destination,
    is_same_origin,
    prepare,
)


def lines(request: Request) -> list[str]:
    return request.wire.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")


def body(request: Request) -> bytes:
    return request.wire.partition(b"\r\n\r\n")[2]


def test_a_plain_request_is_one_line_and_few_fields() -> None:
    request = prepare("GET", "http://host:8000/a?b=c")

    assert request.wire == (
        b"GET /a?b=c HTTP/1.1\r\nHost: host:8000\r\nUser-Agent: twofold\r\nAccept: */*\r\n\r\n"
    )
    assert request.name == "http://host:8000/a?b=c"


def test_parameters_are_added_to_the_query() -> None:
    request = prepare("GET", "http://host/a?b=c", params={"d": "e f", "g": [1, 2]})

    assert lines(request)[0] == "GET /a?b=c&d=e+f&g=1&g=2 HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://host", "/"),
        ("http://host?x=1", "/?x=1"),
        ("http://host/ä b", "/%C3%A4%20b"),
        ("http://host/%C3%A4", "/%C3%A4"),
        ("http://host/a#fragment", "/a"),
        ("http://host/a\r\nX-Injected: 1", "/aX-Injected:%201"),
    ],
)
def test_a_target_is_safe_to_be_sent(url: str, target: str) -> None:
    assert lines(prepare("GET", url))[0] == f"GET {target} HTTP/1.1"


def test_json_is_sent_with_its_kind_and_length() -> None:
    request = prepare("POST", "http://host/", json={"a": "ä"})

    assert body(request) == b'{"a": "\\u00e4"}'
    assert "Content-Type: application/json" in lines(request)
    assert "Content-Length: 15" in lines(request)


def test_a_mapping_is_sent_as_a_form() -> None:
    request = prepare("POST", "http://host/", data={"a": "b c"})

    assert body(request) == b"a=b+c"
    assert "Content-Type: application/x-www-form-urlencoded" in lines(request)


@pytest.mark.parametrize("data", ["abc", b"abc", bytearray(b"abc")])
def test_text_and_bytes_are_sent_as_they_are(data: object) -> None:
    request = prepare("PUT", "http://host/", data=data, json={"not": "this"})

    assert body(request) == b"abc"
    assert not any(line.startswith("Content-Type") for line in lines(request))


def test_a_post_without_a_body_says_that_it_has_none() -> None:
    assert "Content-Length: 0" in lines(prepare("POST", "http://host/"))


def test_given_headers_replace_ours_in_any_case_of_letters() -> None:
    request = prepare("GET", "http://host/", headers={"user-agent": "mine", "HOST": "other"})

    assert lines(request)[1:] == ["Accept: */*", "user-agent: mine", "HOST: other"]


def test_credentials_are_sent_as_basic_authorization() -> None:
    request = prepare("GET", "http://host/", auth=("Aladdin", "open sesame"))

    assert "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" in lines(request)


def test_credentials_in_a_url_are_not_sent_as_its_host() -> None:
    assert "Host: host:1" in lines(prepare("GET", "http://user:secret@host:1/"))


def test_a_path_is_taken_below_the_base_and_a_url_as_it_is() -> None:
    assert absolute("/a", "http://host/base/") == "http://host/base/a"
    assert absolute("https://other/a", "http://host") == "https://other/a"


# -- where a redirect leads ---------------------------------------------------------------------

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
