"""What the routes of an application answer, asked in a child process as a server asks."""

from __future__ import annotations

import sys
from pathlib import Path

from loadtests.model.tested.surroundings import FoundRoute
from loadtests.targets.discovery import asking
from tests.loadtests.targets.application.folders import make_folder
from tests.loadtests.targets.discovery.test_looking import look

WSGI = """
    import itertools, time
    def app(environ, start_response):
        path = environ["PATH_INFO"].encode("latin-1").decode()
        if path == "/broken":
            raise ValueError
        is_asked = environ["HTTP_HOST"] == "127.0.0.1:8000" and environ["REQUEST_METHOD"] == "GET"
        start_response("200 OK" if is_asked and path != "/gone" else "404 Not Found", [])
        return (time.sleep(0.2) or b"x" for _ in itertools.count()) if path == "/events" else [b"x"]
"""
PATHS = ("/caf\u00e9", "/broken", "/events", "/gone", "/items/<int:id>", "/logout")


def test_a_wsgi_application_of_any_framework_is_asked_as_a_server_asks(tmp_path: Path) -> None:
    found = asking.asked(
        tuple(FoundRoute(path=path) for path in PATHS),
        application="shop:app",
        source="",
        python=sys.executable,
        folder=make_folder(tmp_path, {"shop.py": WSGI}),
        env={},
        is_async=False,
    )

    assert {route.path: route.status for route in found} == {
        "/caf\u00e9": 200,
        "/broken": 500,
        "/events": 200,
        "/gone": 404,
        "/items/<int:id>": None,
        "/logout": None,
    }
    assert 1 < (found[2].seconds or 0) < 3, "a stream is left"


DJANGO = {
    "django/__init__.py": "",
    "django/conf.py": "class settings: DEBUG = False\n",
    "django/urls.py": """
        class Route:
            def __init__(self, pattern): self.pattern, self.callback = pattern, print
        class Resolver:
            url_patterns = [Route(""), Route("items/"), Route("items/<int:pk>/")]
        def get_resolver(): return Resolver
    """,
    "django/core.py": """
        class WSGIHandler:
            def __call__(self, environ, start_response):
                known = environ["PATH_INFO"] == "/items/"
                start_response("200 OK" if known else "404 Not Found", [])
                return [b"x"]
        def get_wsgi_application(): return WSGIHandler()
    """,
    "shop/__init__.py": "",
    "shop/wsgi.py": """
        from django.core import get_wsgi_application
        application = get_wsgi_application()
    """,
}


def test_the_routes_of_a_django_project_are_found_and_asked(tmp_path: Path) -> None:
    """Its pages, since most projects have none at ``/``."""
    files = {name.replace("shop/", "shop/"): text for name, text in DJANGO.items()}

    found = look(make_folder(tmp_path, files))

    assert found.target == "shop.wsgi:application"
    assert {route.path: route.status for route in found.routes} == {
        "/": 404,
        "/items/": 200,
        "/items/<int:pk>/": None,
    }
