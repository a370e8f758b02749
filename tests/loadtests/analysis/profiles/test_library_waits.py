"""What a library waits for, which the kernel does not know: a pool, a program, its own threads."""

import pytest

from loadtests.analysis.profiles.waits import refined
from loadtests.model.profiles.records import Frame, KernelWait, Waiting
from tests.loadtests.analysis.profiles.builders import FLASK, LOCK_ROW, SITE, frame

CPU = KernelWait(kind=Waiting.CPU)
LOCK = KernelWait(kind=Waiting.LOCK)
SLEEP = KernelWait(kind=Waiting.SLEEP)

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
