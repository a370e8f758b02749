"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes

DOCS = Path(__file__).resolve().parent
SAMPLE = DOCS.parent / "results" / "sample"

project = "Twofold"
copyright = "the Twofold authors"  # noqa: A001  the name that Sphinx reads
extensions = ["myst_parser"]
myst_heading_anchors = 4
exclude_patterns = ["images"]

html_theme = "furo"
html_title = "Twofold"
html_copy_source = False
html_show_sphinx = False


def setup(app: Any) -> None:
    """Make the sample run a part of the site."""
    app.connect("source-read", add_sample_report)
    app.connect("doctree-read", link_sample_pages)
    app.connect("build-finished", copy_sample)


def add_sample_report(_: Any, docname: str, source: list[str]) -> None:
    """Let the page of the sample run end with its report."""
    if docname == "sample-run":
        source[0] += "\n" + (SAMPLE / "report.md").read_text()


def link_sample_pages(app: Any, doctree: Any) -> None:
    """Let links to files of the sample run open them in the site, instead of a download."""
    folder = (DOCS / app.env.docname).parent
    for link in list(doctree.findall(addnodes.download_reference)):
        target = (folder / link["reftarget"]).resolve()
        if target.is_relative_to(SAMPLE):
            site = os.path.relpath(DOCS / "sample" / target.relative_to(SAMPLE), folder)
            link.replace_self(nodes.reference("", "", *link.children, refuri=site, internal=True))


def copy_sample(app: Any, exception: Exception | None) -> None:
    """Put the files of the sample run beside the pages."""
    if exception is None:
        shutil.copytree(SAMPLE, Path(app.outdir) / "sample", dirs_exist_ok=True)
