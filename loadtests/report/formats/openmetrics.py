"""``metrics.om``: the figures of a run as OpenMetrics 1.0, for Prometheus and its kin.

PURE. Numbers are not rounded. What is not known is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from loadtests.analysis.verdict import exit_code
from loadtests.model.result import Estimate, RunResult
from loadtests.model.vocabulary import Verdict

Labels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A gauge with its help text; ``samples`` are pairs of labels and a value or None."""

    name: str
    help_text: str
    samples: tuple[tuple[Labels, float | None], ...]


def render(result: RunResult) -> str:
    """Return the text of ``metrics.om``."""
    lines = list(_info(result))
    for family in _families(result):
        lines += [f"# TYPE {family.name} gauge", f"# HELP {family.name} {family.help_text}"]
        lines += [
            f"{family.name}{_labels(labels)} {value!r}"
            for labels, value in family.samples
            if value is not None
        ]
    return "\n".join([*lines, "# EOF", ""])


def _info(result: RunResult) -> Iterator[str]:
    labels = {
        "run_id": result.facts.run_id,
        "backend": result.plan.backend,
        "verdict": result.verdict,
    }
    yield "# TYPE twofold_run info"
    yield "# HELP twofold_run The run that the figures are of."
    yield f"twofold_run_info{_labels(labels)} 1"


def _families(result: RunResult) -> Iterator[Family]:
    yield Family(
        name="twofold_exit_code",
        help_text="0 scales, 1 does not, 3 cannot tell.",
        samples=(({}, exit_code(result.verdict)),),
    )
    yield from _cell_families(result)
    doublings = [
        (
            {
                "worker": doubling.worker,
                "workload": doubling.workload,
                "from": str(doubling.replicas_from),
                "to": str(doubling.replicas_to),
            },
            doubling,
        )
        for doubling in result.doublings
    ]
    yield Family(
        name="twofold_doubling_factor",
        help_text="Throughput with twice the replicas over throughput with the replicas.",
        samples=tuple(_bounded((labels, doubling.factor) for labels, doubling in doublings)),
    )
    yield Family(
        name="twofold_doubling_scales",
        help_text="1 where the doubling scales.",
        samples=tuple(
            (labels, int(doubling.verdict is Verdict.SCALES)) for labels, doubling in doublings
        ),
    )


def _cell_families(result: RunResult) -> Iterator[Family]:
    cells = [
        (
            {
                "worker": cell.cell.worker,
                "workload": cell.cell.workload,
                "replicas": str(cell.cell.replicas),
            },
            cell,
        )
        for cell in result.cells
    ]
    yield Family(
        name="twofold_throughput_rps",
        help_text="Successful requests per second.",
        samples=tuple(_bounded((labels, cell.throughput_rps) for labels, cell in cells)),
    )
    yield Family(
        name="twofold_latency_ms",
        help_text="Percentiles of the latency, medians over the rounds.",
        samples=tuple(
            ({**labels, "percentile": name}, value)
            for labels, cell in cells
            for name, value in (("50", cell.p50_ms), ("90", cell.p90_ms), ("99", cell.p99_ms))
        ),
    )
    yield Family(
        name="twofold_cpu_us_per_request",
        help_text="CPU time of all replicas over their answers, in microseconds.",
        samples=tuple((labels, cell.cpu_us_per_request) for labels, cell in cells),
    )
    yield Family(
        name="twofold_error_ratio",
        help_text="Failed requests over all that ended in the windows.",
        samples=tuple((labels, cell.error_ratio) for labels, cell in cells),
    )


def _bounded(
    estimates: Iterable[tuple[Labels, Estimate]],
) -> Iterator[tuple[Labels, float | None]]:
    """Yield the estimate and the bounds of its interval as separate samples."""
    for labels, estimate in estimates:
        yield {**labels, "bound": "estimate"}, estimate.estimate
        yield {**labels, "bound": "low"}, estimate.low
        yield {**labels, "bound": "high"}, estimate.high


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
