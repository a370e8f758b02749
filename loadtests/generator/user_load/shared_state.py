"""What the users of a locustfile share: counters, and lists from which each takes its own.

Counters are kept apart in several processes, so that no user registers twice. Stock Locust runs the
file in each process too, and there ``user-0`` registers in all of them. Lists that users have
emptied, such as one of credentials, are filled again for each new set of users. A list from which
users take in their start is kept for each set apart, and shows when it was too short for one.
"""

from __future__ import annotations

import ast
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from types import ModuleType
from typing import Any

SPAN = 1_000_000
"""Values of a counter that each process has for itself."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stock:
    """A list, set or dictionary of the locustfile; ``before`` is what it held at first."""

    name: str
    value: Any
    before: Any

    def fill(self, entries: Any) -> None:
        """Let it hold ``entries``, and nothing else."""
        held = copy(entries)
        self.value.clear()
        (self.value.extend if isinstance(self.value, list | deque) else self.value.update)(held)


class Stocks:
    """The lists, sets and dictionaries of ``modules`` as they were before there were users."""

    def __init__(self, modules: Sequence[ModuleType]) -> None:
        self._modules = modules
        self._owner: Takings | None = None
        self.note()

    def note(self) -> None:
        """Note what they hold now, once the file is loaded, or its listeners have filled them."""
        owners = [owner for module in self._modules for owner in (module, *classes_of(module))]
        self._stocks = tuple(
            Stock(name=name, value=value, before=copy(value))
            for owner in owners
            for name, value in list(vars(owner).items())
            if isinstance(value, list | deque | set | dict) and not name.startswith("__")
        )
        if self._owner is not None:
            self._owner.bring_back(self._stocks)

    def takings(self) -> Takings:
        """Return what a new set of users takes, and let that have the stocks."""
        takings = Takings()
        self.hand_to(takings)
        return takings

    def hand_to(self, takings: Takings) -> None:
        """Let a set of users find what it left itself, whatever others have taken since."""
        if self._owner is takings:
            return
        if self._owner is not None:
            self._owner.keep()
        self._owner = takings
        takings.bring_back(self._stocks)


@dataclass(frozen=True, kw_only=True)
class Short:
    """A stock that had too few entries, and how many users of a trial wanted one."""

    stock: Stock
    wanted: int


class Takings:
    """What one set of users takes from the stocks in its starts, such as credentials."""

    def __init__(self) -> None:
        self._stocks: tuple[Stock, ...] = ()
        self._left: list[int] = []
        self._has_begun = False
        self._filled: set[Stock] = set()
        self._takers: dict[Stock, set[int]] = {}
        self._lacking: dict[Stock, set[int]] = {}
        self._kept: list[tuple[Stock, Any]] | None = None

    def keep(self) -> None:
        """Keep what is left, before others have the stocks."""
        if self._has_begun:
            self._kept = [(stock, copy(stock.value)) for stock in self._taken()]

    def bring_back(self, stocks: tuple[Stock, ...]) -> None:
        """Fill what this set of users takes in its starts with what it left.

        A new set finds ``stocks`` as they were; what was added to one stays.
        """
        if self._kept is None:
            self._stocks = stocks
            for stock in self._stocks:
                if len(stock.value) < len(stock.before):
                    stock.fill(stock.before)
        for stock, left in self._kept or ():
            stock.fill(left)
        self._left = self._counted()

    def look(self, taker: int | None = None) -> None:
        """See what was taken since the last look, by the start of the user ``taker``.

        None is nobody's start, such as a task. A stock that the file fills again by itself is never
        too short.
        """
        before, self._left = self._left, self._counted()
        for stock, then, now in zip(self._stocks, before, self._left, strict=True):
            if now > then:
                self._filled.add(stock)
            elif now < then and taker is not None:
                self._takers.setdefault(stock, set()).add(taker)
                self._lacking.get(stock, set()).discard(taker)

    def begin(self, user: int) -> None:
        """See what the start of ``user`` took, and what it found empty; its first task begins."""
        self.look(user)
        self._has_begun = True
        for stock, takers in self._takers.items():
            if not stock.value and user not in takers:
                self._lacking.setdefault(stock, set()).add(user)

    def too_short(self, classes: Mapping[int, type], fewest: int) -> Short | None:
        """Return a stock in which some users of a trial found nothing; None without one.

        ``classes`` has the class of each user of the trial. Only users of a class that takes
        entries want one. The stock has enough for the first ``fewest`` users, so that only more of
        them go without.
        """
        for stock in self._taken():
            served = self._takers[stock] & classes.keys()
            taking = {classes[user] for user in served}
            lacking = {
                user
                for user in self._lacking.get(stock, set()) & classes.keys()
                if classes[user] in taking
            }
            first = sum(user < fewest for user in served | lacking)
            wanted = len(served) + len(lacking)
            if lacking and first <= len(served) and len(stock.before) < wanted:
                return Short(stock=stock, wanted=wanted)
        return None

    def _taken(self) -> list[Stock]:
        return [stock for stock in self._takers if stock not in self._filled]

    def _counted(self) -> list[int]:
        return [len(stock.value) for stock in self._stocks]


def shift_counters(modules: list[ModuleType], number: int) -> list[str]:
    """Let the counters of ``modules`` begin ``number`` spans later; return their names.

    Counters are ``itertools.count`` objects, and whole numbers that functions of the module count
    up. They belong to the module, or to one of its classes.
    """
    if not number:
        return []
    shifted = []
    for module in modules:
        counted = counted_up(module)
        for owner in (module, *classes_of(module)):
            for name, value in list(vars(owner).items()):
                changed = shift(value, number * SPAN, is_counted=name in counted)
                if changed is not None:
                    setattr(owner, name, changed)
                    shifted.append(name)
    return shifted


def shift(value: Any, by: int, *, is_counted: bool) -> Any:
    """Return a counter that begins ``by`` later; None if ``value`` is no counter."""
    if isinstance(value, itertools.count):
        start, step = count_of(value)
        return itertools.count(start + by, step)
    if is_counted and type(value) is int:
        return value + by
    return None


def count_of(counter: itertools.count[Any]) -> tuple[Any, Any]:
    """Return the next value of ``counter`` and its step, without advancing it."""
    # Its text is ``count(3)`` or ``count(3, 2)``, and both are literals.
    values = ast.literal_eval(repr(counter).removeprefix("count"))
    return values if isinstance(values, tuple) else (values, 1)


def classes_of(module: ModuleType) -> Iterator[type]:
    """Yield the classes that ``module`` defines."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield value


def counted_up(module: ModuleType) -> frozenset[str]:
    """Return the names that functions of ``module`` count up by ``+=``: globals and attributes.

    A number that is compared with something is no identifier, and is left as it is.
    """
    try:
        with open(module.__file__ or "", encoding="utf-8-sig") as file:  # noqa: PTH123 - a path as text
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    names = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        nodes = list(ast.walk(function))
        of_module = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        for node in nodes:
            if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
                target = node.target
                if isinstance(target, ast.Name) and target.id in of_module:
                    names.add(target.id)
                elif isinstance(target, ast.Attribute) and not is_self(target.value):
                    names.add(target.attr)
    return frozenset(names - compared(tree))


def compared(tree: ast.AST) -> set[str]:
    """Return the names of variables and attributes that ``tree`` compares."""
    parts = (
        part for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)
    )
    return {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in parts
        if isinstance(part, ast.Name | ast.Attribute)
    }


def is_self(node: ast.expr) -> bool:
    """Return whether ``node`` is ``self``, whose numbers belong to one user."""
    return isinstance(node, ast.Name) and node.id == "self"
