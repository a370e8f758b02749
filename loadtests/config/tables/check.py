"""A table of ``[[tool.twofold.checks]]``: what has to hold with any number of replicas. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from loadtests.config.file.known import Known
from loadtests.config.tables.fields import Text
from loadtests.config.tables.request import Step, placeholder_faults
from loadtests.config.tables.table import Fault, Lack, Table
from loadtests.model.consistency import PLACE

MAX_TIMES = 100


class CheckTable(Table):
    """Written through one replica, read through all: do they answer as one?"""

    name: Text = Field(examples=['"a login is known to every replica"'])
    """A sentence that the report shows."""
    write: Step = Field(examples=['{method = "POST", path = "/login", form = {user = "ada"}}'])
    """The request that changes something; any replica gets it."""
    read: Step = Field(examples=['{path = "/me", expect = {status = 200, contains = "ada"}}'])
    """The request that every replica then gets, with the cookies of the write."""
    kind: Literal["value", "count"] = Field(default="value", examples=['"count"'])
    """`value`: the answer is as expected, or has the word `{token}` of the write. `count`: its
    first whole number has grown by the number of writes. A read may count itself, too."""
    times: Annotated[int, Field(ge=1, le=MAX_TIMES)] = Field(default=1, examples=["3"])
    """How often the check is made."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:  # noqa: ARG003
        """Give unknown placeholders, and a check that nothing could fail."""
        write, read = data.get("write"), data.get("read")
        for key, step in (("write", write), ("read", read)):
            for fault in placeholder_faults(step, (PLACE.strip("{}"),)):
                yield Fault(at=(key, *fault.at), text=fault.text)
        if write is None or read is None:
            return
        expects = isinstance(read, Mapping) and "expect" in read
        if data.get("kind") == "count":
            if expects:
                text = "A count is compared with the writes. Leave expect out, or the kind."
                yield Fault(at=("read", "expect"), text=text)
        elif not expects and PLACE not in str(write):
            yield Fault(
                at=("read",),
                text="Nothing says what a right answer is. Give read an expect, or put {token}"
                ' into write. Example: expect = {status = 200, contains = "ada"}',
                lack=Lack(keys=("expect",)),
            )
