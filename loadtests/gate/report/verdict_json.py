"""Reads and writes ``verdict.json``, and judges it again. PURE.

The file has all measurements. Judging it again computes the verdict from them alone, and gives the
same bytes.
"""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from loadtests.gate.analysis import verdict
from loadtests.gate.model import SCHEMA_VERSION, GateResult
from loadtests.model.errors import UsageError

_RESULT = TypeAdapter(GateResult)


def render(result: GateResult) -> str:
    """Return the text of ``verdict.json``."""
    return _RESULT.dump_json(result, indent=1).decode() + "\n"


def parse(text: str | bytes, *, name: str) -> GateResult:
    """Return the gate in a ``verdict.json``; raise :class:`UsageError` for any other text."""
    try:
        result = _RESULT.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name} is not a gate of this version of twofold ({field}: {first['msg']})."
            " Name the verdict.json of a gate."
        ) from error
    if result.schema_version != SCHEMA_VERSION:
        raise UsageError(
            f"{name} was written with schema {result.schema_version}, and this version reads"
            f" {SCHEMA_VERSION}. Use the version that wrote it."
        )
    return result


def judge(earlier: GateResult) -> GateResult:
    """Return the result computed again from the measurements alone."""
    return verdict.conclude(
        earlier.facts, earlier.machine, (earlier.base, earlier.head), earlier.plan, earlier.evidence
    )
