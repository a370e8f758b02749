"""What is wrong with an application that cannot be imported, or is none, in words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtests.targets.application import unreachable
from loadtests.targets.application.inspector.kinds import OWN_SERVER

_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_MISSING = re.compile(
    r"must be set|not set|required|environment variable|missing|undefined", re.IGNORECASE
)
"""Words by which applications complain about a variable that is not set."""

_VARIABLE_NAMED_SO = re.compile(
    rf"[Ee]nvironment [Vv]ariable:? [`'\"]?({_VARIABLE.pattern})"
    rf"|({_VARIABLE.pattern})[`'\"]? [Ee]nvironment [Vv]ariable"
)
"""A variable that a message calls one. Django's names a setting beside it, which is none."""

_OF_SETTINGS = re.compile(r"validation errors? for \w*(?:Settings|Config|Env)")
_FIELD = re.compile(r"^(\w+)\n\s+field required", re.IGNORECASE | re.MULTILINE)
"""A field of pydantic's settings without a value: a variable has its name, mostly in capitals."""

MOST_VARIABLES = 6
LAST_CHARS = 1500
LAST_LINES = 10

SAYS_LITTLE = frozenset({"exits", "hangs"})
"""Kinds of failures whose cause only stands in what the application wrote."""

_WORDS = re.compile(r"error: (?:unrecognized arguments|the following arguments are required)")
"""What argparse writes of words that it does not know, or misses."""

NAMES = {
    "blacksheep": "BlackSheep",
    "bottle": "Bottle",
    "django": "Django",
    "falcon": "Falcon",
    "fastapi": "FastAPI",
    "flask": "Flask",
    "litestar": "Litestar",
    "pyramid": "Pyramid",
    "quart": "Quart",
    "sanic": "Sanic",
    "starlette": "Starlette",
    "tornado": "Tornado",
}
"""The frameworks' own spelling."""

INSTALL = "Install it there, or name the application's own Python: --python .venv/bin/python"
"""How an interpreter of this machine gets a module that it lacks."""

Trouble = Mapping[str, Any]
"""A failure as the inspector writes it: its ``kind``, and further fields."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a message names beside the failure.

    ``asked`` is the import string, ``where`` the interpreter and ``folder`` the project's.
    ``missing`` maps variables that the application looked for in vain to its lines, and ``listed``
    are the names in the folder's ``.env``. ``install`` says how the interpreter gets a module, and
    ``has_dockerfile`` whether the folder has a Dockerfile. ``output`` is what the import wrote.
    ``applications`` are the import strings that the folder's source shows.
    """

    asked: str
    where: str
    folder: str
    missing: Mapping[str, str] = field(default_factory=dict)
    listed: Collection[str] = ()
    install: str = INSTALL
    has_dockerfile: bool = False
    output: str = ""
    applications: Sequence[str] = ()


def message(trouble: Trouble, context: Context) -> str:
    """Return the message for a failure of the inspector."""
    kind = str(trouble["kind"])
    if kind in _SENTENCES:
        return _SENTENCES[kind](trouble, context)
    frames = "".join(
        f"\n  {frame['file']}:{frame['line']}" + (f"\n    {frame['text']}" if frame["text"] else "")
        for frame in trouble["frames"]
    )
    causes = "".join(f"\n(caused by {cause})" for cause in trouble["causes"])
    return (
        f"The application does not import: {trouble['step']}, with {context.where}.{frames}"
        f"\n{_END[kind](trouble)}{causes}{_hint(trouble, context)}"
        f"{_last_words(context.output) if kind in SAYS_LITTLE else ''}"
    )


_END: dict[str, Callable[[Trouble], str]] = {
    "raises": lambda trouble: str(trouble["exception"]),
    "exits": lambda trouble: f"It ends the process: {trouble['exception']}",
    "hangs": lambda _: (
        "The import did not end in time. A server or a loop that is started there belongs below"
        ' `if __name__ == "__main__":`. One that takes longer: `twofold run` with --start-limit 300'
    ),
}


def _last_words(output: str) -> str:
    """Return the end of what an import wrote, and what to do where it reads the command line."""
    remedy = ""
    if _WORDS.search(output):
        remedy = (
            "\nUnder a server, the command line is the server's own. Read it below"
            ' `if __name__ == "__main__":`.'
        )
    lines = output.strip().splitlines()[-LAST_LINES:]
    return remedy + ("\n".join(("\nThe end of its output:", *lines)) if lines else "")


def _hint(trouble: Trouble, context: Context) -> str:
    """Return what to do about an exception, or nothing."""
    said = "\n".join([trouble["exception"], *trouble["causes"]])
    module = re.search(r"No module named '([\w.]+)'", said)
    if module is not None:
        return f"\nThat Python has no module {module[1]}. {context.install}"
    latest_first = reversed(list(context.missing.items()))
    asked = {name: f"{name} ({where})" for name, where in latest_first}
    fields = _FIELD.findall(said) if _OF_SETTINGS.search(said) else ()
    named = {name.upper(): name.upper() for name in fields}
    named = named or {name: text for name, text in asked.items() if name in said} or asked
    if not named and _MISSING.search(said):
        called_so = [first or second for first, second in _VARIABLE_NAMED_SO.findall(said)]
        named = {name: name for name in called_so or _VARIABLE.findall(said)}
    remedy = unreachable.advice(said)
    out_of_reach = f"\n{remedy}" if remedy else ""
    if not named:
        return out_of_reach
    names = list(named)[:MOST_VARIABLES]
    in_file = [name for name in names if name in context.listed]
    also = (
        f" The folder's .env has {', '.join(in_file)}; servers do not load it." if in_file else ""
    )
    return (
        "\nVariables that it asks for, and that are not set:"
        f" {', '.join(named[name] for name in names)}.{also}"
        f" Set what it needs: --env {names[0]}=VALUE{out_of_reach}"
    )


def no_python(python: str, error: str) -> str:
    """Return the message for an interpreter that does not run, or does not end."""
    return f"The application cannot be imported with {python}. {error}"


def no_answer(asked: str, *, where: str, code: int, output: str) -> str:
    """Return the message for an import that ended its process, or a program that is no Python."""
    end = output.strip()[-LAST_CHARS:] or "(it wrote nothing)"
    ended = f"signal {-code}" if code < 0 else f"code {code}"
    return (
        f"The import of {asked or 'the application'} with {where} ended its process ({ended})."
        f" Python 3.7 or later is needed. The end of its output:\n{end}"
    )


def of_object(answer: Mapping[str, Any]) -> Trouble | None:
    """Return the failure of an object that no server serves by its interface, or None."""
    if answer.get("gunicorn", {}).get("daemon"):
        return {"kind": "daemon"}
    if answer["interface"] == "wsgi":
        return None
    if answer["interface"] == "asgi":
        return {"kind": "async", **answer} if answer["framework"] in OWN_SERVER else None
    return {"kind": "not_wsgi", **answer}


def framework_name(framework: str, version: str | None) -> str:
    """Return a framework's name and version for people."""
    known = version if version not in {None, "?"} else ""
    return f"{NAMES.get(framework, framework)} {known}".strip()


# -- sentences --------------------------------------------------------------------------------


def _nearest(name: str, names: Collection[str], lead: str = "") -> str:
    nearest = difflib.get_close_matches(name, [*names], n=1)
    return f" Did you mean {lead}{nearest[0]}?" if nearest else ""


def _list(names: Collection[str]) -> str:
    return ", ".join(names) or "nothing"


def _no_module(trouble: Trouble, context: Context) -> str:
    names = trouble["names"]
    return (
        f"There is no module {trouble['module']!r} in {context.folder} or its src, and"
        f" {context.where} has none."
        f" Modules in the folder: {_list(names)}.{_nearest(trouble['module'], names)}"
        f" (If {context.asked} is an image: --image {context.asked}.)"
    )


def _attribute(trouble: Trouble, _: Context) -> str:
    module, names = trouble["module"], trouble["names"]
    nearest = _nearest(trouble["attribute"], names, f"{module}:")
    if not nearest and len(trouble["likely"]) == 1:
        nearest = f" Did you mean {module}:{trouble['likely'][0]}?"
    return f"{module} has no {trouble['attribute']!r}. It has: {_list(names)}.{nearest}"


def _none(trouble: Trouble, context: Context) -> str:
    module, shown = trouble["module"], context.applications
    name = f"{shown[0]}, which the source shows" if shown else f"{module}:NAME"
    return (
        f"{module} has no application that can be found as Flask does: neither app nor application,"
        " no other instance, and no create_app() or make_app()."
        f" It has: {_list(trouble['names'])}. Name it: {name}"
    )


def _several(trouble: Trouble, _: Context) -> str:
    module, names = trouble["module"], trouble["names"]
    return (
        f"{module} has several applications, and none is called app or application:"
        f" {_list(names)}. Name one: {module}:{names[0]}"
    )


def _nothing(trouble: Trouble, context: Context) -> str:
    names = trouble["names"] or context.applications
    seen = f" These modules seem to have one: {_list(names)}." if names else ""
    return (
        f"No application is named: {context.folder} has neither wsgi.py nor app.py, and FLASK_APP"
        f" is not set.{seen} Name it: --app {names[0] if names else 'shop:app'}"
    )


def _arguments(trouble: Trouble, context: Context) -> str:
    module = context.asked.partition(":")[0] or "MODULE"
    function = trouble["call"].partition("(")[0]
    return (
        f"{trouble['call']} cannot be called: {trouble['exception']}. Give the arguments as"
        f" literals: --app \"{module}:{function}('production')\""
    )


def _form(trouble: Trouble, context: Context) -> str:
    return (
        f"{trouble['attribute']!r} in {context.asked} is neither a name nor a call with"
        " literal arguments. Try shop:app, shop:create_app() or shop:create_app('production')."
    )


def _no_file(trouble: Trouble, context: Context) -> str:
    return (
        f"There is no {trouble['file']} in {context.folder}. Name a module of that folder: shop:app"
    )


def _daemon(_: Trouble, __: Context) -> str:
    return (
        "gunicorn.conf.py sets daemon = True. A replica has to stay in the foreground, or it cannot"
        " be measured and ended. Remove the line."
    )


def _async(trouble: Trouble, context: Context) -> str:
    name = framework_name(trouble["framework"], trouble["version"])
    here = "`twofold run .`, " if context.has_dockerfile else ""
    return (
        f"{trouble['application']} is an application of {name}, which has a server of its own:"
        " neither a WSGI nor an ASGI server serves it. What works: an image or a Dockerfile that"
        f" starts that server ({here}`--image shop:1.2`)."
    )


def _not_wsgi(trouble: Trouble, _: Context) -> str:
    application, what = trouble["application"], trouble["what"]
    module, _colon, attribute = application.partition(":")
    if attribute.endswith(")") and what == "None":
        return f"{application} returns None. A factory ends with `return app`."
    if what == "coroutine":
        return (
            f"{application} returns a coroutine, and a server awaits none. Write the factory as"
            " `def`, and do what is asynchronous in the application's lifespan."
        )
    if what.startswith("the class"):
        return f"{application} is {what}, and no application. Call it: {application}()"
    remedy = "Name the application itself, such as shop:app or shop:create_app()."
    if trouble["wrapped"]:
        inner = trouble["wrapped"][0]
        remedy = (
            f"Its .{inner} is one: add `{inner} = {attribute}.{inner}` to {module},"
            f" and name {module}:{inner}"
        )
    elif what == "module":
        remedy = f"It is a module; try {module}.{attribute}:app"
    return f"{application} is neither a WSGI nor an ASGI application, but {what}. {remedy}"


_SENTENCES: dict[str, Callable[[Trouble, Context], str]] = {
    "arguments": _arguments,
    "async": _async,
    "attribute": _attribute,
    "daemon": _daemon,
    "form": _form,
    "no_file": _no_file,
    "no_module": _no_module,
    "none": _none,
    "not_wsgi": _not_wsgi,
    "nothing": _nothing,
    "several": _several,
}
