from __future__ import annotations

from loadtests.generator.http.cookies import Cookies


def test_what_a_host_sets_is_sent_back_to_it_alone() -> None:
    cookies = Cookies()
    cookies.keep("http://host:1/a", ["session=abc; Path=/; HttpOnly", "b=2"])

    assert cookies.header("http://host:2/other") == "session=abc; b=2"
    assert cookies.header("http://elsewhere/") == ""


def test_a_cookie_is_replaced_and_deleted() -> None:
    cookies = Cookies()
    cookies.keep("http://host/", ["a=1", "b=1", "c=1"])
    cookies.keep(
        "http://host/", ["a=2", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "c=1; Max-Age=0"]
    )

    assert cookies.header("http://host/") == "a=2"


def test_a_line_that_is_no_cookie_is_left_out() -> None:
    cookies = Cookies()
    cookies.keep("http://host/", ["(bad)=1", "", "a=1"])

    assert cookies.header("http://host/") == "a=1"


def test_a_cookie_with_an_attribute_that_is_new_is_kept() -> None:
    """Partitioned (CHIPS): the standard library refuses the line before Python 3.14."""
    cookies = Cookies()
    cookies.keep("http://host/", ["sid=abc; Secure; HttpOnly; SameSite=None; Partitioned; Path=/"])

    assert cookies.header("http://host/") == "sid=abc"


def test_an_age_below_zero_deletes_and_any_other_does_not() -> None:
    cookies = Cookies()
    cookies.keep("http://host/", ["a=1", "b=1", 'c="x y"', "d=1; max-age=0600"])
    cookies.keep("http://host/", ["a=1; MAX-AGE = -1; Path=/", 'c=""'])

    assert cookies.header("http://host/") == "b=1; d=1"
