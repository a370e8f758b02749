"""Environment variables and headers of the user's, whose values are never written down. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import PlainSerializer

HIDDEN = "***"
"""What files and JSON documents have in the place of a secret value."""

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


def _names_only(variables: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(variables, HIDDEN)


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: HIDDEN if name.lower() in SECRET_HEADERS else value for name, value in headers.items()
    }


Variables = Annotated[Mapping[str, str], PlainSerializer(_names_only)]
"""Environment variables; a plan that is written down has their names only."""

Headers = Annotated[Mapping[str, str], PlainSerializer(_without_secrets)]
"""Headers of a request; a plan that is written down has no credentials of them."""
