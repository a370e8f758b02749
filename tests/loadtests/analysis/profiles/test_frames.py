"""Which frames are a request's, and which line of the user's own."""

import pytest

from loadtests.analysis.profiles.frames import (
    is_python,
    own_line,
    own_path,
    package_folders,
    request_frames,
)
from loadtests.model.profiles.records import Frame, Stack, Waiting
from tests.loadtests.analysis.profiles.builders import (
    COMPUTING,
    EXECUTE,
    FLASK,
    IDLE,
    LOCK_ROW,
    SERVER,
    SITE,
    WAITING,
    frame,
)


def a_stack(*frames: Frame) -> Stack:
    return Stack(frames=frames, kind=Waiting.CPU)


def test_a_request_begins_below_the_servers_call() -> None:
    assert request_frames(WAITING, "gunicorn") == (*FLASK, LOCK_ROW, EXECUTE)


def test_a_thread_that_waits_for_work_serves_no_request() -> None:
    assert request_frames(IDLE, "gunicorn") == ()


@pytest.mark.parametrize(
    "innermost",
    [
        frame(f"{SITE}/gunicorn/http/wsgi.py:390", "write"),
        frame("/usr/lib/python3.11/ssl.py:1166", "read"),
    ],
)
def test_what_the_server_does_by_itself_is_no_request(innermost: Frame) -> None:
    assert request_frames(a_stack(*SERVER, innermost), "gunicorn") == ()


def test_a_thread_of_the_application_that_no_server_called_is_no_request() -> None:
    start = frame("/usr/lib/python3.11/threading.py:975", "Thread._bootstrap")
    thread = a_stack(start, frame("/srv/shop/jobs.py:7", "clean_up"))

    assert request_frames(thread, "gunicorn") == ()
    assert request_frames(thread, "uwsgi") == ()


@pytest.mark.parametrize("server", ["uwsgi", "mod_wsgi"])
@pytest.mark.parametrize("inner", ["asgiref/current_thread_executor.py:75", "asgiref/local.py:80"])
def test_a_server_in_c_calls_all_of_the_stack_also_where_it_is_in_a_bridge(
    server: str, inner: str
) -> None:
    bridge = frame(f"{SITE}/asgiref/sync.py:254", "AsyncToSync.__call__")
    wait = frame("/usr/lib/python3.11/queue.py:171", "get")
    stack = a_stack(*FLASK, bridge, frame(f"{SITE}/{inner}", "run"), wait)

    assert request_frames(stack, server) == stack.frames


def test_a_server_in_c_with_a_loop_in_python_begins_below_the_loop() -> None:
    hub = frame(f"{SITE}/gevent/hub.py:647", "run")

    assert request_frames(a_stack(hub), "uwsgi") == ()
    assert request_frames(a_stack(hub, *FLASK), "uwsgi") == FLASK


def test_a_server_in_c_calls_the_application_from_no_frame() -> None:
    stack = a_stack(*FLASK, LOCK_ROW)

    assert request_frames(stack, "uwsgi") == stack.frames
    assert request_frames(stack, "gunicorn") == ()


LIB = "/usr/lib/python3.11"
STARLETTE = frame(f"{SITE}/starlette/applications.py:107", "__call__")
LOOP = (
    frame(f"{LIB}/asyncio/base_events.py:640", "run_until_complete"),
    frame(f"{LIB}/asyncio/events.py:84", "Handle._run"),
)


@pytest.mark.parametrize(
    "calls",
    [
        ("uvicorn_worker/_workers.py:100", "uvicorn/server.py:67"),
        ("aiohttp/worker.py:60", "aiohttp/web_protocol.py:480"),
        ("sanic/worker/serve.py:90", "sanic/app.py:900"),
        ("gunicorn/workers/gtornado.py:160", "tornado/ioloop.py:760"),
        ("daphne/server.py:130", "twisted/internet/asyncioreactor.py:260"),
        ("uvicorn_worker/_workers.py:100", "uvloop/__init__.py:96"),
    ],
)
def test_an_idle_event_loop_of_a_server_is_no_request(calls: tuple[str, str]) -> None:
    outer, inner = (frame(f"{SITE}/{place}", "run") for place in calls)
    select = frame(f"{LIB}/selectors.py:468", "select")

    assert request_frames(a_stack(*SERVER, outer, *LOOP, inner, select), "gunicorn") == ()
    request = (STARLETTE, LOCK_ROW)
    assert request_frames(a_stack(*SERVER, outer, *LOOP, inner, *request), "gunicorn") == request


@pytest.mark.parametrize("client", ["aiohttp/client.py:500", "tornado/ioloop.py:760"])
def test_a_client_with_an_event_loop_in_a_thread_is_no_request(client: str) -> None:
    start = frame(f"{LIB}/threading.py:975", "Thread._bootstrap")
    jobs = frame("/srv/shop/jobs.py:7", "refresh")
    other = frame(f"{SITE}/yarl/_url.py:1", "URL")

    thread = a_stack(start, jobs, *LOOP, frame(f"{SITE}/{client}", "get"), other)

    assert request_frames(thread, "gunicorn") == ()


def test_debians_packages_are_not_the_standard_library() -> None:
    flask = frame("/usr/lib/python3/dist-packages/flask/app.py:1", "__call__")

    assert request_frames(a_stack(*SERVER, flask), "gunicorn") == (flask,)


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
