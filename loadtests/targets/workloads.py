"""The built-in workloads of the sample application, one line each. PURE.

A workload with several paths has a locustfile of its own in ``generator/locustfiles``.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.model.tested.workload import Workload


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """A workload with its description for ``--help`` and ``doctor``.

    ``locustfile`` is a name in ``generator/locustfiles`` or None; with one, ``path`` is only a
    label in sentences. ``waits`` means that requests occupy a slot but hardly use CPU.
    """

    name: str
    about: str
    path: str
    locustfile: str | None = None
    needs_store: bool = False
    waits: bool = False

    @property
    def workload(self) -> Workload:
        """The workload's entry in a plan."""
        return Workload(
            name=self.name,
            path=self.path,
            scenario=self.locustfile,
            needs_store=self.needs_store,
            waits=self.waits,
        )


_ALL = (
    BuiltIn(name="cpu", about="computes", path="/cpu"),
    BuiltIn(name="io", about="waits", path="/io", waits=True),
    BuiltIn(name="db", about="reads from PostgreSQL", path="/db", needs_store=True),
    BuiltIn(
        name="mixed",
        about="a cycle of these and of writing",
        path="/mixed",
        locustfile="mixed",
        needs_store=True,
    ),
)

WORKLOADS: dict[str, BuiltIn] = {entry.name: entry for entry in _ALL}


def named(name: str) -> Workload:
    """Return the plan entry of the workload with this name."""
    return WORKLOADS[name].workload
