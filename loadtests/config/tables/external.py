"""The table ``[tool.twofold.external]``: commands that scale a deployment at a URL. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from loadtests.config.file.known import Known
from loadtests.config.tables.fields import Text, Words
from loadtests.config.tables.table import Fault, Table

REPLICAS = "{replicas}"
MAX_LIMIT_S = 3600.0


class ExternalTable(Table):
    """Commands for a deployment that runs already; no shell reads them."""

    scale: Words | None = Field(
        default=None, examples=['"kubectl scale deployment/web --replicas={replicas}"']
    )
    """Sets the number of replicas, which stands for `{replicas}`."""
    replicas: Words | None = Field(default=None, examples=['"./replicas.sh"'])
    """Prints the names of the replicas that serve, one a line."""
    ready: Words | None = Field(
        default=None, examples=['"twofold-kubernetes ready deployment/web"']
    )
    """Ends with code 0 when the deployment is ready, and removed replicas have gone."""
    counters: Words | None = Field(default=None, examples=['"./counters.sh"'])
    """Prints a line a replica: its name, CPU-seconds so far, seconds throttled, `limit=CPUs`."""
    reset: Words | None = Field(default=None, examples=['"./reset.sh"'])
    """Runs before each round."""
    header: Text | None = Field(default=None, examples=['"X-Served-By"'])
    """The header of an answer that names the replica."""
    limit_s: Annotated[float, Field(gt=0, le=MAX_LIMIT_S)] | None = Field(
        default=None, examples=["60"]
    )
    """Seconds that each command may take."""
    ready_limit_s: Annotated[float, Field(gt=0, le=MAX_LIMIT_S)] | None = Field(
        default=None, examples=["300"]
    )
    """Seconds until the deployment has its new number of replicas."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:  # noqa: ARG003
        """Give a command that cannot scale."""
        scale = data.get("scale")
        if isinstance(scale, str | list) and REPLICAS not in str(scale):
            yield Fault(at=("scale",), text=f"The command has no {REPLICAS}, so it cannot scale.")
