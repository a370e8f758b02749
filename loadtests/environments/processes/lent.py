"""Lends Twofold's own gunicorn to an interpreter without one.

gunicorn is pure Python and needs nothing, so its package works in any interpreter that is new
enough. It is lent by a folder that holds nothing else, so nothing of the user's is shadowed. gevent
is compiled for one interpreter, and is not lent.
"""

from __future__ import annotations

import re
from importlib import metadata, util
from pathlib import Path

from loadtests.model.tested.target import Target

MODULE = "gunicorn"
NEEDED = "packaging"
"""What gunicorn's gevent workers import; lent where the interpreter has none."""

FOLDER = "lent"


def version() -> str:
    """Return the version of the gunicorn that can be lent."""
    return metadata.version(MODULE)


def fits(python: str) -> bool:
    """Tell whether gunicorn runs on a Python of this version, such as ``3.9.18``."""
    requires = metadata.metadata(MODULE)["Requires-Python"] or ""
    least = re.search(r">=\s*(\d+)\.(\d+)", requires)
    major, minor, *_ = (*python.split("."), "0")
    return least is None or (int(major), int(minor)) >= (int(least[1]), int(least[2]))


def lend(tested: Target, stack_folder: Path) -> Path:
    """Make a folder with links to what a target's interpreter lacks, and return it."""
    folder = stack_folder / FOLDER
    folder.mkdir(exist_ok=True)
    have = tested.modules or {}
    for name in (MODULE, *(() if have.get(NEEDED) else (NEEDED,))):
        spec = util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            (folder / name).symlink_to(next(iter(spec.submodule_search_locations)))
    return folder
