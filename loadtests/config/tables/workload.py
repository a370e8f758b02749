"""A table of ``[tool.twofold.workloads]``: what users ask. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from loadtests.config.file.known import Known
from loadtests.config.tables.fields import Name, Names, Text, UrlPath, Variables, only_one
from loadtests.config.tables.request import Request, placeholder_faults
from loadtests.config.tables.table import Fault, Lack, Table, said

WAYS = ("requests", "locustfile", "path")
OF_A_LOCUSTFILE = ("tags", "exclude-tags", "classes", "keep-waits", "env", "requirements")
OF_REQUESTS = ("start", "values")


class ValuesTable(Table):
    """Values for a placeholder: a list, or a column of a CSV file."""

    items: list[str] | None = None
    """The values; in the file they stand there as a list."""
    file: Text | None = Field(default=None, examples=['"words.csv"'])
    """A CSV file with a line of heads."""
    column: Text | None = Field(default=None, examples=['"word"'])
    """The head of the column; the first one, if left out."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:  # noqa: ARG003
        """Give a table that names no file."""
        if "items" not in data and "file" not in data:
            text = 'This table needs a file. Example: {file = "words.csv"}'
            yield Fault(at=(), text=text, lack=Lack(keys=("file",)))


def _values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list) or not value:
        raise said(
            'Expected a list of values, or a file: ["red", "green"] or {file = "words.csv"}.'
        )
    if not all(isinstance(item, str | int | float) for item in value):
        raise said("Expected a list of strings or numbers.")
    return {"items": [str(item) for item in value]}


Values = Annotated[
    ValuesTable, BeforeValidator(_values, json_schema_input_type=list[str | float] | ValuesTable)
]


class WorkloadTable(Table):
    """What users ask: a list of requests, one path, or a locustfile."""

    requests: list[Request] = Field(default=[], examples=['["3 GET /", "1 GET /search?q=shoes"]'])
    """The requests, each a line (weight, method, path) or a table."""
    path: UrlPath | None = Field(default=None, examples=['"/search?q=shoes"'])
    """The only request: `GET` this path."""
    start: list[Request] = Field(default=[], examples=['["POST /login"]'])
    """What each user sends once, before the list, such as a login."""
    headers: dict[str, str] = Field(default={}, examples=['{X-Forwarded-Proto = "https"}'])
    """Headers of every request."""
    values: dict[Name, Values] = Field(default={}, examples=['{word = ["red", "green"]}'])
    """Values for placeholders."""
    locustfile: Text | None = Field(default=None, examples=['"locustfile.py"'])
    """A locustfile, used as it is."""
    tags: Names = Field(default=[], examples=['["read"]'])
    """Only the locustfile's tasks with one of these tags."""
    exclude_tags: Names = Field(default=[], examples=['["slow"]'])
    """No task with one of these tags."""
    classes: Names = Field(default=[], examples=['["Visitor"]'])
    """Only these user classes."""
    keep_waits: bool = Field(default=False, examples=["true"])
    """Keep the users' waiting times. Without them each user asks again at once."""
    env: Variables = Field(default={}, examples=['{LOGIN = "ada"}'])
    """Environment variables for the locustfile."""
    requirements: Text | None = Field(default=None, examples=['"requirements-load.txt"'])
    """A requirements file with the modules that the locustfile imports."""
    waits: bool = Field(default=False, examples=["true"])
    """Whether requests hardly use CPU: then replicas can share cores without a budget."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:  # noqa: ARG003
        """Give what does not go together, and placeholders without values."""
        if not any(key in data for key in WAYS):
            yield Fault(
                at=(),
                text="This workload asks nothing. Give it requests, a locustfile or a path."
                ' Example: requests = ["GET /"]',
                lack=Lack(keys=WAYS),
            )
        yield from only_one(data, WAYS, why="A workload is one of them.")
        if data.get("requests") == []:
            yield Fault(at=("requests",), text='The list is empty. Example: ["GET /"]')
        others = OF_REQUESTS if "locustfile" in data else OF_A_LOCUSTFILE
        needs = "requests" if "locustfile" in data else "a locustfile"
        for key in others:
            if key in data:
                text = f"This key belongs to {needs}, which this workload does not have."
                yield Fault(at=(key,), text=text, lack=Lack(keys=("locustfile",), up=1))
        yield from _placeholder_faults(data)


def _placeholder_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    values = data.get("values")
    names = tuple(values) if isinstance(values, Mapping) else ()
    for key in ("requests", "start"):
        requests = data.get(key)
        for index, request in enumerate(requests if isinstance(requests, list) else ()):
            for fault in placeholder_faults(request, names):
                yield Fault(at=(key, index, *fault.at), text=fault.text)
    for fault in placeholder_faults({"path": data.get("path")}, names):
        yield fault
