"""A redirect leads to a login by its path or its host, and not by a word that only looks so."""

from __future__ import annotations

import pytest

from loadtests.analysis.shared.logins import is_login, is_login_path

LOGINS = [
    "/login",
    "/login/?next=/account",
    "/wp-login.php",
    "/users/sign_in",
    "/accounts/signin/v2",
    "/log-in/",
    "/userlogin",
    "/Account/Login",
    "/login_form",
    "/auth",
    "/auth/",
    "/auth?next=/",
    "/sso",
    "/auth/login",
    "/#/login",
    "https://login.example.com/authorize?state=1",
    "//sso.example.com/",
    "https://acme.okta.example/app/exk1/sso/saml?SAMLRequest=1",
    "https://idp.example/idp/SSO.saml2?SAMLRequest=1",
    "https://id.example.com/realms/shop/openid-connect/auth?client_id=1",
]

OTHERS = [
    "/",
    "",
    "/blog-index",
    "/blog_index",
    "/catalog-info",
    "/design-inspiration",
    "/plug-in",
    "/auth/settings",
    "/sso/settings",
    "/authors",
    "https://books.example.com/authors",
    "/home?from=login",
    "/home#login",
    "http://127.0.0.1:9001/blog_index",
    "https://blog-in.example.com/",
    "//",
]


@pytest.mark.parametrize("location", LOGINS)
def test_a_redirect_to_a_login_is_one(location: str) -> None:
    assert is_login(location)


@pytest.mark.parametrize("location", OTHERS)
def test_a_redirect_to_another_page_is_none(location: str) -> None:
    assert not is_login(location)


@pytest.mark.parametrize("path", ["/login", "/login?next=/", "/auth/realm", "/sso/start", "/auth"])
def test_a_load_may_log_in_below_auth(path: str) -> None:
    assert is_login_path(path)


@pytest.mark.parametrize("path", ["/", "/blog_index", "/authors", "/home?from=login", "/register"])
def test_a_path_of_a_load_that_only_looks_so_is_no_login(path: str) -> None:
    assert not is_login_path(path)
