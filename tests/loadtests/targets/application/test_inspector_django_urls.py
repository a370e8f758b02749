"""What an import shows of a Django project: its routes, and its debug mode."""

from __future__ import annotations

import sys
from pathlib import Path

from loadtests.targets.application import inspection
from tests.loadtests.targets.application.folders import make_folder

DJANGO = {
    "django/__init__.py": "",
    "django/conf.py": "class settings:\n    DEBUG = True\n",
    "django/core.py": """
        class WSGIHandler:
            def __call__(self, environ, start_response): ...
    """,
    "django/urls.py": """
        class RoutePattern(str): ...
        class RegexPattern(str): ...
        class LocalePrefixPattern(str): ...
        class URLPattern:
            def __init__(self, pattern, callback=print):
                self.pattern, self.callback = pattern, callback
        class URLResolver:
            def __init__(self, pattern, url_patterns, app_name=None):
                self.pattern, self.url_patterns, self.app_name = pattern, url_patterns, app_name
        patterns = []
        def get_resolver():
            return URLResolver(RegexPattern("^/"), patterns)
    """,
}
"""As much of Django as is asked here."""

SITE = """
    from django.core import WSGIHandler
    from django.urls import *
    def items(request): ...
    class Cart:
        def get(self): ...
        def post(self): ...
    def cart(request): ...
    cart.view_class = Cart
    def orders(request): ...
    orders.actions = {"post": "create", "get": "list"}
    patterns += [
        URLPattern(RoutePattern("")),
        URLPattern(RoutePattern("items/<int:pk>/"), items),
        URLResolver(RoutePattern("api/"), [
            URLPattern(RoutePattern("cart"), cart),
            URLPattern(RegexPattern(r"^orders/(?P<year>[0-9]{4})/$"), orders),
        ]),
        URLResolver(RoutePattern("admin/"), [URLPattern(RoutePattern("login/"))], "admin"),
        URLResolver(LocalePrefixPattern("en/"), [URLPattern(RegexPattern(r"^about/?$"))]),
        URLPattern(RegexPattern(r"^static/(?P<path>.*)$")),
        URLPattern(RegexPattern(r"^robots\\.txt\\Z")),
        URLPattern(RegexPattern(r"^page/(\\d+)/$")),
        URLPattern(RegexPattern(r"^(?:a|b)/$")),
    ]
    application = WSGIHandler()
"""


def inspected(folder: Path, files: dict[str, str]) -> inspection.Inspection:
    return inspection.inspect(
        "site_of_shop:application",
        python=sys.executable,
        folder=make_folder(folder, files),
        env={},
        modules=(),
    )


def test_a_project_has_its_routes_with_those_that_are_included(tmp_path: Path) -> None:
    seen = inspected(tmp_path, {**DJANGO, "site_of_shop.py": SITE})

    assert (seen.framework, seen.debug) == ("django", True)
    assert [(route.path, route.methods) for route in seen.routes] == [
        ("/", ("GET",)),
        ("/items/<int:pk>/", ("GET",)),
        ("/api/cart", ("GET", "POST")),
        ("/api/orders/<year>/", ("GET", "POST")),
        ("/en/about/", ("GET",)),
        ("/static/<path:path>", ("GET",)),
        ("/robots.txt", ("GET",)),
        ("/page/<value>/", ("GET",)),
    ]


def test_a_url_configuration_that_does_not_load_takes_nothing_else_away(tmp_path: Path) -> None:
    broken = {**DJANGO, "django/urls.py": "def get_resolver(): raise RuntimeError('no')\n"}
    site = "from django.core import WSGIHandler\napplication = WSGIHandler()\n"

    seen = inspected(tmp_path, {**broken, "site_of_shop.py": site})

    assert (seen.framework, seen.routes, seen.debug) == ("django", (), False)
