"""A gate that is to run: its options, its folders, and what it adds to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loadtests.gate.model.result import GateResult
from loadtests.gate.options import GateOptions


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """A gate to run; ``calibrate`` measures the same starts repeatedly.

    ``functions_only`` profiles the functions of fresh starts and measures nothing else. Without
    ``wait`` it fails if another run or gate measures on this machine.
    """

    options: GateOptions
    seed: int
    root: Path
    here: Path
    results: Path
    command: str
    append: GateResult | None = None
    calibrate: bool = False
    functions_only: bool = False
    keep_samples: bool = False
    wait: bool = True
