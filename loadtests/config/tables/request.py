"""One request of a workload or of a check, as a line or as a table. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from loadtests.config import placeholders, request_line
from loadtests.config.file.known import Known
from loadtests.config.tables.fields import HeaderText, Method, Text, UrlPath, in_words_of, only_one
from loadtests.config.tables.table import Fault, Table, said
from loadtests.model.errors import UsageError

BODIES = ("json", "form", "body")


class ExpectTable(Table):
    """What makes an answer correct."""

    status: Annotated[int, Field(ge=100, le=599)] | None = Field(default=None, examples=["200"])
    """Its status. Without one, each status below 400 is right."""
    contains: Text | None = Field(default=None, examples=['"ada"'])
    """A text that its body has."""


def _expect(value: Any) -> Any:
    return {"status": value} if isinstance(value, int) and not isinstance(value, bool) else value


Expect = Annotated[ExpectTable, BeforeValidator(_expect, json_schema_input_type=int | ExpectTable)]


class StepTable(Table):
    """A request of a check."""

    method: Method | None = Field(default=None, examples=['"POST"'])
    """POST for a write and GET for a read, if left out."""
    path: UrlPath = Field(examples=['"/login"'])
    """The path on the target, with a query if it has one."""
    headers: dict[HeaderText, HeaderText] = Field(default={}, examples=['{Accept = "text/html"}'])
    """Headers."""
    form: dict[str, str] | None = Field(default=None, examples=['{user = "ada"}'])
    """Fields of a form."""
    json_: Any = Field(default=None, alias="json", examples=["{item = 7}"])
    """A value that is sent as JSON."""
    body: str | None = Field(default=None, examples=['"text"'])
    """A body as it is."""
    expect: Expect | None = Field(default=None, examples=["{status = 200}"])
    """What makes the answer correct; a number is a status."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:  # noqa: ARG003
        """Give bodies that exclude one another."""
        yield from only_one(data, BODIES, why="A request has one body.")


class RequestTable(StepTable):
    """A request of a workload's list."""

    method: Method = Field(default="GET", examples=['"POST"'])
    """The method."""
    weight: Annotated[int, Field(ge=1, le=request_line.MAX_WEIGHT)] = Field(
        default=1, examples=["3"]
    )
    """Its share among the requests of the list."""
    name: Text | None = Field(default=None, examples=['"search"'])
    """Its name in reports; method and path, if left out."""
    query: dict[str, str] = Field(default={}, examples=['{q = "{word}"}'])
    """The query, encoded and added to the path."""
    files: dict[str, Text] = Field(default={}, examples=['{picture = "cat.png"}'])
    """Files to send: the form's field, and the file's path."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
        """Give bodies that exclude one another."""
        yield from super().faults(data, known)
        if "files" in data:
            yield from only_one(data, ("files", "json", "body"), why="A form has the files.")


def _step(value: Any) -> Any:
    """Return the table that a line such as ``POST /login`` stands for."""
    if not isinstance(value, str):
        return value
    line = in_words_of(request_line.parse)(value)
    if line.weight != 1:
        raise said(f"{value!r} has a weight, and this request is sent by itself. Leave it out.")
    method = {} if value.lstrip().startswith("/") else {"method": line.method}
    return {"path": line.path, **method}


def _request(value: Any) -> Any:
    """Return the table that a line such as ``3 GET /`` stands for."""
    if isinstance(value, str):
        line = in_words_of(request_line.parse)(value)
        return {"weight": line.weight, "method": line.method, "path": line.path}
    if not isinstance(value, Mapping):
        raise said(
            f"Expected a request: a line such as {request_line.EXAMPLE}, or a table with a path."
        )
    return value


Step = Annotated[StepTable, BeforeValidator(_step, json_schema_input_type=str | StepTable)]
Request = Annotated[
    RequestTable, BeforeValidator(_request, json_schema_input_type=str | RequestTable)
]


def placeholder_faults(request: Any, names: Any) -> Iterator[Fault]:
    """Give what is wrong with the placeholders of a request, as it was written."""
    if isinstance(request, str):
        try:
            request = {"path": request_line.parse(request).path}
        except UsageError:  # the line itself is the mistake, and is said as one
            return
        paths: tuple[str, ...] = ()
    else:
        paths = ("path",)
    if not isinstance(request, Mapping):
        return
    path = request.get("path")
    if isinstance(path, str):
        for text in placeholders.faults_in_path(path, names):
            yield Fault(at=paths, text=text)
    for key in ("query", "headers", *BODIES):
        for inner in _texts(request.get(key)):
            for text in placeholders.faults_in_text(inner, names):
                yield Fault(at=(key,), text=text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
