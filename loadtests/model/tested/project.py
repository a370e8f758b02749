"""A target with everything that a run can choose among. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.model.consistency import Check
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Target
from loadtests.model.tested.workload import Workload


@dataclass(frozen=True, kw_only=True)
class Project:
    """A target, and its variants, workloads and consistency checks.

    ``default_workers`` and ``default_workloads`` are measured where the options name none.
    ``reset_command`` is an argument list that takes back what the load left behind.
    """

    tested: Target
    workers: Mapping[str, WorkerModel]
    workloads: Mapping[str, Workload]
    default_workers: tuple[str, ...]
    default_workloads: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    reset_command: tuple[str, ...] = ()
