"""The base of all tables of the configuration: their mistakes, all of them, in plain words. PURE.

pydantic stops a table's own checks where one of its keys is wrong, and words its errors for
programmers. Here each table words the errors of its keys, and its checks always run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from loadtests.config.file.known import Known
from loadtests.config.names import did_you_mean, nearest

SAID = "said"
"""Type of an error whose text is ready."""

SECRET = frozenset({"env", "headers", "form", "body", "base-env", "head-env"})
"""Keys whose values no message repeats."""

_KINDS = (
    (bool, "true or false"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (list, "an array"),
    (dict, "a table"),
)


@dataclass(frozen=True, kw_only=True)
class Lack:
    """What is not there: one of these keys, in the table ``up`` steps above the fault's path.

    If such a key is there and misspelt, the misspelling is the mistake, and this only follows.
    """

    keys: tuple[str, ...]
    up: int = 0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What a table's own check found: the path below the table, and the text."""

    at: tuple[str | int, ...]
    text: str
    lack: Lack | None = None


class Table(BaseModel):
    """A table of the configuration. Keys are written with hyphens."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    OF_OTHERS: ClassVar[Mapping[str, str]] = {}
    """Keys that are often put here, and the table that has them."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:  # noqa: ARG003
        """Give the faults between keys; ``data`` is as it was written, with any mistake."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _with_all_mistakes(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        errors: list[InitErrorDetails] = []
        table: Self | None = None
        try:
            table = handler(data)
        except ValidationError as error:
            errors += [_worded(each, cls) for each in error.errors(include_url=False)]
        if isinstance(data, Mapping):
            assert isinstance(info.context, Known)
            errors += [_of_fault(fault) for fault in cls.faults(data, info.context)]
        if errors or table is None:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return table


def said(text: str, *, lack: Lack | None = None, meant: str | None = None) -> PydanticCustomError:
    """Return an error with this text, for validators of values.

    ``meant`` is the key that an unknown one probably stands for.
    """
    return PydanticCustomError(SAID, "{text}", {"text": text, "lack": lack, "meant": meant})


def _of_fault(fault: Fault) -> InitErrorDetails:
    return InitErrorDetails(type=said(fault.text, lack=fault.lack), loc=fault.at, input=None)


def _worded(error: ErrorDetails, table: type[Table]) -> InitErrorDetails:
    """Return pydantic's error in plain words; one that has them already stays as it is."""
    location = error["loc"]
    fields = {field.alias or name: field for name, field in table.model_fields.items()}
    key = str(location[0]) if location else ""
    context = error.get("ctx", {})
    if error["type"] == SAID:
        kind = said(error["msg"], lack=context.get("lack"), meant=context.get("meant"))
    elif error["type"] == "extra_forbidden":
        other = table.OF_OTHERS.get(key)
        near = nearest(key, fields) if other is None else None
        way_out = f"Did you mean {near}?" if near else f"Keys: {', '.join(fields)}."
        way_out = way_out if other is None else f"It belongs to {other}."
        kind = said(f"There is no such key here. {way_out}", meant=near)
    elif error["type"] == "missing":
        kind = said(f"This key is missing.{_example(key, fields)}", lack=Lack(keys=(key,), up=1))
    elif isinstance(error["input"], Mapping) and f"{key}s" in fields:
        kind = said(f"This is no table. Did you mean {key}s?", meant=f"{key}s")
    else:
        kind = said(_unexpected(error, key, fields))
    return InitErrorDetails(type=kind, loc=_without_marks(location), input=None)


def _without_marks(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return a path without pydantic's mark for the key of a dictionary."""
    return tuple(part for part in location if part != "[key]")


def _unexpected(error: ErrorDetails, key: str, fields: Mapping[str, FieldInfo]) -> str:
    value = error["input"]
    shown = _kind(value) if key in SECRET else _shown(value)
    near = ""
    if error["type"] == "literal_error" and isinstance(value, str):
        near = did_you_mean(value, re.findall(r"'([^']*)'", error["ctx"]["expected"]))
    return f"{_expected(error)}, got {shown}.{near}{_example(key, fields)}"


def _example(key: str, fields: Mapping[str, FieldInfo]) -> str:
    field = fields.get(key)
    return f" Example: {key} = {field.examples[0]}" if field and field.examples else ""


def _expected(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    ranges = {
        "greater_than_equal": "at least {ge}",
        "greater_than": "above {gt}",
        "less_than_equal": "at most {le}",
        "less_than": "below {lt}",
        "string_too_short": "a string that is not empty",
        "too_short": "at least {min_length}",
        "literal_error": "one of {expected}",
    }
    types = {
        "string_type": "a string in quotes",
        "int_type": "an integer",
        "int_from_float": "an integer",
        "float_type": "a number",
        "bool_type": "true or false",
        "list_type": "an array in [ ]",
        "dict_type": "a table",
        "model_type": "a table",
    }
    known = ranges | types
    return f"Expected {known.get(error['type'], error['msg']).format(**context)}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value}"
    return _kind(value)


def _kind(value: Any) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "a date or time")
