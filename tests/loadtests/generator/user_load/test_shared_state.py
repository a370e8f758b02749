"""Lists from which users take entries: kept for each set of users apart, and found too short."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loadtests.generator.user_load.shared_state import SPAN, Stock, Stocks, Takings, shift_counters


def stocks_of(**values: object) -> tuple[Any, Stocks]:
    module: Any = ModuleType("locustfile")
    vars(module).update(values)
    return module, Stocks([module])


class Buyer:
    """A class of users that take an entry each."""


class Visitor:
    """A class of users that take none."""


def short(takings: Takings, *, starts: int, fewest: int) -> tuple[str, int] | None:
    found = takings.too_short(dict.fromkeys(range(starts), Buyer), fewest)
    return None if found is None else (found.stock.name, found.wanted)


def take_each(entries: list[Any], takings: Takings, users: Iterable[int]) -> None:
    """Let each of ``users`` take an entry as it starts, if there is one."""
    for user in users:
        if entries:
            entries.pop()
        takings.begin(user)


def test_a_list_that_starts_empty_is_too_short_for_more_users_than_it_has_entries() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob", "eve"])
    takings = stocks.takings()

    take_each(module.USERS, takings, range(5))

    assert short(takings, starts=5, fewest=2) == ("USERS", 5)
    assert short(takings, starts=3, fewest=2) is None, "each has one"
    assert short(takings, starts=5, fewest=4) is None, "the fewest lacked some, too"


@pytest.mark.parametrize(
    ("entries", "users", "fewest", "wanted"),
    [
        pytest.param(20, 48, 24, 24, id="four buyers have none at two servers only"),
        pytest.param(24, 48, 24, None, id="the list is empty, and each buyer has one"),
        pytest.param(10, 48, 24, None, id="two of twelve buyers have none at one server, too"),
    ],
)
def test_only_users_of_classes_that_take_entries_want_one(
    entries: int, users: int, fewest: int, wanted: int | None
) -> None:
    module, stocks = stocks_of(USERS=list(range(entries)))
    takings = stocks.takings()
    classes: dict[int, type] = {user: (Buyer, Visitor)[user % 2] for user in range(users)}

    for user, cls in classes.items():
        if cls is Buyer:
            take_each(module.USERS, takings, [user])
        else:
            takings.begin(user)

    found = takings.too_short(classes, fewest)
    assert (found and found.wanted) == wanted


def test_a_fixed_count_of_users_with_an_entry_each_is_enough() -> None:
    module, stocks = stocks_of(USERS=list(range(20)))
    takings = stocks.takings()
    classes: dict[int, type] = {user: Buyer if user < 20 else Visitor for user in range(32)}

    take_each(module.USERS, takings, range(20))
    for user in range(20, 32):
        takings.begin(user)

    assert takings.too_short(classes, 16) is None


def test_only_the_users_of_the_trial_want_an_entry() -> None:
    """More were started to calibrate, and some of them found nothing."""
    module, stocks = stocks_of(USERS=list(range(60)))
    takings = stocks.takings()
    take_each(module.USERS, takings, range(64))

    assert short(takings, starts=48, fewest=24) is None
    assert short(takings, starts=64, fewest=32) == ("USERS", 64)


def test_a_class_that_takes_only_now_and_then_wants_as_many_as_it_takes() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob"])
    takings = stocks.takings()
    takings.begin(0)  # it could have taken one
    take_each(module.USERS, takings, [1, 2])

    assert short(takings, starts=3, fewest=2) is None


def test_what_a_start_takes_is_its_own_while_others_start() -> None:
    module, stocks = stocks_of(USERS=["ada"])
    takings = stocks.takings()
    module.USERS.pop()
    takings.look(0)
    takings.begin(1)  # before the first, whose login takes longer
    takings.begin(0)

    found = takings.too_short({0: Buyer, 1: Visitor}, 1)
    assert found is None
    assert short(takings, starts=2, fewest=1) == ("USERS", 2)


def test_a_set_and_a_dictionary_are_lists_like_any_other() -> None:
    module, stocks = stocks_of(TOKENS={"a", "b"}, ACCOUNTS={"ada": 1, "bob": 2})
    takings = stocks.takings()
    for user in range(4):
        if module.TOKENS:
            module.TOKENS.pop()
        takings.begin(user)

    assert short(takings, starts=4, fewest=2) == ("TOKENS", 4)
    stocks.takings()
    assert set(module.TOKENS) == {"a", "b"}


def test_a_list_that_tasks_alone_empty_is_no_list_of_users() -> None:
    module, stocks = stocks_of(QUEUE=[1, 2, 3])
    takings = stocks.takings()
    takings.begin(0)  # its task takes all
    module.QUEUE.clear()
    takings.look()
    for user in range(1, 4):
        takings.begin(user)

    assert short(takings, starts=4, fewest=2) is None


def test_a_list_that_the_file_fills_again_is_never_too_short() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob"])
    takings = stocks.takings()
    for user, left in enumerate((["ada"], [], ["ada"], [], [])):
        module.USERS[:] = left
        takings.begin(user)

    assert short(takings, starts=5, fewest=2) is None


def test_each_set_of_users_finds_what_it_left_itself() -> None:
    module, stocks = stocks_of(USERS=["ada", "bob", "eve"])
    first = stocks.takings()
    module.USERS.pop()
    first.begin(0)
    second = stocks.takings()
    assert module.USERS == ["ada", "bob", "eve"]
    module.USERS.clear()
    second.begin(0)

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

    take_each(module.USERS, takings, range(3))
    module.LATER.clear()
    takings.look()

    assert short(takings, starts=3, fewest=2) == ("USERS", 3)
    stocks.takings()
    assert (module.USERS, module.LATER) == (["ada", "bob"], ["eve"])


def test_what_users_add_to_a_list_stays() -> None:
    module, stocks = stocks_of(CREATED=[])
    first = stocks.takings()
    module.CREATED.append(7)
    first.begin(0)

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
