"""From what was measured to one log ratio a start for each endpoint. PURE.

Above 0 is better for every endpoint: costs and times are turned round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from loadtests.analysis.core_speed import pooled_slope
from loadtests.gate.analysis import medians
from loadtests.gate.model import (
    EndpointName,
    Evidence,
    Figures,
    Mode,
    PairWindow,
    ScalingBlock,
    SideName,
    StartPair,
)

Get = Callable[[Figures], float | None]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """How an endpoint is read: from windows of which mode, which figure, and what is better."""

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
    """Give the log ratios of an endpoint, one a start; starts that cannot tell have none."""
    if name is EndpointName.SCALING:
        blocks = [block for block in evidence.blocks if block.worker == worker]
        slope = _slope(blocks)
        return tuple(value for block in blocks if (value := _interaction(block, slope)) is not None)
    pairs = [pair for pair in evidence.pairs if pair.worker == worker]
    return tuple(value for value in pair_values(pairs, name) if value is not None)


def pair_values(pairs: Sequence[StartPair], name: EndpointName) -> tuple[float | None, ...]:
    """Give each pair's log ratio, None where it cannot tell.

    That of the median is its part in the ratio of the medians of all these pairs (``medians``),
    that of anything else the mean of its own windows'.
    """
    if name is not EndpointName.P50:
        return tuple(_pair_value(pair, ENDPOINTS[name]) for pair in pairs)
    times = [tuple(_times(pair, side) for side in SideName) for pair in pairs]
    known = [(base, head) for base, head in times if base and head]
    found = iter(medians.changes(known))
    return tuple(next(found) if base and head else None for base, head in times)


def _pair_value(pair: StartPair, endpoint: Endpoint) -> float | None:
    ratios = [
        _log_ratio(*(_read(window, side, endpoint) for side in (SideName.HEAD, SideName.BASE)))
        for window in pair.windows
        if window.mode is endpoint.mode
    ]
    known = [endpoint.sign * ratio for ratio in ratios if ratio is not None]
    return fmean(known) if known else None


def _read(window: PairWindow, side: SideName, endpoint: Endpoint) -> float | None:
    """Give a side's figure; of the throughput of nothing, that of one request.

    A side that stood still all window long is not left out: what is left would be its better part.
    """
    figure = endpoint.get(side_of(window, side))
    if endpoint is ENDPOINTS[EndpointName.THROUGHPUT] and not figure:
        return _one_request_rps((window.base, window.head))
    return figure


def _one_request_rps(together: Iterable[Figures]) -> float | None:
    """Give the throughput of one request in windows as long as these; None where all are empty."""
    known = (each.throughput_rps / each.completed for each in together if each.completed)
    return next(known, None)


def _times(pair: StartPair, side: SideName) -> list[medians.Times]:
    """Give the times of one side's open windows, those without requests left out."""
    figures = [side_of(window, side) for window in pair.windows if window.mode is Mode.OPEN]
    return [medians.Times(each.completed, each.quantiles_ms) for each in figures if each.completed]


def level(evidence: Evidence, worker: str, name: EndpointName, side: SideName) -> float | None:
    """Give a side's own figure in the endpoint's unit: the geometric mean of what was measured.

    The median is that of all requests.
    """
    if name is EndpointName.P50:
        times = [_times(pair, side) for pair in evidence.pairs if pair.worker == worker]
        return medians.median_ms([each for each in times if each])
    if name is EndpointName.SCALING:
        blocks = [block for block in evidence.blocks if block.worker == worker]
        slope = _slope(blocks)
        logs = [_doubling(block, side, slope) for block in blocks]
        known = [log for log in logs if log is not None]
    else:
        endpoint = ENDPOINTS[name]
        figures = [
            _read(window, side, endpoint)
            for pair in evidence.pairs
            if pair.worker == worker
            for window in pair.windows
            if window.mode is endpoint.mode
        ]
        known = [math.log(value) for value in figures if value]
    return math.exp(fmean(known)) if known else None


def side_of(window: PairWindow, side: SideName) -> Figures:
    """Give one side's figures of a window."""
    return window.base if side is SideName.BASE else window.head


def _log_ratio(head: float | None, base: float | None) -> float | None:
    return math.log(head / base) if head and base else None


# -- scaling ------------------------------------------------------------------------------------


def _interaction(block: ScalingBlock, slope: float) -> float | None:
    head, base = (_doubling(block, side, slope) for side in (SideName.HEAD, SideName.BASE))
    return None if head is None or base is None else head - base


def _doubling(block: ScalingBlock, side: SideName, slope: float) -> float | None:
    """Give ln X(2) − ln X(1) of one side, at equal core speed; None where nothing was answered.

    A window without an answer counts as if it had one.
    """
    one_rps = _one_request_rps(window.figures for window in block.windows)
    mine = [window for window in block.windows if window.side is side]
    if one_rps is None or not any(window.figures.completed for window in mine):
        return None
    logs = {
        window.replicas: math.log(window.figures.throughput_rps or one_rps)
        - slope * math.log(window.core_speed or 1.0)
        for window in mine
    }
    return logs[2] - logs[1] if {1, 2} <= logs.keys() else None


def _slope(blocks: Sequence[ScalingBlock]) -> float:
    """Give the slope of ln throughput on ln core speed inside cells, pooled; see ``core_speed``.

    The cells' windows come one after the other, so the machine's changes of speed are in them.
    Where a speed is not known or there are too few windows, nothing is taken out.
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
