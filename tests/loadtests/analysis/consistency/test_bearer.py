"""Tokens of logins: where answers have them, and which requests send them back."""

from __future__ import annotations

import pytest

from loadtests.analysis.consistency import bearer
from loadtests.model.tested.workload import RequestSpec

TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.abc"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"access_token": "{TOKEN}", "token_type": "bearer"}}',
        f'{{"refresh": "another-long-token", "access": "{TOKEN}"}}',
        f'{{"data": {{"accessToken": "{TOKEN}"}}, "token": "0123456789abcdefgh"}}',
        f'{{"token": "{TOKEN}", "user": {{"name": "ada"}}}}',
    ],
)
def test_a_login_gives_its_token(body: str) -> None:
    assert bearer.in_answer(body) == TOKEN


@pytest.mark.parametrize(
    "body", ["", "<html>", '{"token": "short"}', '{"token": 12345678901234567}']
)
def test_another_answer_gives_none(body: str) -> None:
    assert bearer.in_answer(body) is None


@pytest.mark.parametrize(
    ("sent", "now"),
    [
        ("Bearer old", f"Bearer {TOKEN}"),
        ("Token old", f"Token {TOKEN}"),
        ("bearer  old", f"bearer  {TOKEN}"),
        ("0123456789abcdef", TOKEN),
        ("Basic YWRhOmE=", "Basic YWRhOmE="),
        ("a-short-key", "a-short-key"),
    ],
)
def test_a_request_sends_it_in_the_place_of_its_own(sent: str, now: str) -> None:
    request = RequestSpec(headers={"authorization": sent, "Accept": "*/*"})

    assert bearer.renewed(request, TOKEN).headers == {"authorization": now, "Accept": "*/*"}
    assert bearer.renewed(request, None) == request


@pytest.mark.parametrize(
    ("line", "is_kept"),
    [
        ("POST /refresh", True),
        ("POST /api/token/refresh/", True),
        ("GET /dashboard/refresh", False),
        ("POST /refreshments", False),
        ("POST /notes?sort=refreshed", False),
    ],
)
def test_a_request_that_renews_a_login_keeps_the_token_for_that(
    line: str, *, is_kept: bool
) -> None:
    own = {"Authorization": "Bearer a-refresh-token"}
    method, _, path = line.partition(" ")
    request = RequestSpec(method=method, path=path, headers=own)

    now = bearer.renewed(request, TOKEN).headers

    assert now == (own if is_kept else {"Authorization": f"Bearer {TOKEN}"})


@pytest.mark.parametrize(
    ("name", "is_tokens"),
    [
        ("x-access-token", True),
        ("X-Auth-Token", True),
        ("token", True),
        ("X-CSRF-Token", False),
        ("X-API-Key", False),
        ("Idempotency-Key", False),
    ],
)
def test_a_token_may_have_a_header_of_its_own(name: str, *, is_tokens: bool) -> None:
    request = RequestSpec(headers={name: "0123456789abcdef"})

    assert bearer.is_in(request) is is_tokens
    assert bearer.renewed(request, TOKEN).headers[name] == (
        TOKEN if is_tokens else "0123456789abcdef"
    )
    assert bearer.without(request).headers == ({} if is_tokens else request.headers)


@pytest.mark.parametrize(
    ("path", "is_login"),
    [
        ("/login", True),
        ("/auth/token", True),
        ("/auth/refresh?full=1", True),
        ("/auth/passkey", True),
        ("/notes", False),
        ("/auth/register", False),
        ("/auth/signup", False),
        ("/auth/api_keys", False),
    ],
)
def test_a_login_is_told_from_a_registration(path: str, *, is_login: bool) -> None:
    assert bearer.logs_in(RequestSpec(method="POST", path=path)) is is_login
