"""What ``doctor`` found, for a person and for a program. PURE: returns text."""

from __future__ import annotations

from pydantic import TypeAdapter

from loadtests.planning.checks import State
from loadtests.planning.machine_check import DoctorReport

MARKS = {State.OK: "ok  ", State.WARN: "warn", State.LACK: "LACK"}

_REPORT = TypeAdapter(DoctorReport)


def render(report: DoctorReport) -> str:
    """Give a line a check, its way out below it, what each backend could test, and the lists."""
    lines = []
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        lines.append(f"{MARKS[check.state]}  {check.name:<{width}}  {check.found}")
        if check.way_out is not None:
            lines.append(f"{'':6}{'':{width}}  → {check.way_out}")
    lines.append("")
    lines += [f"--backend {backend.name}: {backend.can_test}" for backend in report.backends]
    if report.servers:
        servers = [
            f"{server.name} ({', '.join(server.workers) or server.about})"
            for server in report.servers
        ]
        lines.append(f"servers: {', '.join(servers)}")
    if report.workloads:
        names = [f"{workload.name} ({workload.about})" for workload in report.workloads]
        lines.append(f"workloads: {', '.join(names)}")
    return "\n".join(lines) + "\n"


def render_json(report: DoctorReport) -> str:
    """Give the whole report as one JSON document."""
    return _REPORT.dump_json(report, indent=1).decode() + "\n"
