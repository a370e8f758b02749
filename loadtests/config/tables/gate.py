"""The table ``[tool.twofold.gate]``: defaults of ``twofold gate``. PURE."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loadtests.config.tables.fields import Names, Text, Variables
from loadtests.config.tables.table import Table


class GateTable(Table):
    """Defaults of `twofold gate`; its options win."""

    base: Text | None = Field(default=None, examples=['"v1.2"'])
    """The version before: an image, a git ref or a path; the merge base, if left out."""
    head: Text | None = Field(default=None, examples=['"."'])
    """The version after."""
    workers: Names | None = Field(default=None, examples=['["gthread"]'])
    """Variants to compare."""
    workload: Text | None = Field(default=None, examples=['"browse"'])
    """The workload."""
    margin: Annotated[float, Field(ge=0.005, le=0.5)] | None = Field(
        default=None, examples=["0.05"]
    )
    """The loss that still passes."""
    max_minutes: Annotated[float, Field(ge=0.1, le=1440)] | None = Field(
        default=None, examples=["8"]
    )
    """Measuring time for each variant."""
    scaling: bool | None = Field(default=None, examples=["false"])
    """Whether to compare the doubling factor too."""
    profile: bool | None = Field(default=None, examples=["true"])
    """Whether to name the functions whose CPU per request changed; else where something changed."""
    base_env: Variables = Field(default={}, examples=['{DEBUG = "0"}'])
    """Environment variables of base."""
    head_env: Variables = Field(default={}, examples=['{DEBUG = "1"}'])
    """Environment variables of head."""
    history: bool | None = Field(default=None, examples=["true"])
    """Whether to add the gate to `history.jsonl`."""
