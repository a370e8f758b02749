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


LIB = "/usr/lib/python3.11"
CONDITION = frame(f"{LIB}/threading.py:327", "Condition.wait")
MAP = (
    frame(f"{LIB}/multiprocessing/pool.py:367", "Pool.map"),
    frame(f"{LIB}/multiprocessing/pool.py:768", "ApplyResult.get"),
    frame(f"{LIB}/threading.py:622", "Event.wait"),
    CONDITION,
)
RESULT = (frame(f"{LIB}/concurrent/futures/_base.py:451", "Future.result"), CONDITION)
SHUTDOWN = (
    frame(f"{LIB}/concurrent/futures/thread.py:235", "ThreadPoolExecutor.shutdown"),
    frame(f"{LIB}/threading.py:1112", "Thread.join"),
    frame(f"{LIB}/threading.py:1132", "Thread._wait_for_tstate_lock"),
)
ASYNC_VIEW = (
    frame(f"{SITE}/asgiref/sync.py:262", "AsyncToSync.__call__"),
    frame(f"{SITE}/asgiref/current_thread_executor.py:75", "run_until_future"),
    frame(f"{LIB}/queue.py:171", "Queue.get"),
    CONDITION,
)
UNDER_GEVENT = (*RESULT, frame(f"{SITE}/gevent/thread.py:120", "acquire"))


@pytest.mark.parametrize("inner", [MAP, RESULT, SHUTDOWN, ASYNC_VIEW, UNDER_GEVENT])
def test_a_wait_for_a_thread_of_its_own_is_no_lock_for_what_that_does_is_not_seen(
    inner: tuple[Frame, ...],
) -> None:
    wait = refined(LOCK, (*FLASK, LOCK_ROW, *inner))

    assert wait == KernelWait(kind=Waiting.UNKNOWN, peer="another thread of its own")
    assert refined(CPU, (*FLASK, LOCK_ROW, *inner)) == CPU


def test_a_request_in_its_own_event_loop_waits_for_no_service_that_is_known() -> None:
    loop = (
        frame(f"{LIB}/asyncio/runners.py:190", "run"),
        frame(f"{LIB}/asyncio/base_events.py:1898", "BaseEventLoop._run_once"),
        frame(f"{LIB}/selectors.py:468", "EpollSelector.select"),
    )
    wakes = KernelWait(kind=Waiting.SOCKET, peer="a local socket")

    wait = refined(wakes, (*FLASK, LOCK_ROW, *loop))

    assert wait == KernelWait(kind=Waiting.UNKNOWN, peer="its own event loop")
    assert refined(wakes, (*FLASK, *loop, LOCK_ROW)) == wakes


POOL = KernelWait(kind=Waiting.LOCK, peer="a connection of its pool")


@pytest.mark.parametrize(
    ("inner", "wait"),
    [
        ((frame(f"{SITE}/psycopg_pool/pool.py:200", "ConnectionPool.getconn"), CONDITION), POOL),
        ((frame(f"{LIB}/queue.py:171", "Queue.get"), CONDITION), LOCK),
    ],
)
def test_a_lock_below_a_thread_of_its_own_is_a_lock(
    inner: tuple[Frame, ...], wait: KernelWait
) -> None:
    assert refined(LOCK, (*RESULT, *FLASK, LOCK_ROW, *inner)) == wait


GET_OF_QUEUE = (frame(f"{LIB}/queue.py:171", "Queue.get"), CONDITION)
SESSION = frame(f"{SITE}/sqlalchemy/orm/session.py:2308", "Session.execute")


@pytest.mark.parametrize(
    "inner",
    [
        (SESSION, frame(f"{SITE}/sqlalchemy/util/queue.py:170", "Queue.get"), CONDITION),
        (SESSION, frame(f"{SITE}/sqlalchemy/pool/impl.py:160", "QueuePool._do_get")),
        (
            frame(f"{SITE}/django/db/backends/base/base.py:275", "connect"),
            frame(f"{SITE}/psycopg_pool/pool.py:200", "ConnectionPool.getconn"),
            CONDITION,
        ),
        (
            frame(f"{SITE}/requests/sessions.py:602", "Session.get"),
            frame(f"{SITE}/urllib3/connectionpool.py:256", "HTTPConnectionPool._get_conn"),
            *GET_OF_QUEUE,
        ),
        (
            frame(f"{SITE}/redis/connection.py:1500", "BlockingConnectionPool.get_connection"),
            *GET_OF_QUEUE,
        ),
        (
            frame(f"{SITE}/httpcore/_sync/connection_pool.py:35", "wait_for_connection"),
            frame(f"{SITE}/httpcore/_synchronization.py:271", "Event.wait"),
            frame(f"{LIB}/threading.py:622", "Event.wait"),
            CONDITION,
        ),
        (
            SESSION,
            frame(f"{SITE}/sqlalchemy/util/queue.py:170", "Queue.get"),
            frame(f"{SITE}/gevent/thread.py:120", "acquire"),
        ),
    ],
)
def test_a_lock_inside_of_a_pool_is_for_a_connection(inner: tuple[Frame, ...]) -> None:
    assert refined(LOCK, (*FLASK, LOCK_ROW, *inner)) == POOL


def test_a_pool_that_sleeps_between_two_tries_waits_for_a_connection() -> None:
    pool = frame(f"{SITE}/playhouse/pool.py:140", "PooledDatabase._connect")

    assert refined(SLEEP, (*FLASK, LOCK_ROW, pool)) == POOL


def test_another_lock_below_a_driver_is_not_its_pools() -> None:
    """With ``echo=True``, each statement takes the lock of the log's handler."""
    logs = (
        frame(f"{SITE}/sqlalchemy/log.py:170", "InstanceLogger.info"),
        frame(f"{LIB}/logging/__init__.py:968", "Handler.handle"),
        frame(f"{LIB}/logging/__init__.py:917", "Handler.acquire"),
    )

    assert refined(LOCK, (*FLASK, LOCK_ROW, SESSION, *logs)) == LOCK


PIPE = KernelWait(kind=Waiting.PIPE)
RUN = frame(f"{LIB}/subprocess.py:550", "run")
COMMUNICATE = (RUN, frame(f"{LIB}/subprocess.py:1209", "Popen.communicate"))


@pytest.mark.parametrize(
    ("seen", "inner"),
    [
        (PIPE, (*COMMUNICATE, frame(f"{LIB}/selectors.py:415", "select"))),
        (PIPE, (RUN, frame(f"{LIB}/subprocess.py:1962", "Popen._execute_child"))),
        (SLEEP, (*COMMUNICATE, frame(f"{LIB}/subprocess.py:2040", "Popen._wait"))),
        (
            PIPE,
            (
                frame(f"{LIB}/multiprocessing/process.py:149", "BaseProcess.join"),
                frame(f"{LIB}/multiprocessing/popen_fork.py:40", "Popen.wait"),
                frame(f"{LIB}/multiprocessing/connection.py:930", "wait"),
            ),
        ),
    ],
)
def test_a_request_that_reads_of_a_program_it_started_waits_for_that(
    seen: KernelWait, inner: tuple[Frame, ...]
) -> None:
    assert refined(seen, (*FLASK, LOCK_ROW, *inner)).kind is Waiting.CHILD
    assert refined(CPU, (*FLASK, LOCK_ROW, *inner)) == CPU


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("filelock/_api.py:340", Waiting.FILE_LOCK),
        ("portalocker/utils.py:280", Waiting.FILE_LOCK),
        ("redis/lock.py:220", Waiting.STORE),
        ("redis/retry.py:60", Waiting.SLEEP),
        ("tenacity/nap.py:31", Waiting.SLEEP),
    ],
)
def test_a_library_that_tries_again_to_have_a_lock_waits_for_that(
    place: str, kind: Waiting
) -> None:
    tries = frame(f"{SITE}/{place}", "acquire")

    assert refined(SLEEP, (*FLASK, LOCK_ROW, tries)) == KernelWait(kind=kind)
    assert refined(SLEEP, (*FLASK, tries, LOCK_ROW)) == SLEEP
    assert refined(CPU, (*FLASK, LOCK_ROW, tries)) == CPU


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ((("grpc/_channel.py:1160", "_UnaryUnaryMultiCallable.__call__"),), Waiting.SOCKET),
        ((("grpc/_common.py:153", "wait"), CONDITION), Waiting.SOCKET),
        ((("kafka/producer/future.py:29", "FutureProduceResult.wait"), CONDITION), Waiting.SOCKET),
        ((("cassandra/cluster.py:5009", "ResponseFuture.result"), CONDITION), Waiting.STORE),
        ((("polars/lazyframe/frame.py:2000", "LazyFrame.collect"),), Waiting.UNKNOWN),
    ],
)
def test_what_gives_work_to_threads_of_its_own_waits_for_no_lock(
    inner: tuple[tuple[str, str] | Frame, ...], kind: Waiting
) -> None:
    below = [
        each if isinstance(each, Frame) else frame(f"{SITE}/{each[0]}", each[1]) for each in inner
    ]

    assert refined(LOCK, (*FLASK, LOCK_ROW, *below)).kind is kind


def test_a_pool_of_pymongo_waits_by_a_function_of_its_own() -> None:
    waits = (
        frame(f"{SITE}/pymongo/synchronous/pool.py:743", "Pool._get_conn"),
        frame(f"{SITE}/pymongo/lock.py:90", "_cond_wait"),
        CONDITION,
    )

    assert refined(LOCK, (*FLASK, LOCK_ROW, *waits)) == POOL


@pytest.mark.parametrize(
    "own",
    [
        "/srv/kafka/views.py:9",
        "/srv/shop/redis/lock.py:9",
        "/srv/redis/connection.py:9",
        f"{SITE}/shop/redis/connection.py:9",
    ],
)
@pytest.mark.parametrize("wait", [LOCK, SLEEP])
def test_a_file_of_ones_own_that_is_called_like_a_librarys_is_none(
    own: str, wait: KernelWait
) -> None:
    assert refined(wait, (*FLASK, frame(own, "view"))) == wait
