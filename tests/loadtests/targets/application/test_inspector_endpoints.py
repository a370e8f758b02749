"""What an import shows of an asynchronous application: its interface, its routes, its threads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Interface
from loadtests.targets.application import inspection
from loadtests.targets.application.inspection import Inspection
from tests.loadtests.targets.application.folders import make_folder

STARLETTE = """
    class Route:
        def __init__(self, path, endpoint, methods, include_in_schema=True):
            self.path, self.endpoint, self.methods = path, endpoint, methods
            self.include_in_schema = include_in_schema
    class Mount:
        def __init__(self, path, routes):
            self.path, self.routes = path, routes
    class Starlette:
        def __init__(self, routes=()):
            self.routes, self.debug = routes, False
        async def __call__(self, scope, receive, send): ...
"""
"""As much of Starlette as is asked here."""

SHOP = """
    from starlette import Mount, Route, Starlette
    async def home(): ...
    def item(): ...
    class Page: ...
    app = Starlette([
        Route("/", home, {"GET", "HEAD"}),
        Route("/openapi.json", home, {"GET"}, include_in_schema=False),
        Mount("/api", [Route("/items/{id:int}", item, {"GET"}), Route("/{name}", Page, {"GET"})]),
        Mount("/static", None),
    ])
"""


def inspected(folder: Path, application: str = "shop:app", **files: str) -> Inspection:
    texts = {f"{name}.py": text for name, text in files.items()}
    return inspection.inspect(
        application, python=sys.executable, folder=make_folder(folder, texts), env={}, modules=()
    )


LITESTAR = """
    class Handler:
        include_in_schema = object()  # its routers decide
        def __init__(self, is_shown):
            self.is_shown = is_shown
        def resolve_include_in_schema(self):
            return self.is_shown
    class Own:
        include_in_schema = False
    class Route:
        methods = {"GET", "OPTIONS"}
        def __init__(self, path, handler):
            self.path, self.route_handlers = path, [Own(), handler]
    class Litestar:
        routes = [Route("/", Handler(True)), Route("/schema/redoc", Handler(False))]
        async def __call__(self, scope, receive, send): ...
"""


def test_documentation_that_a_router_hides_is_no_route(tmp_path: Path) -> None:
    seen = inspected(
        tmp_path, shop="from litestar import Litestar\napp = Litestar()", litestar=LITESTAR
    )

    assert [route.path for route in seen.routes] == ["/"]


def test_an_async_application_has_its_interface_and_its_routes(tmp_path: Path) -> None:
    seen = inspected(tmp_path, shop=SHOP, starlette=STARLETTE)

    assert (seen.interface, seen.framework) == (Interface.ASGI, "starlette")
    assert [(route.path, route.methods) for route in seen.routes] == [
        ("/", ("GET", "HEAD")),
        ("/api/items/<int:id>", ("GET",)),
        ("/api/<name>", ("GET",)),
    ]


INCLUDED = """
    from types import SimpleNamespace
    from starlette import Route, Starlette
    async def item(): ...
    router = SimpleNamespace(routes=[Route("/v1/items", item, {"GET"})])
    context = SimpleNamespace(prefix="/api")
    app = Starlette([SimpleNamespace(original_router=router, include_context=context)])
"""

QUART = """
    from types import SimpleNamespace
    class Quart:
        debug = True
        url_map = SimpleNamespace(
            iter_rules=lambda: [SimpleNamespace(rule="/items/<int:id>", methods={"GET"})]
        )
        async def __call__(self, scope, receive, send): ...
    app = Quart()
"""


def test_routes_of_an_included_router_are_seen(tmp_path: Path) -> None:
    seen = inspected(tmp_path, shop=INCLUDED, starlette=STARLETTE)

    assert [route.path for route in seen.routes] == ["/api/v1/items"]


def test_quarts_routes_are_seen_as_flasks(tmp_path: Path) -> None:
    seen = inspected(tmp_path, "quart:app", quart=QUART)

    assert [route.path for route in seen.routes] == ["/items/<int:id>"]
    assert seen.debug


def test_endpoints_that_are_no_coroutines_are_counted(tmp_path: Path) -> None:
    assert inspected(tmp_path, shop=SHOP, starlette=STARLETTE).in_threads == 1


def test_a_method_that_is_an_endpoint_is_counted_too(tmp_path: Path) -> None:
    code = (
        "from starlette import Route, Starlette\n"
        "class Views:\n  def sync(self): ...\n  async def asynchronous(self): ...\n"
        "views = Views()\n"
        "app = Starlette([Route('/a', views.sync, {'GET'}),"
        " Route('/b', views.asynchronous, {'GET'})])\n"
    )

    assert inspected(tmp_path, shop=code, starlette=STARLETTE).in_threads == 1


@pytest.mark.parametrize(
    "code",
    [
        "class App:\n  async def __call__(self, scope, receive, send): ...\napp = App()",
        "async def app(scope, receive, send): ...",
        "class App:\n  routes = 7\n  async def __call__(self, scope, receive, send): ...\n"
        "app = App()",
    ],
)
def test_an_application_without_a_framework_has_no_routes(tmp_path: Path, code: str) -> None:
    seen = inspected(tmp_path, shop=code)

    assert (seen.interface, seen.routes, seen.in_threads) == (Interface.ASGI, (), 0)


def test_a_wsgi_application_is_told_as_one(tmp_path: Path) -> None:
    seen = inspected(tmp_path, shop="def app(environ, start_response): ...")

    assert seen.interface is Interface.WSGI


SENTRY = """
    class Middleware:
        __slots__ = ("__call__", "app")
        def __init__(self, app):
            self.app, self.__call__ = app, self.run
        async def run(self, scope, receive, send): ...
    async def inner(scope, receive, send): ...
    app = Middleware(inner)
"""

PARTIAL = """
    from functools import partial
    async def serve(settings, scope, receive, send): ...
    app = partial(serve, {})
"""


@pytest.mark.parametrize("code", [SENTRY, PARTIAL])
def test_an_application_whose_call_is_no_plain_method_is_one(tmp_path: Path, code: str) -> None:
    assert inspected(tmp_path, shop=code).interface is Interface.ASGI


@pytest.mark.parametrize(
    ("code", "asked", "told"),
    [
        ("async def home(request): ...", "shop:home", "shop:home is neither a WSGI nor an ASGI"),
        (
            "class Guard:\n  async def __call__(self, request): ...\nguard = Guard()",
            "shop:guard",
            "shop:guard is neither a WSGI nor an ASGI application, but shop.Guard.",
        ),
        (
            "async def create_app(): ...",
            "shop",
            "shop:create_app() returns a coroutine, and a server awaits none.",
        ),
        (
            "async def create_app(): ...",
            "shop:create_app",
            "shop:create_app() returns a coroutine, and a server awaits none.",
        ),
        (
            "class Service:\n  async def app(self, scope, receive, send): ...\ns = Service()",
            "shop:s",
            "Its .app is one: add `app = s.app` to shop, and name shop:app",
        ),
    ],
)
def test_what_only_looks_asynchronous_is_refused(
    tmp_path: Path, code: str, asked: str, told: str
) -> None:
    with pytest.raises(UsageError) as refused:
        inspected(tmp_path, asked, shop=code)

    assert told in str(refused.value)


PARTS = """
    from starlette import Route, Router, Starlette
    import aiohttp
    class Guard(Starlette):
        async def __call__(self, request): ...
    router, guard, timeout = Router(), Guard(), aiohttp.ClientTimeout()
    api = Starlette()
"""


def test_routers_and_dependencies_are_no_applications_beside_it(tmp_path: Path) -> None:
    starlette = f"{STARLETTE}    class Router(Starlette): ...\n"

    seen = inspected(
        tmp_path, "shop", shop=PARTS, starlette=starlette, aiohttp="class ClientTimeout: ..."
    )

    assert (seen.application, seen.also) == ("shop:api", ())


def test_the_module_of_fastapi_is_found_in_a_folder_that_is_named(tmp_path: Path) -> None:
    main = "from starlette import Starlette\napp = Starlette()\n"

    assert inspected(tmp_path, "", main=main, starlette=STARLETTE).application == "main:app"
