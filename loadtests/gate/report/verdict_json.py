"""``verdict.json``: a gate as a program reads it, and as it can be judged again. PURE.

The file holds all that was measured. Judging it again works the verdict out from that alone and
gives the same bytes.
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
    """Read a gate back as it was written; raise :class:`UsageError` where it is none."""
    try:
        found = _RESULT.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name} is no verdict of this version's gates ({where}: {first['msg']})."
            " Name the verdict.json of a gate."
        ) from error
    if found.schema_version != SCHEMA_VERSION:
        raise UsageError(
            f"{name} was written with schema {found.schema_version}, and this version reads"
            f" {SCHEMA_VERSION}. Use the version that wrote it."
        )
    return found


def judge(found: GateResult) -> GateResult:
    """Work out the verdict again, from what was measured alone."""
    return verdict.conclude(
        found.facts, found.machine, (found.base, found.head), found.plan, found.evidence
    )
