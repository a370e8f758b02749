"""Loads a locustfile and keeps it ready: its users, its events and Locust's runner for them."""

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


class UnusableScenario(Exception):
    """A locustfile that cannot be used: the message says why."""


class Scenarios:
    """The locustfiles that were used so far, each loaded once.

    ``stats`` are Locust's statistics that all of them write to; by default each has its own.
    """

    def __init__(self, stats: RequestStats | None = None) -> None:
        self._stats = stats
        self._environments: dict[Path, Environment] = {}

    def environment(self, scenario: str | None) -> Environment:
        """Return the environment of the locustfile ``scenario``: a path, or a built-in one's name.

        None is the one that asks for a single path. Raises ``UnusableScenario``.
        """
        path = path_of(scenario or DEFAULT)
        if path not in self._environments:
            environment = load_scenario(path)
            environment.stats = self._stats or environment.stats
            self._environments[path] = environment
        return self._environments[path]


def path_of(scenario: str) -> Path:
    """Return the locustfile that is meant: a bare name is one of those beside this package."""
    return BUILT_IN / f"{scenario}.py" if scenario.isidentifier() else Path(scenario).resolve()


def load_scenario(path: Path) -> Environment:
    """Return an environment with the users of the locustfile at ``path`` and its own events.

    Raises ``UnusableScenario``.
    """
    events: Any = Events()  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    locust.events = events  # a locustfile adds its listeners to this name
    users = user_classes(path)
    try:
        environment = Environment(user_classes=users, events=events)
    except ValueError as error:
        raise UnusableScenario(f"{path}: {error}") from error
    if not all(issubclass(cls, LeanHttpUser) for cls in users):
        record_other_clients(environment)
    return environment


def user_classes(path: Path) -> list[type[User]]:
    """Import the locustfile at ``path`` and return its users; raises ``UnusableScenario``."""
    spec = importlib.util.spec_from_file_location(f"scenario_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UnusableScenario(f"{path} is not a Python file that can be read.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UnusableScenario(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, User) and not value.abstract
    ]
    if not classes:
        raise UnusableScenario(f"{path} has no User class with tasks.")
    return classes


def local_runner(environment: Environment) -> LocalRunner:
    """Return the environment's runner, made when it is needed first."""
    runner = environment.runner
    if not isinstance(runner, LocalRunner):
        runner = environment.create_local_runner()
        events: Any = environment.events  # Locust leaves them untyped
        events.init.fire(environment=environment, runner=runner, web_ui=None)
    return runner


def share_users(classes: list[type[User]], users: int) -> dict[str, int]:
    """Return how many of ``users`` each class gets: fixed counts first, then by weight.

    The largest remainders are rounded up, earlier classes before later ones.
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
