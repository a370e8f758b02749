"""Describes a loaded locustfile: what is left out or changed, in sentences."""

from __future__ import annotations

import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from locust import LoadTestShape, TaskSet, User

from loadtests.generator.session.users import path_of
from loadtests.generator.user_load.orders import FileOrder


def notes_of(
    module: ModuleType, classes: tuple[type[User], ...], order: FileOrder
) -> tuple[str, ...]:
    """Return what is left out or changed of a file with these user ``classes``."""
    return (
        *waits(classes, order),
        *shapes(module),
        *hosts(classes),
        *fixed_counts(classes),
    )


def waits(classes: tuple[type[User], ...], order: FileOrder) -> Iterator[str]:
    """Yield a note on waiting times."""
    waiting = [
        holder.__name__ for cls in classes for holder in holders(cls) if waits_itself(holder)
    ]
    if not waiting:
        return
    names = ", ".join(dict.fromkeys(waiting))
    if order.keep_waits:
        yield f"The waits between tasks of {names} are kept (--keep-waits)."
    else:
        yield (
            f"The waits between tasks of {names} are left out, so that users load the target"
            " without a break. --keep-waits keeps them."
        )


def shapes(module: ModuleType) -> Iterator[str]:
    """Yield a note on load shapes."""
    found = [
        value.__name__
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, LoadTestShape)
        and value.__module__ == module.__name__
    ]
    if found:
        yield f"The load shape {', '.join(found)} is ignored: each trial has a steady load."


def hosts(classes: tuple[type[User], ...]) -> Iterator[str]:
    """Yield notes on hosts in user classes."""
    for host in dict.fromkeys(cls.host for cls in classes if cls.host):
        path = path_of(host).rstrip("/")
        kept = f" Its path {path} is kept." if path else ""
        yield f"The host {host} in the file is replaced by the target.{kept}"


def fixed_counts(classes: tuple[type[User], ...]) -> Iterator[str]:
    """Yield a note on classes with a fixed number of users."""
    fixed = [cls.__name__ for cls in classes if cls.fixed_count]
    if fixed and len(classes) > 1:
        yield (
            f"{', '.join(fixed)} has a fixed number of users (fixed_count), so its share of the"
            " requests falls as users grow with the replicas. Give it a weight instead."
        )


def holders(holder: Any) -> Iterator[Any]:
    """Yield a user class or TaskSet, and all TaskSets among its tasks."""
    seen = [holder]
    for current in seen:
        for task in current.tasks:
            if isinstance(task, type) and issubclass(task, TaskSet) and task not in seen:
                seen.append(task)
    yield from seen


def waits_itself(holder: Any) -> bool:
    """Return whether a user class or TaskSet waits between its tasks."""
    stock: Any = User.wait_time if issubclass(holder, User) else TaskSet.wait_time
    own: Any = holder.wait_time
    if own is stock:
        return bool(holder.max_wait or holder.wait_function)
    state = random.getstate()
    try:
        return bool(own(None))
    except Exception:  # noqa: BLE001 - it is anybody's code, and asks for its user
        return True
    finally:
        random.setstate(state)  # the file's own numbers must not depend on this
