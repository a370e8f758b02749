"""Which frames are a request's; test_own_code.py has which are the user's own."""

import pytest

from loadtests.analysis.profiles.frames import request_frames
from loadtests.model.profiles.records import Frame, Stack, Waiting
from tests.loadtests.analysis.profiles.builders import (
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
        ("uvicorn/server.py:67", "zuvloop/__init__.py:40"),
        ("granian/server/mp.py:30", "rloop/loop.py:200"),
        ("hypercorn/trio/run.py:90", "trio/_core/_run.py:2400"),
    ],
)
def test_an_idle_event_loop_of_a_server_is_no_request(calls: tuple[str, str]) -> None:
    outer, inner = (frame(f"{SITE}/{place}", "run") for place in calls)
    select = frame(f"{LIB}/selectors.py:468", "select")

    assert request_frames(a_stack(*SERVER, outer, *LOOP, inner, select), "gunicorn") == ()
    request = (STARLETTE, LOCK_ROW)
    assert request_frames(a_stack(*SERVER, outer, *LOOP, inner, *request), "gunicorn") == request


def test_the_command_line_of_a_server_is_no_request() -> None:
    server = (
        frame(f"{SITE}/uvicorn/__main__.py:4", "<module>"),
        frame(f"{SITE}/click/core.py:1161", "Command.__call__"),
        frame(f"{SITE}/uvicorn/main.py:410", "main"),
        *LOOP,
    )
    select = frame(f"{LIB}/selectors.py:468", "select")

    assert request_frames(a_stack(*server, select), "uvicorn") == ()
    assert request_frames(a_stack(*server, STARLETTE, LOCK_ROW), "uvicorn") == (STARLETTE, LOCK_ROW)


@pytest.mark.parametrize("client", ["aiohttp/client.py:500", "tornado/ioloop.py:760"])
def test_a_client_with_an_event_loop_in_a_thread_is_no_request(client: str) -> None:
    start = frame(f"{LIB}/threading.py:975", "Thread._bootstrap")
    jobs = frame("/srv/shop/jobs.py:7", "refresh")
    other = frame(f"{SITE}/yarl/_url.py:1", "URL")

    thread = a_stack(start, jobs, *LOOP, frame(f"{SITE}/{client}", "get"), other)

    assert request_frames(thread, "gunicorn") == ()


THREAD = (
    frame(f"{LIB}/threading.py:1002", "Thread._bootstrap"),
    frame(f"{LIB}/threading.py:1045", "Thread._bootstrap_inner"),
)
ANYIO = frame(f"{SITE}/anyio/_backends/_asyncio.py:967", "WorkerThread.run")
RANK = frame("/app/main.py:31", "rank")


def test_a_def_endpoint_of_fastapi_runs_in_a_thread_of_anyio() -> None:
    request = (RANK, EXECUTE)

    assert request_frames(a_stack(*THREAD, ANYIO, *request), "uvicorn") == request
    bridge = frame(f"{SITE}/asgiref/sync.py:254", "AsyncToSync.__call__")
    assert request_frames(a_stack(*THREAD, ANYIO, RANK, bridge), "uvicorn") == (RANK, bridge)


@pytest.mark.parametrize(
    "inner",
    [
        (ANYIO, frame(f"{LIB}/queue.py:171", "Queue.get")),
        (ANYIO, frame(f"{LIB}/pathlib.py:1050", "Path.read_bytes")),
        (
            frame("/app/jobs.py:7", "refresh"),
            frame(f"{SITE}/anyio/_core/_eventloop.py:74", "run"),
            frame(f"{SITE}/anyio/_backends/_asyncio.py:2310", "AsyncIOBackend.run"),
            *LOOP,
            frame("/app/jobs.py:12", "ask"),
        ),
        (
            frame(f"{LIB}/threading.py:982", "Thread.run"),
            frame(f"{SITE}/anyio/_core/_eventloop.py:74", "run"),
            frame(f"{SITE}/anyio/_backends/_asyncio.py:2310", "AsyncIOBackend.run"),
            *LOOP,
            frame("/app/jobs.py:12", "ask"),
        ),
        (
            frame(f"{LIB}/threading.py:982", "Thread.run"),
            frame(f"{LIB}/concurrent/futures/thread.py:83", "_worker"),
            frame(f"{LIB}/concurrent/futures/thread.py:58", "_WorkItem.run"),
            frame("/app/jobs.py:12", "send_mails"),
        ),
    ],
    ids=["idle", "file", "own job", "own thread", "own pool"],
)
def test_threads_and_loops_of_the_applications_own_are_no_requests(
    inner: tuple[Frame, ...],
) -> None:
    assert request_frames(a_stack(*THREAD, *inner), "uvicorn") == ()


WERKZEUG = frame(f"{SITE}/werkzeug/serving.py:1119", "run_simple")
RELOADER = frame(f"{SITE}/werkzeug/_reloader.py:460", "run_with_reloader")


@pytest.mark.parametrize(
    "inner",
    [
        (frame(f"{SITE}/werkzeug/_reloader.py:330", "StatReloaderLoop.run_step"),),
        (
            frame(f"{SITE}/werkzeug/_reloader.py:280", "ReloaderLoop.restart_with_reloader"),
            frame(f"{LIB}/subprocess.py:391", "call"),
        ),
    ],
    ids=["child", "parent"],
)
def test_the_reloader_of_werkzeug_is_no_request(inner: tuple[Frame, ...]) -> None:
    main = frame("/app/main.py:40", "<module>")

    assert request_frames(a_stack(main, WERKZEUG, RELOADER, *inner), "werkzeug") == ()
    request = a_stack(*THREAD, WERKZEUG, *FLASK, LOCK_ROW)
    assert request_frames(request, "werkzeug") == (*FLASK, LOCK_ROW)


POOL = (
    *THREAD,
    frame(f"{LIB}/concurrent/futures/thread.py:83", "_worker"),
    frame(f"{LIB}/concurrent/futures/thread.py:58", "_WorkItem.run"),
)
MAIN_WRAP = frame(f"{SITE}/asgiref/sync.py:340", "AsyncToSync.main_wrap")
BRIDGED = (
    (*POOL, frame(f"{LIB}/asyncio/runners.py:190", "run"), *LOOP, MAIN_WRAP),
    (*POOL, frame(f"{SITE}/asgiref/sync.py:300", "AsyncToSync._run_event_loop"), *LOOP, MAIN_WRAP),
)


@pytest.mark.parametrize("around", BRIDGED, ids=["asyncio.run", "its own loop"])
@pytest.mark.parametrize("server", ["gunicorn", "uwsgi"])
def test_an_async_view_under_wsgi_is_one_request_although_it_has_two_threads(
    around: tuple[Frame, ...], server: str
) -> None:
    loop = a_stack(*around, LOCK_ROW, EXECUTE)

    assert request_frames(loop, server) == ()
    assert request_frames(loop, server, bridged=True) == (LOCK_ROW, EXECUTE)


def test_a_sync_view_under_asgi_is_a_request_in_its_thread() -> None:
    handler = frame(f"{SITE}/asgiref/sync.py:480", "SyncToAsync.thread_handler")
    own_loop = (LOCK_ROW, *LOOP, frame("/srv/shop/prices.py:7", "ask"))

    assert request_frames(a_stack(*POOL, handler, *own_loop), "uvicorn") == own_loop


def test_debians_packages_are_not_the_standard_library() -> None:
    flask = frame("/usr/lib/python3/dist-packages/flask/app.py:1", "__call__")

    assert request_frames(a_stack(*SERVER, flask), "gunicorn") == (flask,)
