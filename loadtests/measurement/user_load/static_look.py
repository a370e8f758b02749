"""Reads a locustfile without running it: what would ask another host, and what is too old."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.measurement.user_load.listeners import in_listeners, name_of
from loadtests.measurement.user_load.undefined_names import undefined_names

VERBS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "request", "rest", "rest_"}
)

CLIENTS = frozenset({"client", "session"})
"""Names of what sends requests, beside the modules below."""

LIBRARIES = frozenset({"requests", "httpx", "urllib3"})

CUT = "\0"
"""The end of a text of which only the beginning is known."""

ABSOLUTE = re.compile(r"https?://[^/\s{\0]", re.IGNORECASE)

BEFORE_1_0 = frozenset({"HttpLocust", "Locust", "FastHttpLocust", "TaskSequence", "seq_task"})
"""Names that Locust had before 1.0, and that cannot be used since."""

OLD_EVENTS = frozenset(
    {
        "request_success",
        "request_failure",
        "locust_error",
        "hatch_complete",
        "locust_start_hatching",
    }
)


MISSING = (
    "It imports {name}, which the load generator does not have. Name a file with what it needs:"
    " --generator-requirements requirements.txt."
)
ABOVE = (
    "It imports {name}, which lies in the current folder and not beside the file. In containers and"
    " on other machines, the load generator has the file's own folder alone. Move the file beside"
    " {name}."
)


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something about a line of a locustfile. ``code`` is one of those of ``findings``."""

    code: str
    place: str
    detail: str


def read_locustfile(
    text: str,
    name: str,
    is_there: Callable[[str], bool] = lambda _: True,
    is_above: Callable[[str], bool] = lambda _: False,
) -> tuple[Remark, ...]:
    """Return what a locustfile called ``name`` shows without being run.

    ``is_there`` says whether the load generator can import a module, and ``is_above`` whether one
    lies in the current folder, which a generator in a container does not have.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        reason = getattr(error, "msg", str(error))
        place = f"{name}:{line}" if line else name
        return (Remark(code="syntax", place=place, detail=f"It is not valid Python: {reason}."),)
    reader = _Reader(tree, name, text)
    return (*reader.missing_modules(is_there, is_above), *reader.remarks())


class _Reader:
    """One locustfile as a tree."""

    def __init__(self, tree: ast.Module, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._tree = tree
        self._nodes = [node for part in tree.body if not is_main(part) for node in ast.walk(part)]
        self._constants = constants_of(self._nodes)
        self._in_listeners = {id(node) for node in in_listeners(self._nodes)}

    def remarks(self) -> Iterator[Remark]:
        """Give all remarks, by line."""
        found = [*self._old(), *self._elsewhere(), *self._sleeps(), *self._undefined()]
        yield from sorted(found, key=lambda remark: int(remark.place.rpartition(":")[2]))

    def _old(self) -> Iterator[Remark]:
        for node in self._nodes:
            old: set[str] = set()
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("locust"):
                old = {entry.name for entry in node.names} & BEFORE_1_0
            elif isinstance(node, ast.Attribute) and is_old_event(node):
                old = {f"events.{node.attr}"}
            for name in sorted(old):
                yield self._remark(
                    "old_locust",
                    node,
                    f"{name} is of Locust before 1.0. Today it is User, HttpUser, FastHttpUser,"
                    " SequentialTaskSet and events.request; see Locust's changelog.",
                )

    def _elsewhere(self) -> Iterator[Remark]:
        for node in self._nodes:
            if not isinstance(node, ast.Call):
                continue
            url = self._url_of(node)
            if url is not None and ABSOLUTE.match(url):
                host = _host_of(url.rstrip(CUT))
                yield self._remark(
                    "aside" if id(node) in self._in_listeners else "elsewhere",
                    node,
                    f"It asks {host}, which is not the target. Nothing is sent there: ask for a"
                    " path, such as /search, or for self.host.",
                )

    def _sleeps(self) -> Iterator[Remark]:
        for node in self._nodes:
            if isinstance(node, ast.Call) and name_of(node.func) in {
                "time.sleep",
                "gevent.sleep",
                "sleep",
            }:
                detail = "A task sleeps by itself, which is kept: its users send less."
                yield self._remark("sleep", node, detail)

    def _undefined(self) -> Iterator[Remark]:
        for name, line in undefined_names(self._tree, self._text, self._name):
            detail = f"NameError: the name {name} is not defined."
            yield Remark(code="undefined_name", place=f"{self._name}:{line}", detail=detail)

    def missing_modules(
        self, is_there: Callable[[str], bool], is_above: Callable[[str], bool]
    ) -> Iterator[Remark]:
        """Give the modules that the file needs and that are not there.

        Imports inside of a ``try`` are not needed, and where the file changes ``sys.path``, nobody
        knows.
        """
        if any(name_of(node) == "sys.path" for node in self._nodes):
            return
        for node in self._tree.body:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [entry.name for entry in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in dict.fromkeys(name.partition(".")[0] for name in names):
                if not is_there(name):
                    told = ABOVE if is_above(name) else MISSING
                    yield self._remark("missing_module", node, told.format(name=name))

    def _url_of(self, call: ast.Call) -> str | None:
        """Return the beginning of the URL that a call asks for; None if it asks for none."""
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in VERBS:
            return name_call_url(call, self._constants)
        owner = name_of(function.value)
        if function.attr in {"rest", "rest_"}:
            owner = "client"  # a method of the user itself
        if owner.rpartition(".")[2] not in CLIENTS | LIBRARIES and not owner.endswith("client"):
            return None
        arguments = list(call.args)
        if function.attr in {"request", "rest", "rest_"}:
            arguments = arguments[1:]
        named = [keyword.value for keyword in call.keywords if keyword.arg == "url"]
        return (
            beginning(arguments[0], self._constants)
            if arguments
            else (beginning(named[0], self._constants) if named else None)
        )

    def _remark(self, code: str, node: ast.AST, detail: str) -> Remark:
        line = getattr(node, "lineno", 0)
        return Remark(code=code, place=f"{self._name}:{line}", detail=detail)


def is_old_event(node: ast.Attribute) -> bool:
    """Return whether ``node`` is an event that Locust no longer has."""
    return node.attr in OLD_EVENTS and name_of(node.value).endswith("events")


def is_main(node: ast.stmt) -> bool:
    """Return whether ``node`` is the part that only runs when the file is a program."""
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def constants_of(nodes: list[ast.AST]) -> dict[str, str]:
    """Return the names that are set once in a file, to a text that is known."""
    values: dict[str, list[ast.expr | None]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        value = node.value if not isinstance(node, ast.AugAssign) else None
        for target in targets:
            values.setdefault(name_of(target).rpartition(".")[2], []).append(value)
    constants: dict[str, str] = {}
    for _ in range(3):  # constants may be made of others
        for name, given in values.items():
            if name and len(given) == 1 and given[0] is not None and name != "host":
                text = beginning(given[0], constants)
                if text is not None:
                    constants[name] = text
    return constants


def beginning(node: ast.expr, constants: dict[str, str]) -> str | None:
    """Return the text that ``node`` begins with, as far as it is known; None where nothing is.

    It ends with ``CUT`` where more follows that is not known.
    """
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return joined([shown(part) for part in node.values], constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return joined([node.left, node.right], constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return filled(node.left, values, constants, "%", lambda text, given: text % given)
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "format":
            values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg)]
            return filled(function.value, values, constants, "{", _formatted(node))
        if name_of(function).rpartition(".")[2] == "urljoin" and node.args:
            return beginning(node.args[0], constants)
        return None
    if isinstance(node, ast.Name | ast.Attribute):
        return constants.get(name_of(node).rpartition(".")[2])
    return None


def shown(part: ast.expr) -> ast.expr | None:
    """Return what a part of an f-string shows; None where it is formatted."""
    if not isinstance(part, ast.FormattedValue):
        return part
    return None if part.format_spec is not None or part.conversion != -1 else part.value


def joined(parts: Sequence[ast.expr | None], constants: dict[str, str]) -> str | None:
    """Return the texts of ``parts`` behind one another, up to the first that is not known."""
    text = ""
    for part in parts:
        more = None if part is None else beginning(part, constants)
        if more is None:
            return f"{text}{CUT}" if text else None
        text += more
        if text.endswith(CUT):
            break
    return text


def filled(
    node: ast.expr,
    values: Sequence[ast.expr],
    constants: dict[str, str],
    mark: str,
    fill: Callable[[str, tuple[str, ...]], str],
) -> str | None:
    """Return a text with its values in it; cut off at the first ``mark`` where one is not known."""
    text = beginning(node, constants)
    if text is None or mark not in text:
        return text
    known = [beginning(value, constants) for value in values]
    given = tuple(value for value in known if value is not None and not value.endswith(CUT))
    if len(given) == len(values) and not text.endswith(CUT):
        with suppress(TypeError, ValueError, LookupError, AttributeError):
            return fill(text, given)
    return text.partition(mark)[0] + CUT


def _formatted(call: ast.Call) -> Callable[[str, tuple[str, ...]], str]:
    """Return what fills a text as ``call`` does, given its values in their order."""
    count = len(call.args)
    names = [keyword.arg for keyword in call.keywords if keyword.arg]
    return lambda text, given: text.format(
        *given[:count], **dict(zip(names, given[count:], strict=True))
    )


def name_call_url(call: ast.Call, constants: dict[str, str]) -> str | None:
    """Return the URL of a call such as ``urlopen(...)``."""
    if name_of(call.func).rpartition(".")[2] in {"urlopen", "urlretrieve"} and call.args:
        return beginning(call.args[0], constants)
    return None


def _host_of(url: str) -> str:
    """Return the host of an address; the whole text where it has none, or is no address."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:  # http://[object Object]/
        return url


def read_file(path: Path) -> str:
    """Return the text of a locustfile; bytes that are no UTF-8 are replaced."""
    return path.read_text(encoding="utf-8-sig", errors="replace")
