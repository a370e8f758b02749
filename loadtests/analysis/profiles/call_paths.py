"""From sampled stacks of two versions to call paths of functions that both versions name. PURE.

A function is the same one in both versions if its file and its qualified name are; its lines may
move. Lines of base are given the numbers that head has for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.analysis.profiles import frames as of_request
from loadtests.analysis.profiles import own_code
from loadtests.analysis.profiles.sources import Source, is_inner, moved_lines
from loadtests.model.profiles.functions import CallPath, Function, StartProfile
from loadtests.model.profiles.records import Frame, Stack, Waiting

BASE, HEAD = "base", "head"

Stacks = Mapping[tuple[Frame, ...], int]
"""How often each stack was sampled, outermost frame first."""

Texts = Mapping[str, Mapping[str, str | None]]
"""By version and path the text of each file: "" where it has no such file, None if unreadable."""


@dataclass(frozen=True, kw_only=True)
class StartSamples:
    """The sampled stacks of one start under the load; see :class:`StartProfile`."""

    side: str
    pair: int
    start: str
    requests: int
    cpu_us_per_request: float | None
    stacks: Stacks
    user_ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What a profile keeps of its samples."""

    functions: tuple[Function, ...]
    paths: tuple[CallPath, ...]
    starts: tuple[StartProfile, ...]


def files_of(
    samples: Sequence[StartSamples], servers: Mapping[str, str], application: str = ""
) -> tuple[str, ...]:
    """Return the files with the user's own frames, which are worth reading.

    ``application`` is as in :func:`gather`.
    """
    packages = _Packages.of(samples, servers, application)
    return tuple(
        sorted(
            {
                frame.file
                for start in samples
                for stack in start.stacks
                for frame in packages.own(stack, servers[start.side])[0]
            }
        )
    )


def gather(
    samples: Sequence[StartSamples],
    servers: Mapping[str, str],
    texts: Texts,
    *,
    checkout: Mapping[str, str] | None = None,
    application: str = "",
) -> Gathered:
    """Return the functions and paths of all samples, and the counts of each start.

    ``servers`` says what server each version runs. ``checkout`` has the path in the checkout of
    each file that is the same there. ``application`` is the package of the import string that is
    served; "" where that is not known.
    """
    gathering = _Gathering(
        texts=texts,
        checkout=checkout or {},
        packages=_Packages.of(samples, servers, application),
    )
    starts = tuple(gathering.start(start, servers[start.side]) for start in samples)
    return Gathered(
        functions=tuple(gathering.function(*key) for key in gathering.functions),
        paths=tuple(gathering.paths),
        starts=starts,
    )


@dataclass(frozen=True, kw_only=True)
class _Packages:
    """What all samples together tell of packages; see the functions of those names."""

    folders: Collection[str]
    called: own_code.Called

    @classmethod
    def of(
        cls, samples: Sequence[StartSamples], servers: Mapping[str, str], application: str
    ) -> _Packages:
        folders = of_request.package_folders(stack for start in samples for stack in start.stacks)
        requests = (
            _of_request(stack, servers[start.side]) for start in samples for stack in start.stacks
        )
        called = own_code.called_packages(requests, folders, application)
        return cls(folders=folders, called=called)

    def own(self, stack: Sequence[Frame], server: str) -> tuple[tuple[Frame, ...], str]:
        """Return the user's own frames and what they called; () and "" for no request's stack."""
        frames = _of_request(stack, server)
        return own_code.own_path(frames, self.folders, self.called) if frames else ((), "")


def _of_request(stack: Sequence[Frame], server: str) -> tuple[Frame, ...]:
    sample = Stack(frames=tuple(stack), kind=Waiting.CPU)
    return of_request.request_frames(sample, server, bridged=True)


def _plain(name: str) -> str:
    """Return a qualified name as this package writes them: ``outer.inner``."""
    return name.replace(".<locals>.", ".")


@dataclass
class _Gathering:
    texts: Texts
    checkout: Mapping[str, str]
    packages: _Packages
    functions: dict[tuple[str, str], int] = field(default_factory=dict)
    paths: dict[CallPath, int] = field(default_factory=dict)
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    sources: dict[tuple[str, str], Source | None] = field(default_factory=dict)
    moved: dict[str, Mapping[int, int]] = field(default_factory=dict)

    def start(self, start: StartSamples, server: str) -> StartProfile:
        counts: Counter[int] = Counter()
        for stack, count in start.stacks.items():
            path = self.path(start.side, *self.packages.own(stack, server))
            if path.callee and not self.has_common(path):
                path = self.path(start.side, _of_request(stack, server)[-1:], "")
            counts[self.paths.setdefault(path, len(self.paths))] += count
        return StartProfile(
            side=start.side,
            pair=start.pair,
            start=start.start,
            requests=start.requests,
            cpu_us_per_request=start.cpu_us_per_request,
            samples=tuple(sorted(counts.items())),
            user_ratio=start.user_ratio,
        )

    def has_common(self, path: CallPath) -> bool:
        """Return whether both versions have one of the functions of a path.

        Where they have not, what its libraries do is compared with what those do elsewhere: a new
        function around the whole application, such as a middleware, has not made them dearer.
        """
        keys = list(self.functions)
        return any(
            self.is_in(BASE, *keys[place]) and self.is_in(HEAD, *keys[place])
            for place in path.functions
        )

    def path(self, side: str, own: Sequence[Frame], callee: str) -> CallPath:
        """Return the path of a stack; calls of a function by itself count once."""
        places: list[int] = []
        previous: Frame | None = None
        for frame in own:
            key = self.key(side, frame, previous)
            place = self.functions.setdefault(key, len(self.functions))
            if not places or places[-1] != place:
                places.append(place)
            self.seen.add((side, *key))
            if not is_inner(frame.name):
                previous = frame
        line = self.line(side, own[-1]) if own else 0
        return CallPath(functions=tuple(places), line=line, callee=callee)

    def key(self, side: str, frame: Frame, previous: Frame | None) -> tuple[str, str]:
        source = self.source(side, frame.file)
        if source is not None and source.definitions:
            definition = source.function_at(frame.line, frame.name)
            if definition is not None:
                return frame.file, definition.name
        elif is_inner(frame.name) and previous is not None and previous.file == frame.file:
            # Without the source, a lambda belongs to the function of its file that is running.
            return frame.file, _plain(previous.name)
        return frame.file, _plain(frame.name)

    def line(self, side: str, frame: Frame) -> int:
        """Return a frame's line as head counts lines; 0 for one that head has not."""
        if not frame.line:
            return 0
        base, head = (self.texts.get(each, {}).get(frame.file) for each in (BASE, HEAD))
        if side == HEAD or base is None or head is None or base == head:
            return frame.line
        if frame.file not in self.moved:
            self.moved[frame.file] = moved_lines(base, head)
        return self.moved[frame.file].get(frame.line, 0)

    def source(self, side: str, file: str) -> Source | None:
        if (side, file) not in self.sources:
            text = self.texts.get(side, {}).get(file)
            readable = text is not None and of_request.is_python(file)
            self.sources[side, file] = Source.of(text or "") if readable else None
        return self.sources[side, file]

    def function(self, file: str, name: str) -> Function:
        """Return what is known of a function in both versions."""
        in_head = self.is_in(HEAD, file, name)
        return Function(
            file=file,
            name=name,
            line=self.first_line(HEAD, file, name) if in_head else 0,
            base_line=0 if in_head else self.first_line(BASE, file, name),
            in_base=self.is_in(BASE, file, name),
            in_head=in_head,
            checkout=self.checkout.get(file, ""),
        )

    def first_line(self, side: str, file: str, name: str) -> int:
        source = self.source(side, file)
        named = (each.first for each in source.definitions if each.name == name) if source else ()
        return min(named, default=0)

    def is_in(self, side: str, file: str, name: str) -> bool:
        """Return whether a version has a function, by its samples or else by its source."""
        if (side, file, name) in self.seen:
            return True
        source = self.source(side, file)
        # Of files that cannot be read, all functions are taken to be in both versions: to count a
        # function for its caller, it has to be known that the other version has none. So it is with
        # files that are newer than this interpreter's Python.
        return source is None or not source.is_parsed or source.has(name)
