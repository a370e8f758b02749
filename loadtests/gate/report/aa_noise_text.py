"""Renders the result of ``twofold gate calibrate`` as text and as JSON. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadtests.gate.analysis.aa_noise import GateCalibration, Promise
from loadtests.gate.analysis.verdict import NAMES
from loadtests.gate.report import wording
from loadtests.model.result import Estimate
from loadtests.report.rounding import figure, percent

_CALIBRATION = TypeAdapter(GateCalibration)


def render_json(noise: GateCalibration) -> str:
    """Return the calibration as one JSON document."""
    return _CALIBRATION.dump_json(noise, indent=1).decode() + "\n"


def answer(noise: GateCalibration) -> str:
    """Return one sentence on what a gate can detect on this machine."""
    undecided = [promise for promise in noise.promises if promise.starts is None]
    if undecided:
        margins = {spread.endpoint: spread.margin for spread in noise.spreads}
        margins_text = ", ".join(
            f"{NAMES[promise.endpoint]} −{margins[promise.endpoint]:.0%}" for promise in undecided
        )
        return (
            f"The time is too short for these margins on this machine: {margins_text}. Allow more"
            " (--max-minutes), set a wider --margin, or use a quieter machine."
        )
    most = max(noise.promises, key=lambda promise: promise.starts or 0)
    return (
        f"A gate on this machine needs {most.starts} starts of each version, {figure(most.minutes)}"
        " minutes of measuring, to pass 19 of 20 times without a change."
    )


def render(noise: GateCalibration) -> Group:
    """Return the text for the terminal."""
    return Group(*_parts(noise))


def _parts(noise: GateCalibration) -> Iterator[RenderableType]:
    yield Text(answer(noise), style="bold green" if noise.holds else "bold yellow")
    yield Text()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("endpoint", "SD window", "SD start", "of starts", "starts", "min", "visible"):
        table.add_column(column, justify="left" if column == "endpoint" else "right")
    for spread, promise in zip(noise.spreads, noise.promises, strict=True):
        table.add_row(
            NAMES[spread.endpoint],
            percent(spread.window_sd),
            percent(spread.start_sd),
            percent(spread.intraclass),
            *_promised(promise),
        )
    yield table
    yield Text()
    for spread in noise.spreads:
        effects = (
            ("base/head", spread.offset),
            ("order", spread.order),
            ("drift/min", spread.drift),
        )
        effects_text = ", ".join(f"{name} {_effect(effect)}" for name, effect in effects)
        yield Text(f"{NAMES[spread.endpoint]}: {effects_text}", style="dim")


def _promised(promise: Promise) -> tuple[str, str, str]:
    if promise.starts is None or promise.visible is None:
        return ("–", "–", "–")
    return (str(promise.starts), figure(promise.minutes), f"{wording.signed(promise.visible)} %")


def _effect(effect: Estimate) -> str:
    if effect.estimate is None or effect.low is None or effect.high is None:
        return "–"
    return (
        f"{wording.signed(effect.estimate)} %"
        f" [{wording.signed(effect.low)}, {wording.signed(effect.high)}]"
    )
