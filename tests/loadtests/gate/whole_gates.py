"""Whole gates on a stack in memory, from their options to their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loadtests.gate import pipeline
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict
from loadtests.gate.options import GateOptions
from loadtests.gate.request import GateRequest
from tests.checkout import CHECKOUT


class Gates:
    """Gates whose results are in one folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.said: list[str] = []

    def run(self, *, options: dict[str, Any] | None = None, **request: Any) -> GateResult:
        given: dict[str, Any] = {
            "options": GateOptions(**(options or {})),
            "seed": 1,
            "root": CHECKOUT,
            "here": CHECKOUT,
            "results": self.results,
            "command": "twofold gate",
        }
        result, _ = pipeline.run(GateRequest(**{**given, **request}), self.said.append)
        return result

    @property
    def folder(self) -> Path:
        """The folder of the only gate."""
        (folder,) = self.results.glob("gate-*")
        return folder


def verdicts(result: GateResult) -> dict[EndpointName, GateVerdict]:
    return {endpoint.endpoint: endpoint.verdict for endpoint in result.endpoints}
