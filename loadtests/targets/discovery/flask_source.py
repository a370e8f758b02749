"""Finds Flask applications, and other WSGI and ASGI ones, in a folder's source; imports nothing."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.tested.surroundings import FoundRoute
from loadtests.targets.discovery import makers
from loadtests.targets.discovery.makers import DJANGOS, FACTORIES, makes, name_of
from loadtests.targets.discovery.source_files import dotted, modules, parsed

FIRST = ("wsgi", "app", "application", "main", "server", "run", "api", "web")
"""Usual names of modules with an application, those that Flask looks for first."""

APPLICATIONS = ("app", "application")
_BRACES = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")
"""A parameter of a path as FastAPI and Starlette write it."""

METHODS = ("get", "post", "put", "patch", "delete")
MOST_FOLLOWED = 3
"""Modules from which an application comes, one after another."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """An application in the source: its import string, its file, and the routes that are seen.

    ``framework`` is that of an async application, which WSGI servers do not serve.
    """

    name: str
    file: str
    routes: tuple[FoundRoute, ...] = ()
    framework: str | None = None


def find(folder: Path) -> tuple[Source, ...]:
    """Return the WSGI applications of a folder, the likeliest first."""
    return tuple(source for source in _all(folder) if source.framework is None)


def find_async(folder: Path) -> tuple[Source, ...]:
    """Return the async applications of a folder, the likeliest first."""
    return tuple(source for source in _all(folder) if source.framework is not None)


def find_any(folder: Path) -> tuple[Source, ...]:
    """Return the WSGI applications of a folder, and the async ones of one that has none."""
    return find(folder) or find_async(folder)


def find_guesses(folder: Path) -> tuple[Source, ...]:
    """Return what may be applications by their names alone; only an import tells what they are.

    Such as ``app = get_application()`` in ``main.py``, where another module makes it.
    """
    guesses = [
        Source(name=f"{dotted(file, top)}:{name}", file=str(file.relative_to(folder)))
        for top in (folder, folder / "src")
        for file in modules(top)
        if file.stem in FIRST and (tree := parsed(file)) is not None
        for name in APPLICATIONS
        if any(_is_made_here(tree, made, top) for node in tree.body if (made := _maker(node, name)))
    ]
    return tuple(sorted(guesses, key=_rank))


def _is_made_here(tree: ast.Module, function: str, top: Path) -> bool:
    """Tell whether a function is the project's own: of this module, or imported from another."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return True
        if isinstance(node, ast.ImportFrom):
            first = (node.module or "").partition(".")[0]
            is_own = node.level > 0 or (top / first).is_dir() or (top / f"{first}.py").is_file()
            if is_own and any((name.asname or name.name) == function for name in node.names):
                return True
    return False


def offers_one(folder: Path, module: str) -> bool:
    """Return whether a module can have an application: not a package that is empty itself.

    ``module`` has no dots. A file counts, and so does a package whose own file makes, imports or
    loads anything that may be one.
    """
    for top in (folder, folder / "src"):
        if os.path.isfile(top / f"{module}.py"):  # noqa: PTH113  that of a path raises
            return True
        tree = parsed(top / module / "__init__.py")
        if tree is not None:
            return any(_may_be_one(node) for node in tree.body)
    return True


def _may_be_one(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module != "__future__"
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(node.value, ast.Call)
    return isinstance(node, ast.FunctionDef | ast.Try | ast.If | ast.With)


def is_async(folder: Path, application: str) -> bool:
    """Return whether the source shows that an import string names an ASGI application.

    What a module of the project imports or calls in another one is followed there. False also means
    that the source does not show it. An import tells for sure.
    """
    return _is_async(folder, application, MOST_FOLLOWED)


def _is_async(folder: Path, application: str, left: int) -> bool:
    module, _, attribute = application.partition(":")
    path = Path(*module.removesuffix(".py").split("." if "/" not in module else "/"))
    for top in (folder, folder / "src"):
        for file in ((top / path).with_suffix(".py"), top / path / "__init__.py"):
            tree = parsed(file)
            if tree is None:
                continue
            package = path if file.name == "__init__.py" else path.parent
            other = _leads_to(tree, module, package, attribute) if left else None
            return _makes_async(tree, attribute) or (
                other is not None and _is_async(folder, other, left - 1)
            )
    return False


def _leads_to(tree: ast.Module, module: str, package: Path, attribute: str) -> str | None:
    """Return the import string of what an attribute is imported from, or of what makes it."""
    name, bracket, rest = (attribute or APPLICATIONS[0]).partition("(")
    made = "" if bracket else next(filter(None, (_maker(node, name) for node in tree.body)), "")
    if made:
        name, bracket, rest = made, "(", ")"
    for node in (node for node in tree.body if isinstance(node, ast.ImportFrom)):
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                above = package.parts[: len(package.parts) + 1 - node.level] if node.level else ()
                place = ".".join([*above, *([node.module] if node.module else [])])
                return f"{place}:{alias.name}{bracket}{rest}"
    return f"{module}:{made}()" if made else None


def _maker(node: ast.stmt, name: str) -> str:
    """Return the name of the function whose call a statement assigns to a name; "" for none."""
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
        return ""
    is_named = any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
    return name_of(node.value.func) if is_named else ""


def _makes_async(tree: ast.Module, attribute: str) -> bool:
    wsgi, async_ = makers.wsgi_of(tree), frozenset(makers.async_of(tree))
    if not attribute:
        return _attribute(tree, wsgi) is None and _attribute(tree, async_) is not None
    name, is_call = attribute.partition("(")[0], attribute.endswith(")")
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and not is_call and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return makes(node.value, async_ | {DJANGOS})
        elif isinstance(node, ast.FunctionDef) and node.name == name:
            made = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
            return any(makes(each, async_) for each in made) and not any(
                makes(each, wsgi - {*FACTORIES}) for each in made
            )
    return False


def _all(folder: Path) -> list[Source]:
    sources = [
        source
        for top in (folder, folder / "src")
        for file in modules(top)
        if (source := _source(file, top, folder)) is not None
    ]
    return sorted(sources, key=_rank)


def _rank(source: Source) -> tuple[int, int, str]:
    module, _, attribute = source.name.partition(":")
    last = module.rpartition(".")[2]
    place = FIRST.index(last) if last in FIRST else len(FIRST)
    return (module.count("."), place, attribute)


def _source(file: Path, top: Path, folder: Path) -> Source | None:
    tree = parsed(file)
    if tree is None:
        return None
    framework = None
    attribute = _attribute(tree, makers.wsgi_of(tree))
    if attribute is None:
        known = makers.async_of(tree)
        attribute = _attribute(tree, frozenset(known))
        if attribute is None:
            return None
        framework = next(
            known[name] for name in sorted(known) if _attribute(tree, frozenset({name}))
        )
    return Source(
        name=f"{dotted(file, top)}:{attribute}",
        file=str(file.relative_to(folder)),
        routes=tuple(_routes(tree)),
        framework=framework,
    )


def _attribute(tree: ast.Module, known: frozenset[str]) -> str | None:
    """Return the application or the factory that a module has at its top, as Flask looks for it."""
    made: list[str] = []
    factories: list[str] = []
    known |= _own_makers(tree, known)
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets: list[ast.expr] = (
                statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            )
            if statement.value is not None and makes(statement.value, known):
                made += [target.id for target in targets if isinstance(target, ast.Name)]
        elif isinstance(statement, ast.FunctionDef) and _is_a_factory(statement, known):
            factories.append(statement.name)
    for name in (*APPLICATIONS, *made):
        if name in made:
            return name
    return f"{factories[0]}()" if factories else None


def _own_makers(tree: ast.Module, known: frozenset[str]) -> frozenset[str]:
    """Return the functions of a module that make an application and return something."""
    certain = known - {*FACTORIES}
    return frozenset(
        function.name
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        and function.name not in FACTORIES
        and any(isinstance(node, ast.Call) and makes(node, certain) for node in ast.walk(function))
        and any(isinstance(node, ast.Return) and node.value for node in ast.walk(function))
    )


def _is_a_factory(function: ast.FunctionDef, known: frozenset[str]) -> bool:
    certain = known - {*FACTORIES}
    return function.name in FACTORIES and any(
        isinstance(node, ast.Call) and makes(node, certain) for node in ast.walk(function)
    )


def _routes(tree: ast.Module) -> Iterator[FoundRoute]:
    """Give the routes that decorators name on an application itself, not on a blueprint."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            route = _route(decorator)
            if route is not None:
                yield route


def _route(decorator: ast.expr) -> FoundRoute | None:
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return None
    owner, kind = decorator.func.value, decorator.func.attr
    if not isinstance(owner, ast.Name) or owner.id not in APPLICATIONS:
        return None
    path = decorator.args[0] if decorator.args else None
    if kind not in {"route", *METHODS} or not isinstance(path, ast.Constant):
        return None
    methods: tuple[str, ...] = ("GET",) if kind in {"route", "get"} else (kind.upper(),)
    for keyword in decorator.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple):
            methods = tuple(
                str(item.value).upper()
                for item in keyword.value.elts
                if isinstance(item, ast.Constant)
            )
    return FoundRoute(path=_BRACES.sub(_as_flask_writes, str(path.value)), methods=methods)


def _as_flask_writes(match: re.Match[str]) -> str:
    return f"<{match['kind']}:{match['name']}>" if match["kind"] else f"<{match['name']}>"
