"""Which frames of a request are the user's own; test_installed.py has what all stacks tell."""

import pytest

from loadtests.analysis.profiles.frames import is_python, package_folders
from loadtests.analysis.profiles.own_code import (
    own_line,
    own_path,
)
from loadtests.model.profiles.records import Frame
from tests.loadtests.analysis.profiles.builders import (
    COMPUTING,
    EXECUTE,
    FLASK,
    LOCK_ROW,
    SERVER,
    SITE,
    WAITING,
    frame,
)

STARLETTE = frame(f"{SITE}/starlette/applications.py:107", "__call__")


def test_the_line_is_the_innermost_of_the_users_own_with_what_it_called() -> None:
    assert own_line(WAITING.frames) == (LOCK_ROW, "psycopg execute")
    assert own_line(COMPUTING.frames)[1] == ""


def test_the_standard_library_is_named_by_its_module() -> None:
    dumps = frame("/usr/lib/python3.11/json/encoder.py:200", "encode")

    assert own_line((*FLASK, LOCK_ROW, dumps)) == (LOCK_ROW, "encoder encode")


def test_what_a_context_manager_enters_is_told_and_not_the_context_manager() -> None:
    enter = frame("/usr/lib/python3.11/contextlib.py:137", "_GeneratorContextManager.__enter__")
    pool = frame(f"{SITE}/psycopg_pool/pool.py:158", "ConnectionPool.connection")

    assert own_line((*FLASK, LOCK_ROW, enter, pool))[1] == "psycopg_pool ConnectionPool.connection"


def test_an_application_that_is_installed_as_a_package_is_still_found() -> None:
    installed = frame(f"{SITE}/shop/db.py:88", "lock_row")

    assert own_line((*FLASK, installed, EXECUTE)) == (installed, "psycopg execute")


@pytest.mark.parametrize(
    ("inner", "called"),
    [
        ("mysql/connector/cursor.py:600", "mysql execute"),
        ("pg8000/core.py:700", "pg8000 execute"),
        ("markdown/core.py:270", "markdown execute"),
        ("tenacity/__init__.py:380", "tenacity execute"),
        ("jwt.py:20", "jwt execute"),
    ],
)
def test_what_an_installed_application_calls_is_not_the_application(
    inner: str, called: str
) -> None:
    view = frame(f"{SITE}/shop/views.py:12", "search")
    rank = frame(f"{SITE}/shop/search.py:31", "rank")
    library = frame(f"{SITE}/{inner}", "execute")
    back = frame(f"{SITE}/shop/search.py:40", "retried")

    assert own_line((*FLASK, view, rank, library)) == (rank, called)
    assert own_path((*FLASK, view, rank, library, back))[0] == (view, rank, back)


@pytest.mark.parametrize(
    "around", ["rest_framework/views.py:500", "corsheaders/middleware.py:60", "uvicorn/main.py:1"]
)
def test_what_calls_an_installed_application_is_not_the_application(around: str) -> None:
    rank = frame(f"{SITE}/shop/search.py:31", "rank")

    assert own_line((frame(f"{SITE}/{around}", "__call__"), rank)) == (rank, "")


WSGI_APP = frame(f"{SITE}/flask/app.py:1511", "Flask.wsgi_app")
VIEW = frame(f"{SITE}/shop/views.py:12", "search")
ACME = frame(f"{SITE}/acme_tracing/middleware.py:20", "Tracer.__call__")
HANDLERS = f"{SITE}/django/core/handlers"


@pytest.mark.parametrize(
    "above",
    [
        (FLASK[0], ACME, WSGI_APP),
        (ACME, *FLASK),
        (
            frame(f"{HANDLERS}/base.py:140", "BaseHandler.get_response"),
            ACME,
            frame(f"{HANDLERS}/exception.py:55", "convert_exception_to_response.<locals>.inner"),
            frame(f"{HANDLERS}/base.py:197", "BaseHandler._get_response"),
        ),
        (
            STARLETTE,
            ACME,
            frame(f"{SITE}/starlette/routing.py:73", "request_response.<locals>.app"),
        ),
        (frame(f"{SITE}/quart/app.py:1450", "Quart.dispatch_request"),),
        (frame(f"{SITE}/mod_wsgi/server/__init__.py:1600", "__call__"), WSGI_APP),
        (frame(f"{SITE}/mod_wsgi/server/__init__.py:1600", "__call__"),),
        (*FLASK, frame(f"{SITE}/opentracing/scope.py:9", "traced")),
    ],
)
def test_a_middleware_that_nobody_knows_is_not_the_installed_application(
    above: tuple[Frame, ...],
) -> None:
    fetch = frame(f"{SITE}/asyncpg/connection.py:700", "fetch")

    assert own_line((*above, VIEW, fetch)) == (VIEW, "asyncpg fetch")
    assert own_path((*above, VIEW, fetch))[0] == (VIEW,)


@pytest.mark.parametrize(
    "around",
    [
        ("webargs/core.py:657", "Parser.use_args.<locals>.decorator.<locals>.wrapper"),
        ("wrapt/wrappers.py:90", "FunctionWrapper.__call__"),
        ("tenacity/__init__.py:336", "wraps.<locals>.wrapped_f"),
        ("cachetools/__init__.py:700", "wrapper"),
        ("authlib/integrations/flask_oauth2/resource_protector.py:90", "decorated"),
        ("guardian/decorators.py:110", "_wrapped_view"),
        ("backoff/_sync.py:105", "retry"),
        ("decorator.py:232", "fun"),
    ],
)
def test_what_decorates_a_view_of_an_installed_application_is_not_the_application(
    around: tuple[str, str],
) -> None:
    rank = frame(f"{SITE}/shop/search.py:31", "rank")
    decorator = frame(f"{SITE}/{around[0]}", around[1])

    assert own_line((*FLASK, decorator, rank)) == (rank, "")


def test_a_dispatch_without_the_application_below_it_has_the_innermost_line() -> None:
    assert own_line((ACME, WSGI_APP)) == (WSGI_APP, "")


@pytest.mark.parametrize("deps", ["/deps", "/srv/shop/vendor", "/srv/shop/__pypackages__/3.12/lib"])
@pytest.mark.parametrize("shop", ["/srv/shop", "/deps/shop"])
def test_packages_in_a_folder_of_their_own_are_not_the_users(deps: str, shop: str) -> None:
    server = frame(f"{deps}/gunicorn/workers/gthread.py:771", "handle_request")
    flask = frame(f"{deps}/flask/app.py:1478", "__call__")
    lock_row = frame(f"{shop}/db.py:88", "lock_row")
    execute = frame(f"{deps}/psycopg/connection.py:901", "execute")
    request = (flask, lock_row, execute)

    seen: list[list[tuple[Frame, ...]]] = [[(server, *request)], [(server,), request], [request]]
    for stacks in seen:
        folders = package_folders(stacks)
        assert own_line(request, folders) == (lock_row, "psycopg execute")
        assert own_path((flask,), folders) == ((flask,), "")


def test_packages_in_wheels_of_their_own_are_not_the_users() -> None:
    wheels = "/root/.pex/installed_wheels"
    flask = frame(f"{wheels}/5c1/flask-3.1.0-py3-none-any.whl/flask/app.py:1478", "__call__")
    execute = frame(f"{wheels}/a7f/psycopg-3.2-py3-none-any.whl/psycopg/cursor.py:97", "execute")

    assert own_line((flask, LOCK_ROW, execute)) == (LOCK_ROW, "psycopg execute")


@pytest.mark.parametrize("place", ["/srv/flask", "/srv/gunicorn/shop", "/home/ada/django/redis"])
def test_a_folder_of_the_users_with_the_name_of_a_package_is_still_theirs(place: str) -> None:
    own = frame(f"{place}/db.py:88", "lock_row")
    stacks = [(*SERVER, *FLASK, own, EXECUTE)]

    assert own_line((*FLASK, own, EXECUTE), package_folders(stacks)) == (own, "psycopg execute")


@pytest.mark.parametrize(
    "files",
    [
        ("/app/shop/entry/flask.py", "/app/shop/entry/redis.py"),
        ("/app/shop/entry/bottle.py", "/app/shop/entry/redis/cache.py"),
        ("/srv/django/shop/views.py", "/srv/redis/cache.py"),
        ("/srv/django/core/views.py", "/srv/redis/cache.py"),
        ("/srv/flask/app.py", "/srv/redis/cache.py"),
        ("/srv/gunicorn/conf.py", "/srv/redis/cache.py"),
    ],
)
def test_names_of_packages_alone_make_no_folder_of_packages(files: tuple[str, str]) -> None:
    view, cache = (frame(f"{file}:7", "cart") for file in files)
    request = (*FLASK, view, cache, EXECUTE)
    folders = package_folders([(*SERVER, *request)])

    assert folders == frozenset()
    assert own_path(request, folders) == ((view, cache), "psycopg execute")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("flask/app.py", "Flask.wsgi_app"),
        ("bottle.py", "Bottle._handle"),
        ("django/core/handlers/base.py", "BaseHandler._get_response"),
        ("starlette/applications.py", "Starlette.__call__"),
        ("gunicorn/workers/sync.py", "SyncWorker.handle_request"),
        ("werkzeug/serving.py", "WSGIRequestHandler.run_wsgi"),
    ],
)
def test_files_that_only_a_real_package_has_make_one(place: str, name: str) -> None:
    seen = (frame(f"/deps/{place}:1", name), frame("/deps/pymysql/cursors.py:1", "execute"))

    assert package_folders([seen]) == {"/deps"}


def test_a_request_without_a_line_of_the_users_has_the_innermost_one() -> None:
    assert own_line(FLASK) == (FLASK[-1], "")


def test_the_bridge_to_async_views_is_no_line_of_the_users() -> None:
    bridge = frame(f"{SITE}/asgiref/current_thread_executor.py:75", "run_until_future")
    shop = frame(f"{SITE}/shop/db.py:88", "lock_row")

    assert own_line((*FLASK, shop, bridge)) == (shop, "asgiref run_until_future")


PAGE = frame("/srv/shop/templates/cart.html:57", "block_content")


def test_a_template_has_no_line_for_its_lines_are_those_of_the_python_made_from_it() -> None:
    view = frame("/srv/shop/views.py:12", "cart")
    render = frame(f"{SITE}/jinja2/environment.py:1295", "render")

    line, _ = own_line((view, render, PAGE))

    assert (line.file, line.line, line.name) == (PAGE.file, 0, "block_content")
    assert str(line) == "/srv/shop/templates/cart.html block_content"
    assert own_path((view, render, PAGE))[0][0] == view


@pytest.mark.parametrize(
    ("file", "python"),
    [
        ("/srv/shop/views.py", True),
        ("/srv/shop/bin/serve", True),
        ("/srv/shop/fast.pyx", True),
        ("/srv/shop/cart.html", False),
        ("/srv/shop/mail.txt.j2", False),
    ],
)
def test_python_source_is_known_by_its_ending(file: str, python: bool) -> None:
    assert is_python(file) is python
