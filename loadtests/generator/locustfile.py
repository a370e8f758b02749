"""Loads locustfiles: each with its user classes, its own events and its Locust runner."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import locust
from locust import User
from locust.env import Environment
from locust.event import Events
from locust.runners import LocalRunner
from locust.stats import RequestStats

from loadtests.generator.http.other_clients import record_other_clients
from loadtests.generator.http.user import LeanHttpUser

BUILT_IN = Path(__file__).parent / "locustfiles"
DEFAULT = "sample"


class UnusableLocustfile(Exception):
    """A locustfile cannot be used; the message says why."""


class Locustfiles:
    """The locustfiles used so far, each loaded once.

    With ``stats``, all of them write to these Locust statistics; by default each has its own.
    """

    def __init__(self, stats: RequestStats | None = None) -> None:
        self._stats = stats
        self._environments: dict[Path, Environment] = {}

    def environment(self, locustfile: str | None) -> Environment:
        """Return the environment of ``locustfile``: a path, or the name of a built-in one.

        None is the built-in one that requests a single path. Raises ``UnusableLocustfile``.
        """
        path = path_of(locustfile or DEFAULT)
        if path not in self._environments:
            environment = load_locustfile(path)
            environment.stats = self._stats or environment.stats
            self._environments[path] = environment
        return self._environments[path]


def path_of(locustfile: str) -> Path:
    """Return the path of ``locustfile``; a bare name is a built-in one."""
    return (
        BUILT_IN / f"{locustfile}.py" if locustfile.isidentifier() else Path(locustfile).resolve()
    )


def load_locustfile(path: Path) -> Environment:
    """Return a new environment with the user classes of the locustfile at ``path``.

    Raises ``UnusableLocustfile``.
    """
    events: Any = Events()  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    locust.events = events  # a locustfile adds its listeners to locust.events
    users = user_classes(path)
    try:
        environment = Environment(user_classes=users, events=events)
    except ValueError as error:
        raise UnusableLocustfile(f"{path}: {error}") from error
    if not all(issubclass(cls, LeanHttpUser) for cls in users):
        record_other_clients(environment)
    return environment


def user_classes(path: Path) -> list[type[User]]:
    """Import the locustfile at ``path``; return its user classes.

    Raises ``UnusableLocustfile``.
    """
    spec = importlib.util.spec_from_file_location(f"locustfile_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UnusableLocustfile(f"{path} is not a readable Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UnusableLocustfile(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, User) and not value.abstract
    ]
    if not classes:
        raise UnusableLocustfile(f"{path} has no User class. Define one that has tasks.")
    return classes


def local_runner(environment: Environment) -> LocalRunner:
    """Return the environment's runner; create it on the first call."""
    runner = environment.runner
    if not isinstance(runner, LocalRunner):
        runner = environment.create_local_runner()
        events: Any = environment.events  # Locust leaves them untyped
        events.init.fire(environment=environment, runner=runner, web_ui=None)
    return runner


def share_users(classes: list[type[User]], users: int) -> dict[str, int]:
    """Return how many of ``users`` each class gets: fixed counts first, then by weight.

    Shares are rounded by the largest-remainder method; of equal remainders, earlier classes win.
    """
    counts = {cls.__name__: 0 for cls in classes}
    left = users
    for cls in classes:
        if cls.fixed_count:
            counts[cls.__name__] = min(left, cls.fixed_count)
            left -= counts[cls.__name__]
    weighted = [cls for cls in classes if not cls.fixed_count]
    total = sum(cls.weight for cls in weighted)
    if not total:
        return counts
    exact = {cls.__name__: left * cls.weight / total for cls in weighted}
    counts |= {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: int(exact[name]) - exact[name])
    for name in by_remainder[: left - sum(int(value) for value in exact.values())]:
        counts[name] += 1
    return counts
