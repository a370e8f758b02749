from __future__ import annotations

import threading
from mmap import PAGESIZE, mmap

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.application import Application
from app.counters import FAILED, FINISHED, STARTED, Counters


def totals(counters: Counters) -> tuple[int, int, int]:
    return counters.total(STARTED), counters.total(FINISHED), counters.total(FAILED)


def test_a_request_is_started_and_finished(app: Application, client: FlaskClient) -> None:
    client.get("/whoami")

    assert totals(app.counters) == (1, 1, 0)


def test_an_answer_that_is_an_error_is_finished_too(app: Application, client: FlaskClient) -> None:
    client.get("/nowhere")
    client.get("/cpu?rounds=none")

    assert totals(app.counters) == (2, 2, 0)


def test_an_exception_that_nobody_handles_is_counted(app: Application) -> None:
    app.testing = False

    @app.get("/broken")
    def broken() -> str:
        raise LookupError

    assert app.test_client().get("/broken").status_code == 500
    assert totals(app.counters) == (1, 1, 1)


def test_watching_is_not_counted(app: Application, client: FlaskClient) -> None:
    client.get("/healthz")
    client.get("/metrics")

    assert totals(app.counters) == (0, 0, 0)


def test_processes_that_share_memory_add_up() -> None:
    memory = mmap(-1, PAGESIZE)
    one, two = Counters(), Counters()
    one.share(memory, 0)
    two.share(memory, 1)

    one.add(STARTED)
    two.add(STARTED)
    two.add(FAILED)

    assert totals(one) == totals(two) == (2, 0, 1)


def test_a_process_past_the_last_slot_counts_on_from_the_one_before_it() -> None:
    memory = mmap(-1, PAGESIZE)
    first, later = Counters(), Counters()
    first.share(memory, 0)
    first.add(FINISHED)

    later.share(memory, 170)
    later.add(FINISHED)

    assert totals(later) == (0, 2, 0)


def test_no_count_of_many_threads_is_lost() -> None:
    counters = Counters()

    def count() -> None:
        for _ in range(20_000):
            counters.add(STARTED)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counters.total(STARTED) == 80_000


def test_the_text_is_one_that_prometheus_reads() -> None:
    counters = Counters()
    counters.add(STARTED)

    families = list(text_string_to_metric_families(counters.exposition()))

    assert {
        (family.type, sample.name, sample.value) for family in families for sample in family.samples
    } == {
        ("counter", "app_requests_started_total", 1.0),
        ("counter", "app_requests_finished_total", 0.0),
        ("counter", "app_exceptions_total", 0.0),
    }
