"""Names that nothing defines, and the many ways to define one."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from loadtests.measurement.user_load.undefined_names import undefined_names


def undefined(text: str) -> list[tuple[str, int]]:
    whole = dedent(text).lstrip("\n")
    return undefined_names(ast.parse(whole), whole, "locustfile.py")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("print(nmae)", [("nmae", 1)]),
        ("def f():\n    return crat + crat\ndef g():\n    crat", [("crat", 2)]),
        (
            "class A:\n    x = missing\n    def f(self): return self.y + other",
            [("missing", 2), ("other", 3)],
        ),
        ("def f(a=nothing): pass", [("nothing", 1)]),
        ("@decorator\ndef f(): pass", [("decorator", 1)]),
        ("class A(Base): pass", [("Base", 1)]),
        ("def f(): return [x for x in xs if y]", [("xs", 1), ("y", 1)]),
        ("def f():\n    z = 1\ndef g():\n    return z", [("z", 4)]),
        ("class A:\n    size = 1\n    def f(self): return size", [("size", 3)]),
        ("def f(): gone += 1", []),  # a local name: Python itself says that it is unbound
        ("lambda: lost", [("lost", 1)]),
        ("x = f'{wrong}'", [("wrong", 1)]),
    ],
)
def test_a_name_without_a_definition_is_found_with_its_first_line(
    text: str, names: list[tuple[str, int]]
) -> None:
    assert undefined(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "import a.b, c as d\nfrom e import f, g as h\nprint(a, d, f, h)",
        "for i, (j, *k) in []: print(i, j, k)",
        "with open('x') as (a, b): print(a, b)",
        "try:\n    pass\nexcept ValueError as error:\n    print(error)",
        "if (n := 1): print(n)",
        "def f():\n    global made\n    made = 1\ndef g(): return made",
        "def f():\n    global Tool\n    import Tool\ndef g(): return Tool",
        "def outer():\n    x = 1\n    def inner(): return x\n    return inner",
        "def f(a, /, b, *c, d, **e): return a, b, c, d, e",
        "class A:\n    def f(self) -> 'B': return B()\nclass B: pass",
        "class A:\n    xs = [1]\n    ys = [x for x in xs]\n    name = __qualname__, __module__",
        "class A:\n    def f(self): return super().f(), __class__",
        "x: int\ndef f(): return x",
        "match 1:\n    case {'a': a, **rest}: print(a, rest)\n    case [b, *c]: print(b, c)",
        "print(__name__, __file__, __doc__, len, ValueError, print)",
        "del_me = 1\ndel del_me",
        "from locust import *\nprint(HttpUser)",
        "exec('x = 1')\nprint(x)",
        "globals()['x'] = 1\nprint(x)",
        "try:\n    unicode\nexcept NameError:\n    unicode = str",
        "import a\na.x = 1\nprint(a.y)",
        "async def f():\n    async for x in y():\n        print(x)\nasync def y(): yield 1",
    ],
)
def test_nothing_is_found_in_what_is_defined_or_cannot_be_known(text: str) -> None:
    assert undefined(text) == []
