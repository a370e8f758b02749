"""What to do where a package of an application cannot be installed in its image, in words."""

from __future__ import annotations

import re

OTHER_PYTHON = (
    "A package has no wheel for the Python of the base image. Take a newer version of it, or name a"
    " base image with the Python that you use: TWOFOLD_BASE_IMAGE=python:3.12-slim."
)
NEEDS_COMPILER = (
    "A package has no wheel for the Python of the base image, and a slim image has no compiler."
    " Take a newer version of it, or a base image with the Python that you use,"
    " TWOFOLD_BASE_IMAGE=python:3.12-slim. If it never has wheels, take one that has, such as"
    " psycopg2-binary instead of psycopg2, or the full image, TWOFOLD_BASE_IMAGE=python:3.13."
)
ASKS_FOR_PYTHON = (
    "The project asks for another Python than the base image has. Name a base image with one that"
    " it takes, such as TWOFOLD_BASE_IMAGE=python:3.12-slim."
)
NEEDS_GIT = (
    "A package comes from a repository, and a slim image has no git. Name the full image,"
    " TWOFOLD_BASE_IMAGE=python:3.13, or an archive of the package instead of git+https://…."
)
REMEDIES = (
    (re.compile(r"Cannot find command 'git'|Git executable not found"), NEEDS_GIT),
    (
        re.compile(
            r"pg_config|mysql_config|pkg-config|Python\.h|fatal error: \S+\.h\b|C compiler"
            r"|Unknown compiler|CMAKE_C\w*_COMPILER|unable to execute '?\S*gcc"
            r"|(?:gcc|g\+\+|cc)'?(?: failed)?: (?:No such file|(?:command )?not found)"
        ),
        NEEDS_COMPILER,
    ),
    (
        re.compile(
            r"requires a different Python|is not allowed by the project"
            r"|incompatible with the project's Python"
        ),
        ASKS_FOR_PYTHON,
    ),
    (
        re.compile(
            r"to build wheel|Failed building wheel|Failed to build|metadata-generation-failed"
        ),
        OTHER_PYTHON,
    ),
)
"""What pip, uv and Poetry say where they cannot install a package, with what to do about it.

gcc that is there and fails is no lack of a compiler: the package does not fit the Python.
"""


def advice(output: str) -> str | None:
    """Return what to do about a build that failed, by what it wrote; None for an unusual cause."""
    return next((text for said, text in REMEDIES if said.search(output)), None)
