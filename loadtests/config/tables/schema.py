"""The JSON Schema of the configuration, for editors and for the reference. PURE."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from loadtests.config.tables.check import CheckTable
from loadtests.config.tables.external import ExternalTable
from loadtests.config.tables.gate import GateTable
from loadtests.config.tables.request import ExpectTable, RequestTable, StepTable
from loadtests.config.tables.settings import Settings
from loadtests.config.tables.swarm import SwarmTable
from loadtests.config.tables.table import Table
from loadtests.config.tables.variant import VariantTable
from loadtests.config.tables.workload import ValuesTable, WorkloadTable

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


TABLES: dict[str, type[Table]] = {
    "`[tool.twofold]`": Settings,
    "`[tool.twofold.variants.NAME]`": VariantTable,
    "`[tool.twofold.workloads.NAME]`": WorkloadTable,
    "A request": RequestTable,
    "What an answer has to be": ExpectTable,
    "Values from a file": ValuesTable,
    "`[[tool.twofold.checks]]`": CheckTable,
    "A request of a check": StepTable,
    "`[tool.twofold.external]`": ExternalTable,
    "`[tool.twofold.swarm]`": SwarmTable,
    "`[tool.twofold.gate]`": GateTable,
}
"""The tables of the configuration, by their headings."""


def schema() -> str:
    """Return the JSON Schema of ``[tool.twofold]``, as published in ``docs/reference``."""
    described: dict[str, Any] = {
        "$schema": SCHEMA_ID,
        **_tidy(Settings.model_json_schema(by_alias=True)),
        "title": "Twofold configuration",
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _tidy(part: Any) -> Any:
    """Return a part of the schema without what TOML cannot have, null, and what says nothing."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidy(value) for key, value in part.items()}
    if isinstance(tidy.get("title"), str):
        del tidy["title"]
    if tidy.get("default", ...) in (None, [], {}):
        del tidy["default"]
    if isinstance(tidy.get("examples"), list):
        tidy["examples"] = [tomllib.loads(f"value = {text}")["value"] for text in tidy["examples"]]
    choices = [choice for choice in tidy.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return tidy | choices[0]
    return tidy | {"anyOf": choices} if choices else tidy
