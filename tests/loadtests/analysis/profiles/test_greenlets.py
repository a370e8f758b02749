"""What a greenlet waits for, by the part of gevent through which it gave way."""

import pytest

from loadtests.analysis.profiles.greenlets import (
    TURNS_OPTION,
    are_greenlets,
    are_of_gevent,
    as_its_stack_has_it,
    held_up,
    in_a_loop,
    kind_of,
    take_turns,
)
from loadtests.model.profiles.records import Frame, KernelWait, Stack, Waiting
from tests.loadtests.analysis.profiles.builders import (
    ANYIO,
    FLASK,
    LOCK_ROW,
    LOOP_WAITS,
    REPORT,
    RUNS_ASGI,
    SERVER,
    SITE,
    frame,
)

PEER = "10.0.0.3:80"


@pytest.mark.parametrize(
    ("place", "name", "wait"),
    [
        ("gevent/hub.py:166", "sleep", KernelWait(kind=Waiting.SLEEP)),
        ("gevent/_socket3.py:475", "recv", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/ssl.py:300", "read", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/select.py:145", "select", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/thread.py:320", "acquire", KernelWait(kind=Waiting.LOCK)),
        ("psycogreen/gevent.py:32", "wait", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/resolver/thread.py:60", "getaddrinfo", KernelWait(kind=Waiting.DNS)),
        ("gevent/_fileobjectcommon.py:90", "read", KernelWait(kind=Waiting.FILE)),
    ],
)
def test_gevents_own_frame_says_what_for(place: str, name: str, wait: KernelWait) -> None:
    frames = (*FLASK, LOCK_ROW, frame(f"{SITE}/{place}", name))

    assert kind_of(frames, PEER, running=False) == wait


def test_a_name_is_asked_for_in_a_thread_or_by_a_socket() -> None:
    asks = frame(f"{SITE}/gevent/resolver/thread.py:60", "getaddrinfo")

    for inner in ("gevent/threadpool.py:500", "gevent/_socket3.py:475"):
        frames = (*FLASK, LOCK_ROW, asks, frame(f"{SITE}/{inner}", "apply"))
        assert kind_of(frames, PEER, running=False).kind is Waiting.DNS


APPLY = frame(f"{SITE}/gevent/threadpool.py:500", "ThreadPool.apply")


@pytest.mark.parametrize(
    "place", ["_fileobjectcommon.py:600", "_fileobjectposix.py:70", "os.py:90"]
)
def test_a_thread_of_gevents_pool_reads_a_file_where_a_file_asked_for_it(place: str) -> None:
    asks = frame(f"{SITE}/gevent/{place}", "read")

    wait = kind_of((*FLASK, LOCK_ROW, asks, APPLY), PEER, running=False)

    assert wait == KernelWait(kind=Waiting.FILE)


def test_the_pipes_of_a_program_are_no_file() -> None:
    inner = ("subprocess.py:1600", "_fileobjectposix.py:280")
    frames = [frame(f"{SITE}/gevent/{place}", "read") for place in inner]

    wait = kind_of((*FLASK, LOCK_ROW, *frames), PEER, running=False)

    assert wait == KernelWait(kind=Waiting.CHILD)


def test_what_else_a_thread_of_gevents_pool_does_is_not_known() -> None:
    wait = kind_of((*FLASK, LOCK_ROW, APPLY), PEER, running=False)

    assert wait == KernelWait(kind=Waiting.UNKNOWN, peer="another thread of its own")


def test_a_wait_without_a_frame_of_gevent_is_for_another_greenlet() -> None:
    assert kind_of((*FLASK, LOCK_ROW), "", running=False).kind is Waiting.LOCK


def test_the_one_that_runs_is_on_the_cpu() -> None:
    assert kind_of((*FLASK, LOCK_ROW), "", running=True).kind is Waiting.CPU


LIB = "/usr/lib/python3.11"
UVICORN = (
    frame(f"{SITE}/uvicorn/server.py:67", "run"),
    frame(f"{LIB}/asyncio/runners.py:190", "run"),
    frame(f"{LIB}/asyncio/base_events.py:640", "run_until_complete"),
    frame(f"{SITE}/uvicorn/protocols/http/h11_impl.py:406", "run_asgi"),
)
GEVENT_WEBSOCKET = (
    frame(f"{SITE}/gevent/baseserver.py:34", "_handle_and_close_when_done"),
    frame(f"{SITE}/geventwebsocket/handler.py:82", "run_application"),
    frame(f"{SITE}/gevent/pywsgi.py:1095", "run_application"),
)
EVENTLET = (
    frame(f"{SITE}/eventlet/greenthread.py:272", "main"),
    frame(f"{SITE}/gunicorn/workers/base_async.py:115", "handle_request"),
)
UVICORN_WORKER = (SERVER[-1], frame(f"{SITE}/uvicorn_worker/_workers.py:100", "run"))
UVLOOP = (
    *UVICORN_WORKER,
    frame(f"{SITE}/uvicorn/protocols/http/httptools_impl.py:400", "run_asgi"),
)
UNKNOWN_WORKER = (
    SERVER[-1],
    frame(f"{SITE}/acme_workers/loop.py:7", "run"),
    *UVICORN[1:3],
)
OWN_LOOP = (
    LOCK_ROW,
    frame(f"{LIB}/asyncio/runners.py:190", "run"),
    frame(f"{LIB}/asyncio/base_events.py:640", "run_until_complete"),
    frame("/srv/shop/prices.py:7", "ask"),
)


THREAD = frame(f"{LIB}/threading.py:1002", "Thread._bootstrap")
ASYNC_VIEW = (
    THREAD,
    frame(f"{LIB}/concurrent/futures/thread.py:58", "_WorkItem.run"),
    *UVICORN[1:3],
    frame(f"{LIB}/asyncio/events.py:84", "Handle._run"),
    frame(f"{SITE}/asgiref/sync.py:340", "AsyncToSync.main_wrap"),
)


def stack(*frames: Frame) -> Stack:
    return Stack(frames=frames, kind=Waiting.CPU)


@pytest.mark.parametrize(
    ("seen", "of_gevent"),
    [
        (stack(*UVICORN, *FLASK, LOCK_ROW), False),
        (stack(*UVICORN_WORKER, *UVICORN[1:], *FLASK, LOCK_ROW), False),
        (stack(*UVLOOP, *FLASK, LOCK_ROW), False),
        (stack(*UNKNOWN_WORKER, *FLASK, LOCK_ROW), False),
        (stack(*UNKNOWN_WORKER[:2], UVLOOP[-1], *FLASK, LOCK_ROW), False),
        (stack(*UNKNOWN_WORKER, frame(f"{LIB}/selectors.py:468", "select")), False),
        (stack(*EVENTLET, *FLASK, LOCK_ROW), False),
        (stack(frame(f"{SITE}/eventlet/hubs/hub.py:355", "run")), False),
        (stack(*GEVENT_WEBSOCKET, *FLASK, LOCK_ROW), True),
        (stack(frame(f"{SITE}/gevent/hub.py:647", "run")), True),
    ],
)
def test_requests_of_an_event_loop_take_turns(seen: Stack, of_gevent: bool) -> None:
    assert take_turns([stack(*SERVER, *FLASK, LOCK_ROW), seen], "gunicorn")
    assert are_of_gevent([seen]) is of_gevent


@pytest.mark.parametrize(
    "seen",
    [
        stack(*SERVER, *FLASK, LOCK_ROW),
        stack(*SERVER, *FLASK, *OWN_LOOP),
        stack(*SERVER, *FLASK, *OWN_LOOP[1:3], LOCK_ROW),
        stack(*UVICORN[:3], frame(f"{LIB}/selectors.py:468", "select")),
        stack(*ASYNC_VIEW, LOCK_ROW),
        stack(*ANYIO, LOCK_ROW),
        stack(),
    ],
)
def test_a_loop_that_serves_no_request_takes_no_turns(seen: Stack) -> None:
    assert not take_turns([seen], "gunicorn")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/usr/bin/uwsgi --http :8000 --async 100 --ugreen", True),
        ("uwsgi --gevent 1000", True),
        ("uwsgi --processes 4 --threads 2", False),
        ("gunicorn --async 4 shop:app", False),
    ],
)
def test_uwsgis_options_say_that_its_requests_take_turns(command: str, told: bool) -> None:
    assert bool(TURNS_OPTION.search(command)) is told


LOOPS_OWN = KernelWait(kind=Waiting.SOCKET, peer="10.0.0.2:5432", many=True)
"""What the kernel says of a thread whose event loop waits."""


@pytest.mark.parametrize(
    ("frames", "waits"),
    [
        ((*RUNS_ASGI, REPORT), False),
        ((*UVLOOP, *FLASK, LOCK_ROW), False),
        ((*EVENTLET, *FLASK, LOCK_ROW), False),
        (LOOP_WAITS, True),
        (UVLOOP[:-1], True),
        ((frame(f"{SITE}/gevent/hub.py:647", "run"),), True),
        ((*SERVER, *FLASK, LOCK_ROW), True),  # no loop is here: it is the request's own wait
        ((*SERVER, *FLASK, *OWN_LOOP[:3], LOOP_WAITS[-1]), True),
        ((), True),
    ],
)
def test_a_loop_does_not_wait_while_one_of_its_requests_is_on_its_stack(
    frames: tuple[Frame, ...], waits: bool
) -> None:
    seen = as_its_stack_has_it(LOOPS_OWN, frames)

    assert seen == (LOOPS_OWN if waits else KernelWait(kind=Waiting.CPU))


def test_a_wait_for_one_descriptor_is_the_requests_own() -> None:
    wait = KernelWait(kind=Waiting.SOCKET, peer=PEER)

    assert as_its_stack_has_it(wait, (*RUNS_ASGI, REPORT)) == wait


@pytest.mark.parametrize(
    ("frames", "kind", "peer", "holds_up"),
    [
        ((*RUNS_ASGI, REPORT), Waiting.SLEEP, "", True),
        ((*RUNS_ASGI, REPORT), Waiting.STORE, "10.0.0.2:5432", True),
        ((*EVENTLET, *FLASK, LOCK_ROW), Waiting.SOCKET, PEER, True),
        ((*RUNS_ASGI, REPORT), Waiting.UNKNOWN, "another thread of its own", True),
        ((*RUNS_ASGI, REPORT), Waiting.UNKNOWN, "", False),
        ((*RUNS_ASGI, REPORT), Waiting.CPU, "", False),
        ((*RUNS_ASGI, REPORT), Waiting.GIL, "", False),
        (LOOP_WAITS, Waiting.SOCKET, PEER, False),
        ((*ANYIO, REPORT), Waiting.SLEEP, "", False),
        ((*SERVER, *FLASK, LOCK_ROW), Waiting.SLEEP, "", False),
        ((*SERVER, *FLASK, *OWN_LOOP), Waiting.SLEEP, "", False),
    ],
)
def test_a_request_that_waits_in_the_thread_of_all_holds_up_the_others(
    frames: tuple[Frame, ...], kind: Waiting, peer: str, *, holds_up: bool
) -> None:
    seen = Stack(frames=frames, kind=kind, peer=peer)

    assert bool(held_up([seen], "uvicorn")) is holds_up


def test_greenlets_are_told_from_coroutines() -> None:
    assert are_greenlets([stack(*EVENTLET)])
    assert not are_greenlets([stack(*RUNS_ASGI), stack(*SERVER)])
    assert in_a_loop([stack(*SERVER), stack(*LOOP_WAITS), stack(*EVENTLET)]) == {1, 2}
