"""Where answers lead: pages with forms are pages; a login, and https, are no answers."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.measurement.user_load.findings import notes_of, problems_of
from tests.loadtests.measurement.user_load.check_trial_facts import (
    GOOD,
    attempt,
    facts,
    request,
    said,
    step,
)


@pytest.mark.parametrize("path", ["/", "/register", "/catalog-index", "/blog_index"])
def test_a_page_with_a_form_for_a_password_is_a_page(path: str) -> None:
    assert said(step("a", attempt(request(path, has_password_field=True)))) == []


@pytest.mark.parametrize(
    "path", ["/login", "/wp-login.php", "/users/sign_in", "/log-in/", "/userlogin", "/auth/realm"]
)
def test_a_path_that_is_a_login_by_its_name_is_one(path: str) -> None:
    hop = {"status": 302, "location": path}
    (line,) = said(step("a", attempt(request("/cart", redirects=[hop], final_path=path))))

    assert line.startswith(f"Every answer is the login page {path}:")


def test_a_form_for_a_password_counts_where_users_were_sent_or_had_logged_in() -> None:
    page = {"has_password_field": True}
    hop = {"status": 302, "location": "/welcome"}
    moved = request("/cart", redirects=[hop], final_path="/welcome", **page)
    posted = step("start", attempt(request("/session", method="POST")), kind="on_start")
    looked = step("start", attempt(request("/")), kind="on_start")

    (sent_there,) = said(step("a", attempt(moved)))
    (not_logged_in,) = said(posted, step("a", attempt(request("/cart", **page))))

    assert sent_there.startswith("Every answer is the login page /welcome:")
    assert not_logged_in.startswith("Every answer is the login page /cart:")
    assert said(looked, step("a", attempt(request("/cart", **page)))) == []
    assert said(posted, step("a", attempt(request("/cart", **page, expected=True)))) == []


def test_a_page_that_offers_a_logout_knows_its_user() -> None:
    """It may have a form that changes the password."""
    page = {"has_password_field": True, "offers_logout": True}
    posted = step("start", attempt(request("/session", method="POST")), kind="on_start")
    hop = {"status": 302, "location": "/welcome"}
    moved = request("/cart", redirects=[hop], final_path="/welcome", **page)

    assert said(posted, step("a", attempt(request("/account/settings", **page)))) == []
    assert said(posted, step("a", attempt(moved))) != []


def moved_to(location: str, path: str = "/", **fields: Any) -> dict[str, Any]:
    return step("a", attempt(request(path, status=302, location=location, **fields)))


@pytest.mark.parametrize("location", ["https://shop.test/item?id=1", "HTTPS://10.0.0.1/home"])
def test_a_single_redirect_to_https_is_a_problem_beside_good_answers(location: str) -> None:
    (line,) = said(GOOD, moved_to(location, "/item", host="10.0.0.1"), list=True)

    assert line == (
        f"GET /item was answered with 302 → {location.partition('?')[0]}. The application wants to"
        " be behind TLS: --header X-Forwarded-Proto=https says that it is. If this answer is right,"
        " say so: expect = 302 in a list, success() in a locustfile."
    )
    assert notes_of(facts(GOOD, moved_to(location, "/item", host="10.0.0.1"), list=True)) == ()


def test_a_redirect_that_is_expected_is_an_answer() -> None:
    secure = moved_to("https://shop.test/", expected=True)

    assert said(secure) == said(GOOD, secure) == []
    assert notes_of(facts(secure, list=True)) == ()


@pytest.mark.parametrize(
    ("location", "advice"),
    [
        ("/home", "name /home instead, or say expect = 302."),
        ("http://10.0.0.1/en/?a=1", "name /en/ instead, or say expect = 302."),
        ("/login?next=/", "log users in by start, or say expect = 302."),
        ("https://elsewhere.test/x", "say expect = 302."),
        ("http://[", "say expect = 302."),
    ],
)
def test_another_redirect_of_a_list_is_a_note_that_says_what_to_do(
    location: str, advice: str
) -> None:
    moved = moved_to(location, host="10.0.0.1")
    (note,) = notes_of(facts(GOOD, moved, list=True))

    assert said(GOOD, moved, list=True) == []
    assert note == (
        f"GET / was answered with 302 → {location.partition('?')[0]}. Redirects of a list are not"
        f" followed: {advice}"
    )
    assert notes_of(facts(GOOD, moved)) == ()  # a locustfile's client follows them


def test_an_application_that_believes_the_header_may_write_https_into_its_addresses() -> None:
    steps = (
        GOOD,
        moved_to("https://10.0.0.1/home", host="10.0.0.1"),
        moved_to("https://shop.test/cart", "/cart", method="POST"),
    )

    assert not problems_of(facts(*steps), {"X-Forwarded-Proto"})
    assert len(problems_of(facts(*steps))) == 2


def test_a_header_that_is_not_believed_is_not_advised_again() -> None:
    steps = moved_to("https://shop.test/"), moved_to("https://shop.test/", headers={"A": "b"})
    in_file = moved_to("https://shop.test/", headers={"X-Forwarded-Proto": "https"})
    lines = [
        *map(str, problems_of(facts(*steps), {"x-forwarded-proto"})),
        *map(str, problems_of(facts(GOOD, *steps), {"X-Forwarded-Proto"})),
        *said(in_file),
    ]

    assert len(lines) == 3
    for line in lines:
        assert "the application does not believe it: --env 'FORWARDED_ALLOW_IPS=*'" in line
        assert "--header X-Forwarded-Proto=https" not in line


def test_a_list_whose_pages_only_redirect_has_nothing_to_measure() -> None:
    home, docs = moved_to("/en/"), moved_to("/docs/", "/docs")
    (line,) = said(home, docs, list=True)

    assert line == (
        "Every answer is a redirect, so no page would be measured. GET / was answered with 302 →"
        " /en/. Redirects of a list are not followed: name /en/ instead, or say expect = 302."
    )
    assert notes_of(facts(home, docs, list=True)) == ()
    assert said(home, moved_to("/cart", "/cart", method="POST"), list=True) == []
    assert said(home, moved_to("/docs/", "/docs", expected=True), list=True) == []
    assert said(home) == []  # a locustfile's client follows them


def test_pages_that_all_ask_for_a_password_may_be_a_login() -> None:
    form, open_page = (request("/cart", has_password_field=shown) for shown in (True, False))
    known = request("/cart", has_password_field=True, offers_logout=True)
    (note,) = notes_of(facts(step("a", attempt(form)), step("b", attempt(form)), list=True))

    assert note.startswith("Every page has a field for a password, such as that of /cart.")
    for page in (open_page, known, {**form, "path": "/login"}, {**form, "expected": True}):
        steps = (step("a", attempt(page)), *([step("b", attempt(form))] * (page is open_page)))
        assert notes_of(facts(*steps, list=True)) == ()
