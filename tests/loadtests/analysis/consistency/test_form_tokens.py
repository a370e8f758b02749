"""Tokens against forged requests: where pages have them, and which requests send them back."""

from __future__ import annotations

import time

import pytest

from loadtests.analysis.consistency import form_tokens
from loadtests.model.tested.workload import RequestSpec

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("page", "tokens"),
    [
        (
            '<input id="csrf_token" name="csrf_token" type="hidden" value="a.b">',
            {"csrftoken": "a.b"},
        ),
        ("<INPUT value='a&amp;b' NAME=csrfmiddlewaretoken>", {"csrfmiddlewaretoken": "a&b"}),
        ('<input name="authenticity_token" value="a=">', {"authenticitytoken": "a="}),
        ('<meta name="csrf-token" content="a">', {"csrftoken": "a"}),
        ('{"data": {"csrfToken": "a"}}', {"csrftoken": "a"}),
        ('<input name="_token" value="a">', {"token": "a"}),
        ('<body hx-headers=\'{"X-CSRFToken": "a"}\'>', {"csrftoken": "a"}),
        ('<body hx-headers="{&quot;X-CSRFToken&quot;: &quot;a&quot;}">', {"csrftoken": "a"}),
        ('<meta name="csrf-param" content="authenticity_token">', {}),
        ('<input name="csrf_token">', {}),
        ('<input name="user" value="csrf">', {}),
        ("csrf_token = a", {}),
    ],
)
def test_a_page_gives_the_tokens_of_its_hidden_fields_its_meta_tags_and_its_json(
    page: str, tokens: dict[str, str]
) -> None:
    assert form_tokens.in_page(page) == tokens


def test_a_cookie_may_have_a_token_too() -> None:
    assert form_tokens.in_cookies("sid=1; XSRF-TOKEN=a%3D; csrftoken=b") == {
        "xsrftoken": "a=",
        "csrftoken": "b",
    }


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (RequestSpec(form={"csrf_token": "old", "text": "x"}), {"csrf_token": "new", "text": "x"}),
        (RequestSpec(json={"csrfToken": "old"}), {"csrfToken": "new"}),
        (
            RequestSpec(body="csrf_token=old&text=x+y", headers=FORM),
            "csrf_token=new&text=x+y",
        ),
        (
            RequestSpec(body="tag=a&csrf_token=old&tag=b%2F", headers=FORM),
            "tag=a&csrf_token=new&tag=b%2F",
        ),
        (RequestSpec(headers={"X-CSRFToken": "old"}), {"X-CSRFToken": "new"}),
        (RequestSpec(headers={"X-CSRF-Token": "old"}), {"X-CSRF-Token": "new"}),
    ],
)
def test_a_request_gets_the_token_of_its_name(request_: RequestSpec, sent: object) -> None:
    now = form_tokens.renewed(request_, {"csrftoken": "new"})

    assert sent in (now.form, now.json, now.body, now.headers)
    assert not form_tokens.lacks(request_, {"csrftoken": "new"})
    assert form_tokens.lacks(request_, {})


def test_a_field_of_another_name_keeps_its_token_and_a_header_takes_the_only_one() -> None:
    tokens = {"authenticitytoken": "new"}
    field = RequestSpec(form={"csrf_token": "old"})
    header = RequestSpec(headers={"X-CSRF-Token": "old"})

    assert form_tokens.renewed(field, tokens) == field
    assert form_tokens.lacks(field, tokens)
    assert form_tokens.renewed(header, tokens).headers == {"X-CSRF-Token": "new"}


def test_a_header_does_not_take_the_token_by_which_a_login_is_renewed() -> None:
    cookies = "access_token_cookie=e30; csrf_access_token=new; csrf_refresh_token=another"
    header = RequestSpec(headers={"X-CSRF-TOKEN": "old"})

    now = form_tokens.renewed(header, form_tokens.in_cookies(cookies))

    assert now.headers == {"X-CSRF-TOKEN": "new"}


def test_a_request_without_a_token_stays_as_it_is() -> None:
    plain = RequestSpec(method="POST", body="csrf=1", headers={"Accept": "*/*"})

    assert form_tokens.renewed(plain, {"csrf": "new"}) == plain
    assert not form_tokens.lacks(plain, {})


@pytest.mark.parametrize("text", ["<input ", "<input a=", '<input a="', "<input " + "a" * 3000])
def test_a_page_that_is_hard_to_read_is_read_quickly(text: str) -> None:
    began_s = time.monotonic()

    form_tokens.in_page(text * (1_000_000 // len(text)))

    assert time.monotonic() - began_s < 5.0
