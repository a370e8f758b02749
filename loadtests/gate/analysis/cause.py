"""Names the cause of a regression, as far as the counters show it. PURE."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from loadtests.gate.model.result import EndpointResult
from loadtests.gate.model.vocabulary import SIDE_BY_SIDE, EndpointName, GateVerdict

SAME_RATIO = 0.01
"""Two changes that differ by less than this count as equal in sentences."""

SHOWN_ALIKE = frozenset({GateVerdict.PASS, GateVerdict.IMPROVED})
"""Verdicts by which an endpoint is known not to have lost."""

MOST_QUEUED = 10
"""Upper limit of the growth of the median, as a multiple of the growth of CPU per request, if
requests only queue for CPU."""


def cause_of(
    endpoints: Sequence[EndpointResult], titles: Mapping[str, str], unmet: Collection[str] = ()
) -> str | None:
    """Return the cause of a regression, as far as the counters show it.

    On the worker models ``unmet``, answers regressed only because head meets a check nowhere.
    """
    causes = []
    for worker in dict.fromkeys(result.worker for result in endpoints):
        results = {result.endpoint: result for result in endpoints if result.worker == worker}
        worse = {
            name for name, result in results.items() if result.verdict is GateVerdict.REGRESSED
        }
        if worse:
            cause = _cause_for_one(results, worse, is_unmet=worker in unmet)
            causes.append(f"{titles.get(worker, worker)}: {cause}")
    return " ".join(causes) or None


def _cause_for_one(
    results: dict[EndpointName, EndpointResult], worse: set[EndpointName], *, is_unmet: bool
) -> str:
    if EndpointName.ANSWERS in worse:
        if is_unmet:
            return "head does not do what a declared check asks."
        return "the replicas do not share their state."
    if EndpointName.BEGINS in worse:
        return "users do not get to their first task."
    if EndpointName.ERRORS in worse:
        return "requests fail, or have another kind of status."
    throughput, cpu = (
        results[name].change.estimate if name in results else None
        for name in (EndpointName.THROUGHPUT, EndpointName.CPU)
    )
    if EndpointName.CPU in worse and cpu is not None:
        rest = (
            " That explains all of the lost throughput."
            if throughput is not None and abs(throughput - cpu) < SAME_RATIO
            else ""
        )
        return f"each request takes {_more(cpu):.1%} more CPU.{rest}{_waiting(results)}"
    if worse & set(SIDE_BY_SIDE) and not _is_shown_alike(results, EndpointName.CPU):
        return _with_open_cpu(cpu)
    if EndpointName.THROUGHPUT in worse:
        return (
            "each request takes as much CPU as before, so requests wait longer or fewer run"
            " concurrently."
        )
    if worse & set(SIDE_BY_SIDE):
        return "requests wait longer at the same arrival rate and the same CPU per request."
    if not _is_shown_alike(results, EndpointName.THROUGHPUT):
        return (
            "two replicas gain less over one than before. Whether one alone is as fast as before"
            " is not decided."
        )
    return (
        "one replica is as fast as before, but two slow each other down, through something they"
        " share."
    )


def _is_shown_alike(results: Mapping[EndpointName, EndpointResult], name: EndpointName) -> bool:
    """Return whether an endpoint is shown to have lost less than its margin."""
    return name in results and results[name].verdict in SHOWN_ALIKE


def _more(change: float) -> float:
    """Return by how much a cost grew, from the change of the performance."""
    return 1 / (1 + change) - 1


def _with_open_cpu(change: float | None) -> str:
    """Return what to say where nobody knows whether each request takes more CPU."""
    if change is None:
        return "not known, since the CPU of a request could not be read."
    told = f"{_more(change):+.1%}".replace("-", "−")
    return (
        f"not decided. The CPU of a request changed by {told}, which may be chance: each may take"
        " more, or wait longer."
    )


def _waiting(results: dict[EndpointName, EndpointResult]) -> str:
    """Return a sentence on waiting, if the median grew far more than the CPU time explains."""
    if results[EndpointName.P50].verdict is not GateVerdict.REGRESSED:
        return ""
    longer_ms, cpu_us = (
        (result.head or 0.0) - (result.base or 0.0)
        for result in (results[EndpointName.P50], results[EndpointName.CPU])
    )
    if longer_ms <= MOST_QUEUED * cpu_us / 1000:
        return ""
    return f" Requests also wait for something: the median is {longer_ms:.1f} ms longer."
