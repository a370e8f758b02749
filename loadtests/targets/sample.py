"""The sample application as a project: its worker models, workloads and checks."""

from __future__ import annotations

from loadtests.config.options import DEFAULT_WORKLOAD
from loadtests.model.consistency import SAMPLE_CHECKS
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import SAMPLE
from loadtests.servers import registry as servers
from loadtests.targets.workloads import WORKLOADS


def project() -> Project:
    """Return the sample application with the registered worker models and workloads."""
    models = servers.worker_models()
    return Project(
        tested=SAMPLE,
        workers=models,
        workloads={name: entry.workload for name, entry in WORKLOADS.items()},
        default_workers=servers.default_models(),
        default_workloads=(DEFAULT_WORKLOAD,),
        checks=SAMPLE_CHECKS,
    )
