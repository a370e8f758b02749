"""Computes each endpoint's log ratios, one per start. PURE.

Above 0 is better for every endpoint: the signs of costs and times are reversed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis.core_speed import pooled_slope
from loadtests.gate.analysis import medians
from loadtests.gate.model.evidence import Evidence, Figures, PairWindow, ScalingBlock, StartPair
from loadtests.gate.model.vocabulary import EndpointName, Mode, SideName

Get = Callable[[Figures], float | None]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """How an endpoint is measured; ``sign`` is 1 if more is better, and −1 if less is."""

    mode: Mode
    get: Get
    sign: int
    unit: str


ENDPOINTS = {
    EndpointName.THROUGHPUT: Endpoint(
        mode=Mode.CLOSED, get=lambda figures: figures.throughput_rps, sign=1, unit="requests/s"
    ),
    EndpointName.CPU: Endpoint(
        mode=Mode.CLOSED, get=lambda figures: figures.cpu_us_per_request, sign=-1, unit="µs"
    ),
    EndpointName.P50: Endpoint(
        mode=Mode.OPEN, get=lambda figures: figures.p50_ms, sign=-1, unit="ms"
    ),
    EndpointName.P99: Endpoint(
        mode=Mode.OPEN, get=lambda figures: figures.p99_ms, sign=-1, unit="ms"
    ),
}


def values(evidence: Evidence, worker: str, name: EndpointName) -> tuple[float, ...]:
    """Return the log ratios of an endpoint, one per start; starts without a figure are left out."""
    if name is EndpointName.SCALING:
        blocks = evidence.blocks_of(worker)
        slope = _slope(blocks)
        return tuple(value for block in blocks if (value := _interaction(block, slope)) is not None)
    pairs = evidence.pairs_of(worker)
    return tuple(value for value in pair_values(pairs, name) if value is not None)


def pair_values(pairs: Sequence[StartPair], name: EndpointName) -> tuple[float | None, ...]:
    """Return each pair's log ratio, or None for a pair without a figure.

    For the median it is the pair's part in the ratio of the medians of all pairs (``medians``), for
    all other endpoints the mean over the pair's windows.
    """
    if name is not EndpointName.P50:
        return tuple(_pair_value(pair, ENDPOINTS[name]) for pair in pairs)
    times = [tuple(_times(pair, side) for side in SideName) for pair in pairs]
    complete = [(base, head) for base, head in times if base and head]
    changes = iter(medians.changes(complete))
    return tuple(next(changes) if base and head else None for base, head in times)


def _pair_value(pair: StartPair, endpoint: Endpoint) -> float | None:
    ratios = [
        _log_ratio(*(_read(window, side, endpoint) for side in (SideName.HEAD, SideName.BASE)))
        for window in pair.windows
        if window.mode is endpoint.mode
    ]
    signed = [endpoint.sign * ratio for ratio in ratios if ratio is not None]
    return fmean(signed) if signed else None


def _read(window: PairWindow, side: SideName, endpoint: Endpoint) -> float | None:
    """Return one version's figure; a throughput of 0 counts as one request.

    A window without an answer is not left out: the remaining windows would be the better ones.
    """
    figure = endpoint.get(window.of(side))
    if endpoint is ENDPOINTS[EndpointName.THROUGHPUT] and not figure:
        return _one_request_rps((window.base, window.head))
    return figure


def _one_request_rps(together: Iterable[Figures]) -> float | None:
    """Return the throughput of one request per window, or None if all windows are empty."""
    rates = (
        figures.throughput_rps / figures.completed for figures in together if figures.completed
    )
    return next(rates, None)


def _times(pair: StartPair, side: SideName) -> list[medians.Times]:
    """Return the response times of one version's open windows; empty windows are left out."""
    windows = [window.of(side) for window in pair.windows if window.mode is Mode.OPEN]
    return [
        medians.Times(figures.completed, figures.quantiles_ms)
        for figures in windows
        if figures.completed
    ]


def level(evidence: Evidence, worker: str, name: EndpointName, side: SideName) -> float | None:
    """Return one version's geometric mean in the endpoint's unit, or None.

    The median is the median of all requests.
    """
    if name is EndpointName.P50:
        times = [_times(pair, side) for pair in evidence.pairs_of(worker)]
        return medians.median_ms([start for start in times if start])
    if name is EndpointName.SCALING:
        blocks = evidence.blocks_of(worker)
        slope = _slope(blocks)
        factors = [_doubling(block, side, slope) for block in blocks]
        logs = [log for log in factors if log is not None]
    else:
        endpoint = ENDPOINTS[name]
        figures = [
            _read(window, side, endpoint)
            for pair in evidence.pairs_of(worker)
            for window in pair.windows
            if window.mode is endpoint.mode
        ]
        logs = [math.log(value) for value in figures if value]
    return math.exp(fmean(logs)) if logs else None


def _log_ratio(head: float | None, base: float | None) -> float | None:
    return math.log(head / base) if head and base else None


# -- scaling ------------------------------------------------------------------------------------


def _interaction(block: ScalingBlock, slope: float) -> float | None:
    head, base = (_doubling(block, side, slope) for side in (SideName.HEAD, SideName.BASE))
    return None if head is None or base is None else head - base


def _doubling(block: ScalingBlock, side: SideName, slope: float) -> float | None:
    """Return ln X(2) − ln X(1) of one version at equal core speed, or None without any answer.

    A window without an answer counts as one request.
    """
    one_rps = _one_request_rps(window.figures for window in block.windows)
    windows = [window for window in block.windows if window.side is side]
    if one_rps is None or not any(window.figures.completed for window in windows):
        return None
    logs = {
        window.replicas: math.log(window.figures.throughput_rps or one_rps)
        - slope * math.log(window.core_speed or 1.0)
        for window in windows
    }
    return logs[2] - logs[1] if {1, 2} <= logs.keys() else None


def _slope(blocks: Sequence[ScalingBlock]) -> float:
    """Return the pooled slope of ln throughput on ln core speed within cells; see ``core_speed``.

    Windows are measured in sequence, so they include the machine's speed changes. The slope is 0,
    no correction, if a speed is unknown or there are too few windows.
    """
    cells: dict[tuple[SideName, int], list[tuple[float, float]]] = {}
    for block in blocks:
        for window in block.windows:
            if not window.core_speed:
                return 0.0
            if window.figures.throughput_rps > 0:
                point = (window.core_speed, window.figures.throughput_rps)
                cells.setdefault((window.side, window.replicas), []).append(point)
    return pooled_slope(cells.values()) or 0.0
