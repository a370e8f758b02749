"""Reads and writes ``verdict.json``, and judges it again. PURE.

The file has all measurements. Judging it again computes the verdict from them alone, and gives the
same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from loadtests.gate.analysis import verdict
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import READABLE
from loadtests.model.errors import UsageError

_RESULT = TypeAdapter(GateResult)


@dataclass(frozen=True, kw_only=True)
class Versioned:
    """The field of every version of the format."""

    schema_version: int


_VERSIONED = TypeAdapter(Versioned)


def render(result: GateResult) -> str:
    """Return the text of ``verdict.json``."""
    return _RESULT.dump_json(result, indent=1).decode() + "\n"


def parse(text: str | bytes, *, name: str) -> GateResult:
    """Return the gate in a ``verdict.json``; raise :class:`UsageError` for any other text."""
    try:
        _check_version(_VERSIONED.validate_json(text).schema_version, name)
        return _RESULT.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name} is not a gate of this version of twofold ({field}: {first['msg']})."
            " Name the verdict.json of a gate."
        ) from error


def _check_version(version: int, name: str) -> None:
    if version not in READABLE:
        raise UsageError(
            f"{name} was written with schema {version}, and this version reads"
            f" {' and '.join(map(str, sorted(READABLE)))}. Use the version that wrote it."
        )


def judge(earlier: GateResult) -> GateResult:
    """Return the result computed again from the measurements alone; its schema stays its own."""
    judged = verdict.conclude(
        earlier.facts, earlier.machine, (earlier.base, earlier.head), earlier.plan, earlier.evidence
    )
    return replace(judged, schema_version=earlier.schema_version)
