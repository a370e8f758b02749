"""Samples the CPU of processes while a load is on: one sampler a process, which ends by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.profiles.records import Frame
from loadtests.tools import proc, py_spy, temporary

END_LIMIT_S = 6.0
"""How long a sampler may take to end after its seconds are over: it starts late on a busy core."""

POLL_S = 0.02

LARGEST_SOURCE_BYTES = 2 << 20
"""Files that are larger were not written by a person."""

Stacks = Mapping[tuple[Frame, ...], int]


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A process to sample: its member, its id, and the cores that its sampler may use."""

    member: str
    pid: int
    cores: tuple[int, ...] = ()


class Recording:
    """Samplers of some processes, from ``start`` until each of them has ended."""

    def __init__(
        self,
        program: str,
        processes: Callable[[], Sequence[Sampled]],
        *,
        rate_hz: int,
        seconds: int,
    ) -> None:
        """``processes`` are asked for at the start: a server may replace them at any time."""
        self._program = program
        self._asked = processes
        self._processes: Sequence[Sampled] = ()
        self._rate_hz = rate_hz
        self._seconds = seconds
        self._opened = ExitStack()
        self._folder = self._opened.enter_context(temporary.folder("samples"))
        self._running: list[proc.Service] = []
        self._started_s = 0.0

    def start(self) -> None:
        """Start all samplers."""
        self._processes = self._asked()
        self._started_s = proc.monotonic_s()
        for sampled in self._processes:
            argv = py_spy.record_argv(
                self._program,
                sampled.pid,
                self._path(sampled, "raw"),
                rate_hz=self._rate_hz,
                seconds=self._seconds,
                cores=sampled.cores,
            )
            self._running.append(proc.Service(argv, log=self._path(sampled, "log")))

    def stop(self) -> None:
        """Wait until all have ended; one that does not is ended."""
        left_s = self._started_s + self._seconds + END_LIMIT_S - proc.monotonic_s()
        for service in self._running:
            deadline_s = proc.monotonic_s() + max(0.0, left_s)
            while service.code is None and proc.monotonic_s() < deadline_s:
                proc.sleep(POLL_S)
            left_s = deadline_s - proc.monotonic_s()
            service.close()

    def close(self) -> None:
        """End what still runs, and remove the files."""
        for service in self._running:
            service.close()
        self._opened.close()

    def stacks_of(self, member: str) -> Stacks:
        """Return how often each stack of a member was sampled.

        Raises :class:`ProcessFailure` with the sampler's words where one wrote nothing.
        """
        counts: Counter[tuple[Frame, ...]] = Counter()
        for sampled in self._processes:
            if sampled.member == member:
                counts.update(py_spy.parse_record(self._read(sampled)))
        return counts

    def _read(self, sampled: Sampled) -> str:
        try:
            return self._path(sampled, "raw").read_text(errors="replace", encoding="utf-8")
        except FileNotFoundError:
            output = self._path(sampled, "log").read_text(errors="replace", encoding="utf-8")
            raise ProcessFailure(
                f"py-spy wrote no samples of {sampled.member}.", output=output
            ) from None
        except OSError as error:
            raise EnvironmentFailure(f"The samples of py-spy cannot be read: {error}") from error

    def _path(self, sampled: Sampled, ending: str) -> Path:
        return self._folder / f"{sampled.pid}.{ending}"


def read_text(pid: int, file: str) -> str | None:
    """Return a file's text as a process sees it: "" where there is none, None if unreadable."""
    if not file.startswith("/"):
        return None
    path = Path(f"/proc/{pid}/root{file}")
    try:
        if not path.exists():
            return ""
        # A link would lead out of a container.
        readable = path.is_file() and not path.is_symlink()
        if not readable or path.stat().st_size > LARGEST_SOURCE_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
