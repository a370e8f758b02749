"""What a gate in progress knows so far, and the files that it is written to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from loadtests.gate import result_files
from loadtests.gate.analysis import verdict
from loadtests.gate.model.evidence import Evidence
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.result import GateFacts, GateResult
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.report import verdict_json
from loadtests.gate.versions import Sides
from loadtests.model.errors import UnusableLoad
from loadtests.model.machine import Machine
from loadtests.results.run_folder import Store


@dataclass(kw_only=True)
class Recorder:
    """A gate in progress, and the folder with its results."""

    store: Store
    facts: GateFacts
    machine: Machine
    sides: Sides
    plan: GatePlan
    evidence: Evidence

    def conclude(self) -> GateResult:
        """Return the result of the evidence so far."""
        sides = (self.sides.base, self.sides.head)
        return verdict.conclude(self.facts, self.machine, sides, self.plan, self.evidence)

    def keep(self, evidence: Evidence) -> None:
        """Write the evidence so far to ``verdict.json``."""
        self.evidence = evidence
        self.store.write(result_files.VERDICT, verdict_json.render(self.conclude()))

    def write_all(self) -> GateResult:
        """Write all files of the gate, and return the result."""
        result = self.conclude()
        result_files.write_all(self.store, result)
        return result

    def ended_early(self, error: UnusableLoad, wall_s: float) -> GateResult | None:
        """Write all files; return the result if tries show that head breaks."""
        self.add_difference(error.early_end)
        self.facts = replace(self.facts, wall_s=wall_s)
        with suppress(Exception):  # the error of the load is the one to report
            result = self.write_all()
            return result if verdict.is_shown_by_tries(result) else None
        return None

    def add_difference(self, told: str) -> None:
        """Note a sentence beside the versions' differences."""
        self.facts = replace(self.facts, differences=(*self.facts.differences, told))

    def leave_out(self, worker: str) -> None:
        """Take a worker model out of the plan."""
        workers = tuple(name for name in self.plan.workers if name != worker)
        self.plan = replace(self.plan, workers=workers)

    def note_ports(self, ports: Mapping[SideName, int]) -> None:
        """Note the port that each version was found to listen on."""
        self.sides = replace(
            self.sides,
            base=replace(self.sides.base, port=ports[SideName.BASE]),
            head=replace(self.sides.head, port=ports[SideName.HEAD]),
        )

    def note_replaced(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Note the members that are others ``after`` the measurement than ``before``, or gone."""
        changed = tuple(name for name in before if before[name] != after.get(name))
        if changed:
            replaced = (*self.evidence.replaced, *changed)
            self.evidence = replace(self.evidence, replaced=replaced)
