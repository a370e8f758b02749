from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from app import store as store_module
from app.application import Application
from app.store import NoStoreError, Store, StoreError
from tests.app.conftest import free_port


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url, size=2)
    store.open()
    yield store
    store.close()


def test_a_row_is_the_first_that_answers(store: Store) -> None:
    assert store.row("SELECT n FROM generate_series(%s, 9) AS n", 5) == (5,)


def test_no_row_is_none(store: Store) -> None:
    assert store.row("SELECT 1 WHERE false") is None


def test_schema_and_seed_data_are_there_after_the_start(store: Store) -> None:
    assert store.row("SELECT count(*), min(id), max(id) FROM items") == (10_000, 1, 10_000)


def test_many_processes_may_start_at_once(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS items, events, notes, logins, counters")

    def start(_: int) -> None:
        store = Store(database_url, size=1)
        store.open()
        store.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(8)))

    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (10_000,)


def test_a_start_leaves_what_is_there(database_url: str, store: Store) -> None:
    store.row("UPDATE counters SET value = 41 WHERE name = 'visits' RETURNING value")

    again = Store(database_url, size=1)
    again.open()

    assert again.row("SELECT value FROM counters WHERE name = 'visits'") == (41,)
    again.close()


def test_no_more_connections_are_made_than_the_size_says(store: Store) -> None:
    def backend(_: int) -> object:
        return store.row("SELECT pg_backend_pid() FROM pg_sleep(0.01)")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(backend, range(32)))) == 2


def test_a_connection_that_was_cut_is_replaced(store: Store) -> None:
    with pytest.raises(psycopg.OperationalError):
        store.row("SELECT pg_terminate_backend(pg_backend_pid())")

    assert store.row("SELECT 1") == (1,)


def test_an_error_in_a_transaction_takes_all_of_it_back(store: Store) -> None:
    def write_half() -> None:
        with store.connection() as connection, connection.transaction():
            connection.execute("INSERT INTO notes VALUES ('half', '')")
            connection.execute("INSERT INTO events (item_id) VALUES (0)")

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        write_half()

    assert store.row("SELECT 1 FROM notes WHERE key = 'half'") is None


def test_closing_ends_the_threads_of_the_pool(database_url: str) -> None:
    before = threading.active_count()
    store = Store(database_url, size=1)
    store.open()
    assert threading.active_count() > before

    store.close()

    assert threading.active_count() == before


def test_a_store_that_does_not_answer_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store_module, "OPEN_LIMIT_S", 0.2)
    port = free_port()
    store = Store(f"postgresql://app:hunter2@127.0.0.1:{port}/app", size=1)

    with pytest.raises(StoreError) as caught:
        store.open()

    assert f"PostgreSQL at 127.0.0.1:{port} did not answer" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    store.close()


def test_without_a_store_opening_and_closing_do_nothing() -> None:
    store = Store(None, size=1)
    store.open()
    store.close()

    with pytest.raises(NoStoreError, match="DATABASE_URL is not set"):
        store.connection()


def test_a_request_to_a_store_that_went_away_is_a_503(stored_app: Application) -> None:
    stored_app.close()

    answer = stored_app.test_client().get("/db")

    assert answer.status_code == 503
    assert answer.get_json()["detail"].startswith("The store does not answer.")
