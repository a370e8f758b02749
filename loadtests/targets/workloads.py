"""The built-in workloads: what a request to the sample application does. One line each. PURE.

A workload that asks for more than one path has a locustfile of its own in
``generator/locustfiles``.
"""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.model.plan import Workload


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """A workload as ``--help`` and ``doctor`` list it, and as a plan holds it.

    ``locustfile`` names one in ``generator/locustfiles``, or is None; ``path`` then only stands for
    it in a sentence. ``waits`` says that its requests hold a slot and hardly any CPU.
    """

    name: str
    about: str
    path: str
    locustfile: str | None = None
    needs_store: bool = False
    waits: bool = False

    @property
    def workload(self) -> Workload:
        """The workload as a plan holds it."""
        return Workload(
            name=self.name,
            path=self.path,
            scenario=self.locustfile,
            needs_store=self.needs_store,
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
    """Give the workload of this name, as a plan holds it."""
    return WORKLOADS[name].workload
