"""An application of 40 functions, one of which may do more: the truth of scripts/gate_functions.py.

A request calls all of them. Their work is a loop, so that what is planted is known in rounds. Its
share of a request's CPU is about 5 %: ``REST_RATIO`` is not the same on all processors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODULES = ("prices", "search", "stock", "texts")

EACH = 10
"""Functions of a module."""

ROUNDS = (600, 1000, 1400, 2000, 2500)
"""Rounds of a function, in turns: they take 0.8 to 3.3 % of a request's CPU."""

REST_RATIO = 0.35
"""CPU of a request outside of the loops, over that in them: Flask, gunicorn and the kernel."""

PLANTED_RATIO = 0.05
"""What is planted, as a share of the CPU of a request."""

KINDS = ("lines", "callee")
"""More work in the function itself, or in a new function that it calls."""

HEAD_COMMENT = "# This version is a later one,\n# so its lines are\n# at other places.\n\n"

GUNICORN = """\
bind = "0.0.0.0:8000"
worker_class = "gthread"
workers, threads = 1, 4
worker_tmp_dir = "/dev/shm"
keepalive = 75
control_socket_disable = True
"""

DOCKERFILE = """\
FROM twofold/app:latest
USER root
COPY shop /srv/shop
RUN /venv/bin/python -m compileall -q /srv/shop
USER 10001:10001
CMD ["/venv/bin/gunicorn", "--config", "/srv/shop/gunicorn.conf.py", "shop:app"]
"""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A function that does more in head: its number from 0 to 39, and how it does it."""

    number: int
    kind: str

    @property
    def name(self) -> str:
        """The function's name."""
        return function_name(self.number)


def function_name(number: int) -> str:
    """Return the name of a function by its number from 0."""
    return f"{MODULES[number // EACH]}_{number % EACH}"


def planted_rounds() -> int:
    """Return the rounds that are 5 % of the CPU of a request."""
    count = len(MODULES) * EACH
    rounds = sum(ROUNDS[number % len(ROUNDS)] for number in range(count))
    return round(PLANTED_RATIO * (1 + REST_RATIO) * rounds)


def files(planted: Planted | None = None) -> Mapping[str, str]:
    """Return the text of each file of an image's build context."""
    modules = {f"shop/{module}.py": _module(index, planted) for index, module in enumerate(MODULES)}
    return {
        "Dockerfile": DOCKERFILE,
        "shop/gunicorn.conf.py": GUNICORN,
        "shop/__init__.py": _application(),
        **modules,
    }


def _application() -> str:
    imports = "\n".join(
        f"from shop.{module} import {', '.join(_names(index))}"
        for index, module in enumerate(MODULES)
    )
    calls = "\n".join(
        f"    total += {name}(total)" for index in range(len(MODULES)) for name in _names(index)
    )
    return (
        f"from flask import Flask\n\n{imports}\n\napp = Flask(__name__)\n\n\n"
        f'@app.get("/healthz")\ndef healthz():\n    return "ok"\n\n\n'
        f'@app.get("/")\ndef index():\n    total = 1\n{calls}\n    return str(total)\n'
    )


def _names(module: int) -> list[str]:
    return [function_name(module * EACH + number) for number in range(EACH)]


def _module(index: int, planted: Planted | None) -> str:
    functions = [_function(index * EACH + number, planted) for number in range(EACH)]
    head = HEAD_COMMENT if planted else ""
    return head + "\n\n".join(functions)


def _function(number: int, planted: Planted | None) -> str:
    name, rounds = function_name(number), ROUNDS[number % len(ROUNDS)]
    before, more = "", ""
    if planted is not None and planted.number == number:
        if planted.kind == "callee":
            before = _loop(f"normalise_{name}", planted_rounds()) + "\n\n"
            more = f"    total = normalise_{name}(total)\n"
        else:
            more = (
                f"    for again in range({planted_rounds()}):\n"
                "        total = (total * 31 + again) % 65521\n"
            )
    return before + _loop(name, rounds, more)


def _loop(name: str, rounds: int, more: str = "") -> str:
    return (
        f"def {name}(total):\n"
        f"    for number in range({rounds}):\n"
        "        total = (total * 31 + number) % 65521\n"
        f"{more}"
        "    return total\n"
    )
