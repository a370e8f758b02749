"""The site is built without a warning, and a broken link or anchor is one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import PROJECT

for _module in ("sphinx", "myst_parser", "furo"):
    pytest.importorskip(_module, reason="Sphinx is not here; make docs gets it")

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

SPHINX = (sys.executable, "-m", "sphinx", "--quiet", "--nitpicky", "--fail-on-warning")


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as the Makefile does."""
    return subprocess.run(
        (*SPHINX, "--keep-going", "--doctree-dir", str(target / "trees"), str(source), str(target)),
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once."""
    target = tmp_path_factory.mktemp("site")
    built = build(PROJECT / "docs", target)
    assert built.returncode == 0, built.stderr
    return target


def test_every_page_is_in_it(site: Path) -> None:
    for page in (PROJECT / "docs").rglob("*.md"):
        assert (site / page.relative_to(PROJECT / "docs").with_suffix(".html")).is_file()


def test_the_sample_run_is_part_of_it(site: Path) -> None:
    assert (site / "sample" / "report.html").is_file()
    assert 'href="../sample/report.html"' in (site / "tutorial" / "first-run.html").read_text()
    assert "Doubling factors" in (site / "sample-run.html").read_text()


def test_it_asks_no_other_server(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert 'src="http' not in page
    assert 'rel="stylesheet" type="text/css" href="http' not in page


BROKEN = {
    "page": ("[x](no-such-page.md)", "no-such-page"),
    "heading-there": ("[x](commands.md#no-such-heading)", "no-such-heading"),
    "heading-here": ("[x](#no-such-heading)", "no-such-heading"),
    "file": ("[x](../../results/no-such-file.json)", "no-such-file"),
    "picture": ("![x](../images/no-such.png)", "no-such.png"),
}
"""Links that lead nowhere, each on a page of its own, with what is said of them."""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A site whose pages have nothing but broken links, built once."""
    folder = tmp_path_factory.mktemp("broken")
    docs = folder / "docs"
    (docs / "reference").mkdir(parents=True)
    (folder / "results" / "sample").mkdir(parents=True)
    shutil.copy(PROJECT / "docs" / "conf.py", docs)
    (docs / "index.md").write_text("# Site\n\n```{toctree}\n:glob:\n\nreference/*\n```\n")
    (docs / "reference" / "commands.md").write_text("# Commands\n")
    for name, (link, _) in BROKEN.items():
        (docs / "reference" / f"{name}.md").write_text(f"# Page\n\n{link}\n")
    return build(docs, folder / "site")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_link_is_an_error(broken: subprocess.CompletedProcess[str], name: str) -> None:
    lines = [line for line in broken.stderr.splitlines() if f"/{name}.md:" in line]

    assert broken.returncode != 0
    assert [line for line in lines if "WARNING" in line and BROKEN[name][1] in line], broken.stderr
