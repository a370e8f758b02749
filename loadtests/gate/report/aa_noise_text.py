"""What ``twofold gate calibrate`` says, for people and for programs. PURE."""

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


def render_json(found: GateCalibration) -> str:
    """Return one JSON document."""
    return _CALIBRATION.dump_json(found, indent=1).decode() + "\n"


def answer(found: GateCalibration) -> str:
    """Say in a sentence what a gate can promise here."""
    refused = [promise for promise in found.promises if promise.starts is None]
    if refused:
        margins = {spread.endpoint: spread.margin for spread in found.spreads}
        named = ", ".join(
            f"{NAMES[promise.endpoint]} −{margins[promise.endpoint]:.0%}" for promise in refused
        )
        return (
            f"This machine cannot hold these margins in the time: {named}. Allow more"
            " (--max-minutes), take a wider --margin, or a quieter machine."
        )
    most = max(found.promises, key=lambda promise: promise.starts or 0)
    return (
        f"A gate here needs {most.starts} starts of each side, {figure(most.minutes)} minutes of"
        " measuring side by side, to pass 19 of 20 times where nothing has changed."
    )


def render(found: GateCalibration) -> Group:
    """Return what a person reads on the terminal."""
    return Group(*_parts(found))


def _parts(found: GateCalibration) -> Iterator[RenderableType]:
    yield Text(answer(found), style="bold green" if found.holds else "bold yellow")
    yield Text()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("endpoint", "SD window", "SD start", "of starts", "starts", "min", "visible"):
        table.add_column(column, justify="left" if column == "endpoint" else "right")
    for spread, promise in zip(found.spreads, found.promises, strict=True):
        table.add_row(
            NAMES[spread.endpoint],
            percent(spread.window_sd),
            percent(spread.start_sd),
            percent(spread.intraclass),
            *_promised(promise),
        )
    yield table
    yield Text()
    for spread in found.spreads:
        effects = (("side", spread.offset), ("order", spread.order), ("drift/min", spread.drift))
        told = ", ".join(f"{name} {_effect(effect)}" for name, effect in effects)
        yield Text(f"{NAMES[spread.endpoint]}: {told}", style="dim")


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
