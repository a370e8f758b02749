"""Loads a user's locustfile as Locust does, with the generator's client for its users."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import locust
from locust import TaskSet, User
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.event import Events

from loadtests.generator.locustfile import UnusableLocustfile
from loadtests.generator.session.places import UNKNOWN, error_place
from loadtests.generator.session.users import LeanUser, host_for, in_place_of_stock
from loadtests.generator.user_load import described
from loadtests.generator.user_load.orders import FileOrder
from loadtests.generator.user_load.shared_state import Stocks, shift_counters

START_FOLDER = Path.cwd()
"""The working folder before a locustfile had its own."""

OLD_LOCUST = re.compile(
    r"has been renamed to \w*User in version 1\.0"
    r"|cannot import name '\w+' from 'locust[.\w]*'"
    r"|'Events' object has no attribute"
    r"|No module named 'locust\.\w+'"
)
"""What Python says of a file for a Locust of long ago."""


class BadFile(UnusableLocustfile):
    """A locustfile cannot be used; ``code`` is the kind of reason."""

    def __init__(self, code: str, detail: str, place: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.place = place


@dataclass(frozen=True, kw_only=True)
class UserFile:
    """A loaded locustfile; ``notes`` are sentences about what is left out or changed."""

    environment: Environment
    classes: tuple[type[User], ...]
    folder: Path
    order: FileOrder
    notes: tuple[str, ...]
    stocks: Stocks
    hosts: Mapping[type[User], str | None]
    """The hosts of classes with clients of their own, as the file has them."""

    def point_at(self, base_url: str) -> None:
        """Let ``self.host`` of classes with clients of their own be the target, as Locust does."""
        for cls, own in self.hosts.items():
            cls.host = host_for(own, base_url)


def load_user_file(order: FileOrder, *, number: int, base_url: str) -> UserFile:
    """Load the file of ``order`` for the process ``number``; raises ``BadFile``."""
    path = Path(order.path)
    if not path.is_file():
        raise BadFile("no_file", f"{path} is not there.")
    events: Any = Events()  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    locust.events = events  # a locustfile adds its listeners to locust.events
    settle_in(order)
    module = imported(path, order)
    modules = modules_in(path.parent)
    shifted = shift_counters(modules, number)
    stocks = Stocks(modules)
    classes = chosen_classes(module, order)
    notes = described.notes_of(module, classes, order)  # before tags take tasks away
    options = parsed_options(events)
    options.host = base_url
    environment = Environment(
        user_classes=list(classes),
        events=events,
        parsed_options=options,
        tags=list(order.tags) or None,
        exclude_tags=list(order.exclude_tags) or None,
        locustfile=path.name,
        host=base_url,
    )
    drop_by_tags(environment, classes, order)
    if idle := [cls.__name__ for cls in classes if not cls.tasks]:
        notes = (*notes, f"Without a task, and so left out: {', '.join(idle)}.")
    if shifted:
        names = ", ".join(dict.fromkeys(shifted))
        notes = (*notes, f"Each generator process counts {names} from a number of its own.")
    return UserFile(
        environment=environment,
        classes=tuple(environment.user_classes),
        folder=path.parent,
        order=order,
        notes=notes,
        stocks=stocks,
        hosts={cls: cls.host for cls in classes if not issubclass(cls, LeanUser)},
    )


def settle_in(order: FileOrder) -> None:
    """Make the file's folder the working folder, and set the variables of ``order``.

    The file can import from its folder first, and then from the one that the generator was
    started in, as under Locust. The generator's own modules are loaded by now.
    """
    folder = str(Path(order.path).parent)
    os.chdir(folder)
    os.environ.update(order.env)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    if str(START_FOLDER) not in sys.path:
        sys.path.insert(1, str(START_FOLDER))
    if order.modules and order.modules not in sys.path:
        sys.path.append(order.modules)  # last: the generator's own modules come first


def imported(path: Path, order: FileOrder) -> ModuleType:
    """Import the file as Locust does; raises ``BadFile``."""
    for name, other in list(sys.modules.items()):  # siblings of another locustfile
        own = getattr(other, "__file__", None) or ""
        if other in USER_MODULES and not own.startswith(f"{path.parent}/"):
            del sys.modules[name]
    name = "locustfile" if path.stem == "locust" else path.stem
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules.values())
    sys.modules[name] = module
    with reasons_for(path, order), in_place_of_stock():
        loader.exec_module(module)
    USER_MODULES.extend(set(modules_in(path.parent)) - before)
    return module


USER_MODULES: list[ModuleType] = []
"""The modules that came from users' folders."""


def modules_in(folder: Path) -> list[ModuleType]:
    """Return the loaded modules whose files are in ``folder``."""
    return [
        module
        for module in list(sys.modules.values())
        if (getattr(module, "__file__", None) or "").startswith(f"{folder}/")
        and "site-packages" not in (module.__file__ or "")
    ]


@contextmanager
def reasons_for(path: Path, order: FileOrder) -> Iterator[None]:
    """Turn whatever the import of ``path`` raises into a ``BadFile`` that says why."""
    try:
        yield
    except SyntaxError as error:
        place = f"{Path(error.filename or path).name}:{error.lineno}"
        raise BadFile("syntax", f"{path.name} is not valid Python: {error.msg}.", place) from error
    except (Exception, SystemExit) as error:
        place = error_place(path.parent, error.__traceback__)
        text = f"{type(error).__name__}: {error}"
        if OLD_LOCUST.search(str(error)):
            detail = (
                f"{path.name} is written for another version of Locust than {locust.__version__}:"
                f" {error}"
            )
            raise BadFile("old_locust", detail, place) from error
        if isinstance(error, ModuleNotFoundError):
            raise BadFile("missing_module", missing_module(path, error, order), place) from error
        if isinstance(error, KeyError) and is_environment(error):
            detail = f"{path.name} reads the environment variable {error}, which is not set."
            raise BadFile("missing_variable", detail, place) from error
        detail = f"{path.name} fails when it is imported: {text}"
        raise BadFile("import_error", detail, "" if place == UNKNOWN else place) from error


def missing_module(path: Path, error: ModuleNotFoundError, order: FileOrder) -> str:
    """Return the message about a module that is missing, with the way out."""
    way_out = (
        "The given requirements do not bring it."
        if order.modules
        else "Name a file with what it needs: --generator-requirements requirements.txt."
    )
    return f"{path.name} imports {error.name}, which the load generator does not have. {way_out}"


def is_environment(error: BaseException) -> bool:
    """Return whether ``error`` came from reading ``os.environ``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename in {os.__file__, "<frozen os>"}


def chosen_classes(module: ModuleType, order: FileOrder) -> tuple[type[User], ...]:
    """Return the user classes of ``module`` that ``order`` asks for; raises ``BadFile``."""
    found = {
        value.__name__: value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, User) and value.abstract is False
    }
    if not found:
        raise BadFile("no_user_class", "The file has no User class that is not abstract.")
    unknown = [name for name in order.classes if name not in found]
    if unknown:
        raise BadFile(
            "unknown_class", f"There is no class {unknown[0]}; there are {', '.join(found)}."
        )
    names = order.classes or tuple(found)
    classes = [found[name] for name in names]
    active = tuple(cls for cls in classes if cls.weight > 0 or cls.fixed_count > 0)
    if not active:
        raise BadFile("no_user_class", "Every user class has the weight 0.")
    return active


def parsed_options(events: Any) -> Any:
    """Return Locust's options with those of the file, all with their defaults.

    Raises ``BadFile`` for an option of the file that has to be given.
    """
    assert locust.events is events
    parser = get_parser(default_config_files=[])
    problems: list[str] = []
    parser.error = problems.append  # type: ignore[method-assign]  # else it ends the program
    try:
        options = parser.parse_args([])
    except (SystemExit, TypeError, ValueError) as error:
        problems.append(str(error))
    if problems:
        raise BadFile(
            "options",
            f"The options that the file adds cannot have their defaults: {problems[0]}."
            " Give each a default, or an environment variable (env_var=).",
        )
    options.headless = True
    return options


def drop_by_tags(
    environment: Environment, classes: tuple[type[User], ...], order: FileOrder
) -> None:
    """Leave out the tasks that the tags of ``order`` exclude; raises ``BadFile`` if none is left.

    A class without any task left is left out.
    """
    there = sorted({name for cls in classes for name in tags_of(cls)})
    environment._filter_tasks_by_tags()  # noqa: SLF001 - Locust's runners call it so
    left = [cls for cls in classes if cls.tasks]
    if not left and not order.tags and not order.exclude_tags:
        raise BadFile(
            "no_task",
            f"{classes[0].__name__} has no task. Mark its methods with @task, or say"
            " abstract = True.",
        )
    if not left:
        asked = " ".join(
            (
                *(f"--tags {' '.join(order.tags)}",) * bool(order.tags),
                *(f"--exclude-tags {' '.join(order.exclude_tags)}",) * bool(order.exclude_tags),
            )
        )
        raise BadFile(
            "no_task_by_tags",
            f"{asked} leaves no task. The file has the tags {', '.join(there) or 'none'}.",
        )
    environment.user_classes[:] = left


def tags_of(holder: Any) -> set[str]:
    """Return the tags of all tasks of a user class or a TaskSet."""
    found: set[str] = set()
    for task in holder.tasks:
        found |= getattr(task, "locust_tag_set", set())
        if isinstance(task, type) and issubclass(task, TaskSet):
            found |= tags_of(task)
    return found
