"""Finds an application by its import string, or as Flask does where it is not named."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.machinery
import inspect
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from loadtests.targets.application.inspector import kinds
from loadtests.targets.application.inspector.own_lines import FOLDER

SOURCES = ("", "src")
"""Where a project's modules lie, below its folder."""

DEFAULT_MODULES = ("wsgi", "app")
FURTHER_MODULES = ("main", "asgi", "api")
"""Where others have theirs, such as FastAPI; taken where their code seems to have one."""

SEEMS = r"\bFlask\(__name__|\b(FastAPI|Litestar|Quart|Sanic|Starlette|create_app|make_app)\("

APPLICATIONS, FACTORIES = ("app", "application"), ("create_app", "make_app")
"""What Flask looks for where nothing is named, each in this order (``flask.cli``)."""

MOST_NAMES = 12


class Trouble(Exception):
    """The application cannot be used; ``fields`` say why."""

    def __init__(self, kind: str, **fields: Any) -> None:
        super().__init__(kind)
        self.fields = {"kind": kind, **fields}


def located(text: str) -> tuple[str, str, str | None]:
    """Return folder (below the project's), module and attribute of an import string or a path."""
    path, *rest = re.split(r":(?![\\/])", text, maxsplit=1)
    attribute = rest[0] if rest else None
    if not path.endswith(".py") and os.sep not in path:
        return _source_of(path), path, attribute
    full = Path(os.path.realpath(FOLDER / path))
    if not full.exists() or FOLDER not in full.parents:
        raise Trouble("no_file", file=path)
    full = full.parent if full.name == "__init__.py" else full.with_suffix("")
    parts = [full.name]
    while (full.parent / "__init__.py").exists() and full.parent != FOLDER:
        full = full.parent
        parts.insert(0, full.name)
    source = str(full.parent.relative_to(FOLDER))
    return ("" if source == os.curdir else source), ".".join(parts), attribute


def _source_of(module: str) -> str:
    """Return the folder from which a module is imported: the project's own, or its ``src``."""
    top = module.partition(".")[0]
    for needs_code in (True, False):  # a folder without code is a namespace package
        for source in SOURCES:
            spec = importlib.machinery.PathFinder.find_spec(top, [str(FOLDER / source)])
            if spec is not None and (spec.origin or not needs_code):
                return source
    return ""


def unnamed() -> str:
    """Return the module that is taken where none is named: as Flask does, else an async one."""
    for name in DEFAULT_MODULES:
        if (FOLDER / f"{name}.py").is_file() or (FOLDER / name / "__init__.py").is_file():
            return name
    seeming = _modules(SEEMS)
    for name in FURTHER_MODULES:
        if name in seeming:
            return name
    raise Trouble("nothing", names=seeming)


def _modules(pattern: str = "") -> list[str]:
    """Return the project's modules, or those whose code has a pattern."""
    names = []
    for place in (FOLDER / source for source in SOURCES):
        for file in sorted([*place.glob("*.py"), *place.glob("*/__init__.py")]):
            name = file.parent.name if file.name == "__init__.py" else file.stem
            with contextlib.suppress(OSError):
                if name != "setup" and re.search(
                    pattern, file.read_text(errors="replace", encoding="utf-8")
                ):
                    names.append(name)
    return names[:MOST_NAMES]


def imported(module: str) -> ModuleType:
    """Import a module; raise :class:`Trouble` if it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module != missing and not module.startswith(f"{missing}."):
            raise
        raise Trouble("no_module", module=missing, names=_modules()) from None


def named(module: ModuleType, attribute: str) -> tuple[Any, str]:
    """Return the value of an attribute or a call, and its text; a bare factory is called."""
    name, args, options = _parsed(attribute)
    if not hasattr(module, name):
        found = {"names": offered(module), "likely": _likely(module)}
        raise Trouble("attribute", module=module.__name__, attribute=name, **found)
    value = getattr(module, name)
    if args is not None:
        return _called(value, attribute.strip(), *args, **options)
    if kinds.needs_nothing(value) and kinds.interface_of(value) is None:
        return _called(value, f"{name}()")
    return value, name


def _parsed(attribute: str) -> tuple[str, list[Any] | None, dict[str, Any]]:
    """Return an attribute's name, and the arguments of a call (None for no call)."""
    try:
        expression = ast.parse(attribute.strip(), mode="eval").body
        if isinstance(expression, ast.Name):
            return expression.id, None, {}
        if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name):
            args = [ast.literal_eval(arg) for arg in expression.args]
            options = {str(word.arg): ast.literal_eval(word.value) for word in expression.keywords}
            return expression.func.id, args, options
    except (SyntaxError, ValueError):
        pass
    raise Trouble("form", attribute=attribute)


def _called(factory: Any, text: str, *args: Any, **options: Any) -> tuple[Any, str]:
    """Call a factory; raise :class:`Trouble` if it cannot be called so."""
    try:
        return factory(*args, **options), text
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # it was called, and failed
        raise Trouble("arguments", call=text, exception=str(error)) from None


def best(module: ModuleType, also: list[str]) -> tuple[Any, str]:
    """Return a module's application by Flask's rule, and its text; add others to ``also``."""
    values = {name: value for name, value in vars(module).items() if not isinstance(value, type)}
    instances: dict[int, str] = {}
    for name, value in values.items():
        if kinds.framework_of(value) and kinds.interface_of(value) and not kinds.is_part(value):
            instances.setdefault(id(value), name)
    for name in APPLICATIONS:
        if kinds.interface_of(values.get(name)):
            also += [other for key, other in instances.items() if key != id(values[name])]
            return values[name], name
    if len(instances) > 1:
        raise Trouble("several", module=module.__name__, names=list(instances.values()))
    for name in instances.values():
        return values[name], name
    for name in FACTORIES:
        if inspect.isfunction(values.get(name)):
            return _called(values[name], f"{name}()")
    raise Trouble("none", module=module.__name__, names=offered(module))


def offered(module: ModuleType) -> list[str]:
    """Return what a module offers, applications and factories first."""
    others = [name for name, value in _public(module).items() if _is_of(module, value)]
    return list(dict.fromkeys([*_likely(module), *others]))[:MOST_NAMES]


def _likely(module: ModuleType) -> list[str]:
    """Return the names of a module's applications and factories."""
    values = _public(module)
    return [name for name in values if kinds.interface_of(values[name]) or name in FACTORIES]


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def _is_of(module: ModuleType, value: Any) -> bool:
    """Tell whether a module itself made a value, and did not import it."""
    try:
        return not isinstance(value, ModuleType) and value.__module__ == module.__name__
    except Exception:  # noqa: BLE001  most values have no module, and a proxy may raise anything
        return False
