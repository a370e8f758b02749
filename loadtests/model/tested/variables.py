"""Environment variables and headers of the user's, whose values are never written down. PURE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

HIDDEN = "***"
"""What files and JSON documents have in the place of a secret value."""

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


@dataclass(frozen=True)
class _WrittenAs:
    """Tells pydantic how a value is written down. Pydantic is imported only when it is used."""

    write: Callable[[Mapping[str, str]], dict[str, str]]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        schema: dict[str, Any] = dict(handler(source))
        schema["serialization"] = core_schema.plain_serializer_function_ser_schema(
            self.write, return_schema=handler.generate_schema(dict[str, str])
        )
        return cast("CoreSchema", schema)


def _names_only(variables: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(variables, HIDDEN)


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: HIDDEN if name.lower() in SECRET_HEADERS else value for name, value in headers.items()
    }


Variables = Annotated[Mapping[str, str], _WrittenAs(_names_only)]
"""Environment variables; a plan that is written down has their names only."""

Headers = Annotated[Mapping[str, str], _WrittenAs(_without_secrets)]
"""Headers of a request; a plan that is written down has no credentials of them."""
