"""Lists from which users take entries: kept for each set of users apart, and found too short."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from loadtests.generator.user_load.shared_state import SPAN, Stock, Stocks, Takings, shift_counters


def stocks_of(**values: object) -> tuple[Any, Stocks]:
    module: Any = ModuleType("locustfile")
    vars(module).update(values)
    return module, Stocks([module])


def short(takings: Takings, *, starts: int, fewest: int) -> str | None:
    found = takings.too_short(starts, fewest)
    return None if found is None else found.name


def test_a_list_that_starts_empty_is_too_short_for_more_users_than_it_has_entries() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob", "eve"])
    takings = stocks.takings()

    for _ in range(5):
        if module.USERS:
            module.USERS.pop()
        takings.look()

    assert short(takings, starts=5, fewest=2) == "USERS"
    assert short(takings, starts=3, fewest=2) is None, "each has one"
    assert short(takings, starts=10, fewest=5) is None, "the fewest lacked some, too"


def test_a_set_and_a_dictionary_are_lists_like_any_other() -> None:
    module, stocks = stocks_of(TOKENS={"a", "b"}, ACCOUNTS={"ada": 1, "bob": 2})
    takings = stocks.takings()
    module.TOKENS.clear()
    takings.look()

    assert short(takings, starts=4, fewest=2) == "TOKENS"
    stocks.takings()
    assert set(module.TOKENS) == {"a", "b"}


def test_a_list_that_tasks_alone_empty_is_no_list_of_users() -> None:
    module, stocks = stocks_of(QUEUE=[1, 2, 3])
    takings = stocks.takings()
    takings.look()  # the first user begins, and its task takes all
    module.QUEUE.clear()
    takings.look()

    assert short(takings, starts=4, fewest=2) is None


def test_a_list_that_the_file_fills_again_is_never_too_short() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob"])
    takings = stocks.takings()
    for left in (["ada"], [], ["ada"], []):
        module.USERS[:] = left
        takings.look()

    assert short(takings, starts=4, fewest=2) is None


def test_each_set_of_users_finds_what_it_left_itself() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob", "eve"])
    first = stocks.takings()
    module.USERS.pop()
    first.look()
    second = stocks.takings()
    assert module.USERS == ["ada", "bob", "eve"]
    module.USERS.clear()
    second.look()

    stocks.hand_to(first)
    assert module.USERS == ["ada", "bob"]
    stocks.hand_to(second)
    assert module.USERS == []


def test_users_that_never_began_find_everything_as_it_was() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob"])
    first = stocks.takings()
    stocks.takings()
    module.USERS.clear()

    stocks.hand_to(first)

    assert module.USERS == ["ada", "bob"]


def test_a_list_that_a_listener_fills_counts_as_it_was_filled() -> None:
    module, stocks = stocks_of(USERS=[], LATER=None)
    takings = stocks.takings()
    module.USERS += ["ada", "bob"]
    module.LATER = ["eve"]
    stocks.note()

    module.USERS.clear()
    module.LATER.clear()
    takings.look()

    assert short(takings, starts=3, fewest=2) == "USERS"
    stocks.takings()
    assert (module.USERS, module.LATER) == (["ada", "bob"], ["eve"])


def test_what_users_add_to_a_list_stays() -> None:
    module, stocks = stocks_of(CREATED=[])
    first = stocks.takings()
    module.CREATED.append(7)
    first.look()

    stocks.takings()
    stocks.hand_to(first)

    assert module.CREATED == [7]


def test_a_stock_is_filled_with_a_copy() -> None:
    before = ["ada"]
    stock = Stock(name="USERS", value=[], before=before)

    stock.fill(before)
    stock.value.clear()

    assert before == ["ada"]


def test_counters_of_a_file_with_a_byte_order_mark_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "locustfile.py"
    text = "number = 0\ndef take():\n    global number\n    number += 1\n"
    path.write_text(text, encoding="utf-8-sig")
    module = ModuleType("locustfile")
    module.__file__ = str(path)
    vars(module)["number"] = 0

    assert shift_counters([module], 2) == ["number"]
    assert vars(module)["number"] == 2 * SPAN
