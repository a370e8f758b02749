"""What a thread did, from the kernel's word and py-spy's."""

from dataclasses import replace

import pytest

from loadtests.analysis.profiles.waits import kind_at, refined
from loadtests.model.profiles.records import Frame, KernelWait, Waiting
from tests.loadtests.analysis.profiles.builders import FLASK, LOCK_ROW, SITE, WAITING, frame

CPU = KernelWait(kind=Waiting.CPU)
LOCK = KernelWait(kind=Waiting.LOCK)
SLEEP = KernelWait(kind=Waiting.SLEEP)


@pytest.mark.parametrize(
    ("before", "after", "unchanged", "owns_gil", "kind"),
    [
        (LOCK, LOCK, True, False, Waiting.LOCK),
        (LOCK, LOCK, True, True, Waiting.LOCK),  # a library that keeps the GIL while it waits
        (CPU, CPU, True, True, Waiting.CPU),
        (CPU, LOCK, False, True, Waiting.CPU),
        (SLEEP, CPU, False, False, Waiting.SLEEP),
        (SLEEP, LOCK, False, False, Waiting.LOCK),  # the stack is read right before the end
        (SLEEP, SLEEP, False, False, Waiting.SLEEP),
        (None, LOCK, False, False, Waiting.UNKNOWN),
        (None, None, False, True, Waiting.CPU),
    ],
)
def test_the_kernels_word_counts_where_the_thread_stayed_in_one_wait(
    before: KernelWait | None,
    after: KernelWait | None,
    unchanged: bool,
    owns_gil: bool,
    kind: Waiting,
) -> None:
    seen = kind_at(before, after, unchanged=unchanged, owns_gil=owns_gil)

    assert seen.kind is kind


@pytest.mark.parametrize(
    ("peer", "kind"),
    [
        ("10.0.0.2:5432", Waiting.STORE),
        ("[fd00::2]:6379", Waiting.STORE),
        ("10.0.0.9:7777", Waiting.STORE),  # the stack's own store, whatever its port
        ("127.0.0.11:53", Waiting.DNS),
        ("10.0.0.9:80", Waiting.SOCKET),  # another service of the store's machine
        ("10.0.0.3:80", Waiting.SOCKET),
        ("", Waiting.SOCKET),
    ],
)
def test_a_socket_is_told_apart_by_its_peer(peer: str, kind: Waiting) -> None:
    wait = KernelWait(kind=Waiting.SOCKET, peer=peer)

    assert refined(wait, FLASK, stores=("10.0.0.9:7777",)) == KernelWait(kind=kind, peer=peer)


READ = frame("/usr/lib/python3.11/socket.py:706", "SocketIO.readinto")


@pytest.mark.parametrize("peer", ["a local socket", "172.20.0.3:6543"])
def test_a_driver_in_c_has_no_frame_so_what_a_variable_names_is_the_store(peer: str) -> None:
    wait = KernelWait(kind=Waiting.SOCKET, peer=peer)
    meant = (":6543", "a local socket")

    assert refined(wait, (*FLASK, LOCK_ROW), meant) == KernelWait(kind=Waiting.STORE, peer=peer)
    assert refined(wait, (*FLASK, LOCK_ROW)) == wait
    assert (
        refined(wait, (*FLASK, LOCK_ROW, READ), meant) == wait
    )  # a client of the standard library
    other = KernelWait(kind=Waiting.SOCKET, peer="172.20.0.3:80")
    assert refined(other, (*FLASK, LOCK_ROW), meant) == other


def test_a_socket_below_a_driver_is_the_stores_whatever_its_address() -> None:
    wait = KernelWait(kind=Waiting.SOCKET, peer="a local socket")

    assert refined(wait, WAITING.frames).kind is Waiting.STORE


HTTP = KernelWait(kind=Waiting.SOCKET, peer="172.18.0.3:8080")
ATOMIC = frame(f"{SITE}/peewee.py:412", "_atomic.__call__.<locals>.inner")
GET = (
    frame(f"{SITE}/requests/api.py:73", "get"),
    frame(f"{SITE}/urllib3/connection.py:571", "HTTPConnection.getresponse"),
    frame("/usr/lib/python3.11/socket.py:718", "SocketIO.readinto"),
)
PYMYSQL = (
    frame(f"{SITE}/peewee.py:3340", "Database.execute_sql"),
    frame(f"{SITE}/pymysql/connections.py:732", "Connection._read_bytes"),
    frame("/usr/lib/python3.11/socket.py:718", "SocketIO.readinto"),
)


@pytest.mark.parametrize("view", [LOCK_ROW, frame(f"{SITE}/shop/views.py:12", "search")])
def test_a_driver_around_the_view_makes_no_store_of_a_service(view: Frame) -> None:
    assert refined(HTTP, (*FLASK, ATOMIC, view, *GET)) == HTTP
    assert refined(HTTP, (*FLASK, ATOMIC, view, *PYMYSQL)).kind is Waiting.STORE


def test_a_driver_below_a_decorator_that_nobody_knows_makes_no_store_of_a_service() -> None:
    guard = frame(f"{SITE}/acme_guard/views.py:12", "check")
    view = frame(f"{SITE}/shop/views.py:12", "search")
    asks, queries = ((*FLASK, guard, ATOMIC, view, *below) for below in (GET, PYMYSQL))

    assert refined(HTTP, asks, application="shop") == HTTP
    assert refined(HTTP, queries, application="shop").kind is Waiting.STORE


def test_a_driver_in_a_folder_of_packages_beside_the_usual_ones_is_still_one() -> None:
    def there(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        return tuple(replace(each, file=each.file.replace(SITE, "/deps")) for each in frames)

    assert refined(HTTP, there((*FLASK, LOCK_ROW, *PYMYSQL))).kind is Waiting.STORE
    assert refined(HTTP, there((*FLASK, ATOMIC, LOCK_ROW, *GET))) == HTTP


@pytest.mark.parametrize("own", ["/srv/redis/app.py:9", "/srv/shop/mysql.py:9", "/srv/pony/a.py:9"])
def test_a_file_or_folder_of_ones_own_that_is_called_like_a_driver_is_none(own: str) -> None:
    view = frame(own, "search")

    assert refined(HTTP, (*FLASK, view, *GET)) == HTTP
    assert refined(HTTP, (*FLASK, view, *PYMYSQL)).kind is Waiting.STORE


@pytest.mark.parametrize("above", ["/srv/mysql/.venv", "/opt/redis"])
def test_packages_below_a_folder_that_is_called_like_a_driver_are_none(above: str) -> None:
    packages = f"{above}/lib/python3.11/site-packages"
    get = frame(f"{packages}/requests/sessions.py:602", "Session.get")
    read = frame(f"{above}/lib/python3.11/socket.py:706", "SocketIO.readinto")
    execute = frame(f"{packages}/pymysql/connections.py:50", "execute")

    assert refined(HTTP, (*FLASK, LOCK_ROW, get, read)) == HTTP
    assert refined(HTTP, (*FLASK, LOCK_ROW, execute, read)).kind is Waiting.STORE


def test_so_is_a_file_of_an_installed_application() -> None:
    view = frame(f"{SITE}/shop/redis.py:9", "search")

    assert refined(HTTP, (*FLASK, view, *GET), application="shop") == HTTP
    assert refined(HTTP, (*FLASK, view, *PYMYSQL), application="shop").kind is Waiting.STORE


def test_a_driver_in_c_below_djangos_models_is_the_store_whatever_its_address() -> None:
    models = (
        frame(f"{SITE}/django/db/models/query.py:88", "ModelIterable.__iter__"),
        frame(f"{SITE}/django/db/backends/utils.py:105", "CursorWrapper._execute"),
    )
    local = KernelWait(kind=Waiting.SOCKET, peer="a local socket")

    assert refined(local, (*FLASK, LOCK_ROW, *models)).kind is Waiting.STORE


@pytest.mark.parametrize("driver", ["mysql/connector/network.py:120", "pg8000/core.py:760"])
def test_a_driver_that_the_framework_itself_calls_is_no_application(driver: str) -> None:
    models = frame(f"{SITE}/django/db/backends/utils.py:105", "CursorWrapper._execute")
    recv = frame(f"{SITE}/{driver}", "recv")

    assert refined(HTTP, (*FLASK, models, recv)).kind is Waiting.STORE
    assert refined(HTTP, (*FLASK, models, recv), application="shop").kind is Waiting.STORE


def test_a_driver_in_c_below_what_traces_it_is_still_one() -> None:
    engine = frame(f"{SITE}/sqlalchemy/engine/default.py:941", "do_execute")
    traced = frame(f"{SITE}/opentelemetry/instrumentation/dbapi/__init__.py:600", "execute")

    assert refined(HTTP, (*FLASK, LOCK_ROW, engine, traced)).kind is Waiting.STORE


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (Waiting.SOCKET, Waiting.LOCK),
        (Waiting.UNKNOWN, Waiting.LOCK),
        (Waiting.CPU, Waiting.CPU),
        (Waiting.GIL, Waiting.GIL),
    ],
)
def test_a_stack_inside_of_a_lock_waits_for_one_whatever_the_kernel_saw_beside_it(
    seen: Waiting, kind: Waiting
) -> None:
    inside = (*FLASK, frame("/usr/lib/python3.11/threading.py:331", "Condition.wait"))

    assert refined(KernelWait(kind=seen), inside).kind is kind


@pytest.mark.parametrize(
    "place",
    [
        "/usr/lib64/python3.12/threading.py:355",
        "/usr/lib64/python3.12/queue.py:171",
        "/opt/pypy/lib/pypy3.10/threading.py:320",
        "/usr/lib64/pypy3.10/queue.py:170",
    ],
)
def test_a_lock_is_known_in_every_layout_of_the_standard_library(place: str) -> None:
    inside = (*FLASK, frame(place, "wait"))

    assert refined(KernelWait(kind=Waiting.FILE), inside).kind is Waiting.LOCK


def test_nothing_but_a_socket_is_refined() -> None:
    assert refined(LOCK, WAITING.frames) == LOCK
