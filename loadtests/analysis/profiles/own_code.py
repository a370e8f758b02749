"""Which frames of a request are the user's own, and what they called. PURE.

An application may be installed as a package. Then its package is the first one that the framework
calls and that is no well-known library, because the application calls the other packages. But what
decorates a view is called before it. The stacks of all requests together tell the two apart, as far
as they can: see :func:`called_packages`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from loadtests.analysis.profiles.frames import (
    DISPATCH,
    FRAMEWORKS,
    LIBRARIES,
    STANDARD,
    described,
    is_own,
    is_python,
    package_of,
)
from loadtests.model.profiles.records import Frame

WRAPPER = re.compile(r"wrap|decorat|^inner$")
"""What the functions are called that decorators put in the place of a view."""

NAMED = re.compile(r"(?:^|[\s\[])([A-Za-z_]\w*)(?:\.\w+)*:[A-Za-z_]\w*(?:\([^\s)]*\))?(?=$|[\s\]])")
"""An import string among the words of a server: ``shop.wsgi:app``."""

Function = tuple[str, str]
"""A function's file and name."""


@dataclass(frozen=True, kw_only=True)
class Called:
    """What the stacks of all requests tell of the packages that a framework calls.

    ``stacks`` has the number of stacks that each is on. ``around`` has pairs of packages, of which
    the first decorates views of the second. ``application`` is the package that the server was told
    to serve; "" where that is not known.
    """

    application: str = ""
    stacks: Mapping[str, int] = field(default_factory=dict)
    around: Collection[tuple[str, str]] = ()


NOTHING = Called()


def own_line(
    frames: Sequence[Frame], folders: Collection[str] = (), called: Called = NOTHING
) -> tuple[Frame, str]:
    """Return the innermost frame of the user's own, and what it called (``psycopg execute``).

    A request without any has the innermost frame of all. ``folders`` are those of
    :func:`package_folders`, and ``called`` is from :func:`called_packages`.
    """
    path, callee = own_path(frames, folders, called)
    return path[-1], callee


def own_path(
    frames: Sequence[Frame], folders: Collection[str] = (), called: Called = NOTHING
) -> tuple[tuple[Frame, ...], str]:
    """Return the user's own frames of a request, and what the innermost one called.

    What is the user's own is as in :func:`own_line`. It is line 0 where a file is no source.
    """
    own = own_places(frames, folders, called)
    if not own:
        return (_in_source(frames[-1]),), ""
    callee = _callee(frames[own[-1] + 1 :], folders)
    return tuple(_in_source(frames[index]) for index in own), callee


def own_places(
    frames: Sequence[Frame], folders: Collection[str] = (), called: Called = NOTHING
) -> list[int]:
    """Return the places of the user's own frames, as :func:`own_line` knows them."""
    own = [index for index, frame in enumerate(frames) if is_own(frame, folders)]
    return own or _installed(frames, folders, called)


def package_named(words: Iterable[str]) -> str:
    """Return the package of the import string in a command line, or by itself; "" for none."""
    names = [name for text in words for name in NAMED.findall(text)]
    return names[-1] if names else ""


def called_packages(
    requests: Iterable[Sequence[Frame]], folders: Collection[str] = (), application: str = ""
) -> Called:
    """Return what the stacks of all requests tell of the packages that a framework calls.

    A package decorates views of another one if one line of it calls several functions there, or
    if its function has a wrapper's name. Functions that the other package itself calls are no
    views: they are those of a library, which may have endpoints of its own. The application is on
    more stacks than what decorates some of its views.

    A decorator on every view of the load is not told apart, unless ``application`` is known.
    """
    below = [_below_dispatch(frames, folders) for frames in requests]
    first = {seen[0][0] for seen in below if seen}
    inner = {function for seen in below for function in _inner(seen)}
    calls: dict[tuple[str, str], set[tuple[Frame, Function]]] = defaultdict(set)
    for seen in below:
        for pair, line, function in _calls(seen):
            if function not in inner:
                calls[pair].add((line, function))
    return Called(
        application=application,
        stacks=Counter(name for seen in below for name in _names(seen) if name in first),
        around={
            pair for pair, between in calls.items() if pair[1] == application or _decorates(between)
        },
    )


def _installed(frames: Sequence[Frame], folders: Collection[str], called: Called) -> list[int]:
    """Return the places of the frames of an application that is installed as a package."""
    first, *later = _names(_below_dispatch(frames, folders)) or [""]
    application = max(
        [first, *(name for name in later if (first, name) in called.around)],
        key=lambda name: (name == called.application, called.stacks.get(name, 0)),
    )
    packages = _packages(frames, folders) if application else []
    return [index for index, package in enumerate(packages) if package == application]


def _packages(frames: Sequence[Frame], folders: Collection[str]) -> list[str]:
    return ["" if STANDARD.search(frame.file) else package_of(frame, folders) for frame in frames]


def _below_dispatch(
    frames: Sequence[Frame], folders: Collection[str]
) -> Sequence[tuple[str, Frame]]:
    """Return the frames of packages that may be the application's, with their packages.

    What is above the framework's dispatch may be anybody's middleware.
    """
    packages = _packages(frames, folders)
    dispatched = [
        index
        for index, (frame, package) in enumerate(zip(frames, packages, strict=True))
        if FRAMEWORKS.fullmatch(package) and frame.name.rpartition(".")[2] in DISPATCH
    ]
    begins = dispatched[-1] + 1 if dispatched else 0
    below = zip(packages[begins:], frames[begins:], strict=True)
    return [each for each in below if each[0] and not LIBRARIES.fullmatch(each[0])]


def _names(seen: Sequence[tuple[str, Frame]]) -> list[str]:
    """Return packages in the order in which they are called."""
    return list(dict.fromkeys(package for package, _ in seen))


def _function(frame: Frame) -> Function:
    return frame.file, frame.name


def _inner(seen: Sequence[tuple[str, Frame]]) -> Iterable[Function]:
    """Return the functions that another function of their own package calls."""
    for (caller, above), (package, frame) in pairwise(seen):
        if caller == package and _function(above) != _function(frame):
            yield _function(frame)


def _calls(
    seen: Sequence[tuple[str, Frame]],
) -> Iterable[tuple[tuple[str, str], Frame, Function]]:
    """Return how each package after the first comes to be called, for each of those before it.

    That is: both packages, the innermost line of the one, and the function of the other.
    """
    lines: dict[str, Frame] = {}
    for package, frame in seen:
        if package not in lines:
            for caller, line in lines.items():
                yield (caller, package), line, _function(frame)
        lines[package] = frame


def _decorates(between: Collection[tuple[Frame, Function]]) -> bool:
    """Return whether calls from one package to another are those of a decorator to views."""
    lines = {line for line, _ in between}
    return len(lines) < len(between) or any(
        WRAPPER.search(line.name.rpartition(".")[2]) for line in lines
    )


def _in_source(frame: Frame) -> Frame:
    """Return a frame; without its line where that is not one of its file.

    A compiled template (Jinja) has the template's path and the lines of the Python made from it.
    """
    return frame if is_python(frame.file) else replace(frame, line=0)


def _callee(below: Sequence[Frame], folders: Collection[str]) -> str:
    """Return what a line called: the first function of a package, else of the standard library.

    A context manager stands between a line and what it enters; nobody looks for that.
    """
    if not below:
        return ""
    of_package = (frame for frame in below if not STANDARD.search(frame.file))
    return described(next(of_package, below[0]), folders)
