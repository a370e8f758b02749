"""Cookies by the rules that browsers follow, as a mapping that locustfiles know."""

from __future__ import annotations

from http.cookiejar import Cookie as OtherCookie
from typing import Any

import pytest

from loadtests.generator.session import jar as jars
from loadtests.generator.session.jar import Jar

FAR = "Expires=Wed, 01 Jan 2200 00:00:00 GMT"
PAST = "Expires=Wed, 01 Jan 2020 00:00:00 GMT"


def kept(*lines: str, path: str = "/", **options: Any) -> Jar:
    jar = Jar("shop.test", **options)
    for line in lines:
        jar.keep(line, path)
    return jar


def sent(jar: Jar, path: str = "/") -> str:
    return jar.line(path).decode("latin-1").removeprefix("Cookie: ").removesuffix("\r\n")


def test_a_cookie_is_sent_back_until_another_takes_its_place() -> None:
    jar = kept("a=1; Path=/", "b=2; Path=/")
    assert sent(jar) == "a=1; b=2"

    jar.keep("a=3; Path=/; HttpOnly; SameSite=Lax", "/")
    assert sent(jar) == "a=3; b=2"


@pytest.mark.parametrize("line", ["", "novalue", "=x", ";", "; Path=/"])
def test_what_is_no_cookie_is_not_kept(line: str) -> None:
    jar = Jar("shop.test")

    assert jar.keep(line, "/") is None
    assert sent(jar) == ""


@pytest.mark.parametrize(
    ("attribute", "from_path", "asked", "is_sent"),
    [
        ("Path=/cart", "/", "/cart", True),
        ("Path=/cart", "/", "/cart/1", True),
        ("Path=/cart", "/", "/cartoon", False),
        ("Path=/cart/", "/", "/cart", False),
        ("Path=/cart", "/", "/", False),
        ("", "/shop/cart", "/shop/other", True),
        ("", "/shop/cart", "/", False),
        ("Path=cart", "/shop/cart", "/shop/x", True),
        ("", "/", "/any", True),
    ],
)
def test_a_cookie_goes_to_its_path_only(
    attribute: str, from_path: str, asked: str, is_sent: bool
) -> None:
    jar = kept(f"a=1; {attribute}", path=from_path)

    assert sent(jar, asked) == ("a=1" if is_sent else "")


def test_the_longest_path_comes_first() -> None:
    jar = kept("a=1; Path=/", "a=2; Path=/cart")

    assert sent(jar, "/cart") == "a=2; a=1"
    assert sent(jar, "/") == "a=1"


@pytest.mark.parametrize("end", ["Max-Age=0", "Max-Age=-5", PAST, f"{FAR}; Max-Age=0"])
def test_an_end_that_is_past_deletes_a_cookie(end: str) -> None:
    jar = kept("a=1; Path=/", "b=2; Path=/")

    jar.keep(f"a=; Path=/; {end}", "/")

    assert sent(jar) == "b=2"


@pytest.mark.parametrize("end", ["Max-Age=60", FAR, f"{PAST}; Max-Age=60", "Max-Age=soon", ""])
def test_an_end_to_come_or_none_keeps_it(end: str) -> None:
    assert sent(kept(f"a=1; Path=/; {end}")) == "a=1"


def test_a_cookie_is_gone_once_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1_000.0]
    monkeypatch.setattr(jars, "now_s", lambda: moment[0])
    jar = kept("a=1; Path=/; Max-Age=10", "b=2; Path=/")
    assert sent(jar) == "a=1; b=2"

    moment[0] = 1_011.0
    assert sent(jar) == "b=2"


def test_a_secure_cookie_is_kept_back_with_the_reason_unless_it_is_wanted() -> None:
    jar = kept("a=1; Path=/; Secure")
    assert (sent(jar), jar.kept_back) == ("", {"a": "secure"})

    jar = kept("a=1; Path=/; Secure", secure_too=True)
    assert (sent(jar), jar.kept_back) == ("a=1", {})


@pytest.mark.parametrize(
    ("domain", "is_sent"),
    [("shop.test", True), (".shop.test", True), ("SHOP.test", True), ("test", True), ("", True)],
)
def test_a_domain_that_is_the_hosts_is_fine(domain: str, is_sent: bool) -> None:
    assert sent(kept(f"a=1; Path=/; Domain={domain}")) == ("a=1" if is_sent else "")


@pytest.mark.parametrize("domain", ["other.test", "a.shop.test", "op.test"])
def test_another_domain_is_kept_back_with_the_reason(domain: str) -> None:
    jar = kept(f"a=1; Path=/; Domain={domain}")

    assert (sent(jar), jar.kept_back) == ("", {"a": f"domain {domain}"})


def test_it_is_a_mapping_of_values_by_name() -> None:
    jar = kept("a=1; Path=/", "b=2; Path=/x")

    assert (jar["a"], jar.get("b"), jar.get("c"), jar.get("c", "no")) == ("1", "2", None, "no")
    assert ("a" in jar, "c" in jar, len(jar)) == (True, False, 2)
    assert (jar.keys(), jar.values(), jar.get_dict()) == (["a", "b"], ["1", "2"], dict(jar.items()))
    assert [cookie.name for cookie in jar] == ["a", "b"]
    with pytest.raises(KeyError):
        jar["c"]
    with pytest.raises(KeyError):
        del jar["c"]


def test_a_locustfile_sets_and_deletes_cookies_of_its_own() -> None:
    jar = Jar("shop.test")
    jar["a"] = "1"
    jar.set("b", "2", path="/cart", domain="ignored")
    jar.update({"c": "3"}, d="4")
    jar.update([("e", "5")])
    assert sent(jar, "/cart") == "b=2; a=1; c=3; d=4; e=5"

    jar.set("a", None)
    jar.set("a", None)
    del jar["c"]
    jar.clear(name="d")
    assert sent(jar, "/cart") == "b=2; e=5"

    jar.clear()
    assert (sent(jar, "/cart"), len(jar)) == ("", 0)


def test_it_takes_the_cookies_of_another_jar() -> None:
    other, jar = kept("a=1; Path=/"), Jar("shop.test")
    jar.update(other)
    jar.set_cookie(
        OtherCookie(
            *(0, "b", "2", None, False, "", False, False, "/cart", True),
            *(False, None, True, None, None, {}),
        )
    )

    assert sent(jar, "/cart") == "b=2; a=1"
    assert sent(jar, "/") == "a=1"


@pytest.mark.parametrize(
    "attribute",
    [f"Max-Age={'9' * 400}", f"Max-Age={'9' * 5000}", "Expires=Mon, 01 Jan 99999 00:00:00 GMT"],
)
def test_an_age_beyond_all_numbers_raises_nothing(attribute: str) -> None:
    assert sent(kept(f"a=1; {attribute}")) == "a=1"


def test_an_application_cannot_fill_a_user_with_cookies() -> None:
    jar = kept(*(f"c{number}=1" for number in range(jars.COOKIES_MAX + 5)))

    assert len(jar) == jars.COOKIES_MAX
    assert "c4" not in jar  # the oldest ones went
    assert f"c{jars.COOKIES_MAX + 4}" in jar
