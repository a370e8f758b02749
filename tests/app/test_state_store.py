from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.application import Application
from app.state_store import StateStore
from app.store import NoStoreError, Store


def test_what_nobody_saved_is_none(stored_app: Application) -> None:
    assert stored_app.state.note("missing") is None
    assert stored_app.state.who("missing") is None


def test_a_note_is_saved_and_replaced(stored_app: Application) -> None:
    for body in ("first", "second"):
        stored_app.state.put_note("a-note", body)

    assert stored_app.state.note("a-note") == "second"


def test_each_login_has_an_id_of_its_own(stored_app: Application) -> None:
    one, two = (stored_app.state.log_in("ann") for _ in range(2))

    assert one != two
    assert stored_app.state.who(one) == stored_app.state.who(two) == "ann"


def test_visits_at_the_same_time_are_all_counted(stored_app: Application) -> None:
    before = stored_app.state.visits()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: stored_app.state.visit(), range(20)))

    assert sorted(counts) == list(range(before + 1, before + 21))


def test_without_a_store_every_method_says_so() -> None:
    with pytest.raises(NoStoreError):
        StateStore(Store(None, size=1)).visits()
