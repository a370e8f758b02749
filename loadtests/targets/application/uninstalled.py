"""The projects in a folder that its image could not install: how it keeps and says them."""

from __future__ import annotations

LIST = "/venv/not-installed"
"""The file in an image that lists them, written while it is built."""

MARK = "twofold: not installed: "

SAYING = (
    f"import os, sys; os.path.exists('{LIST}') and"
    f" sys.stderr.writelines('{MARK}' + line for line in open('{LIST}'))"
)
"""The code with which an image says them; a builder that has the layer already says nothing."""


def notes(output: str) -> tuple[str, ...]:
    """Return a note on each project, by what an image wrote to standard error."""
    lines = (line.partition(MARK)[2] for line in output.splitlines() if line.startswith(MARK))
    return tuple(
        f"The project in {'the folder' if place == '.' else place} could not be installed in the"
        " image, so importlib.metadata does not know it, and its entry points are missing. Try it:"
        f" pip install --no-deps --editable {place}"
        for place in lines
    )
