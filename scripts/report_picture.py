#!/usr/bin/env python3
"""Make the README's picture of a report: a screenshot of its top, by Chromium.

    python3 scripts/report_picture.py                        # that of results/sample
    python3 scripts/report_picture.py REPORT.html PICTURE.png

Needs Chromium (Debian: apt-get install chromium).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
REPORT = PROJECT / "results" / "sample" / "report.html"
PICTURE = PROJECT / "docs" / "images" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

WIDTH, HEIGHT = 1100, 1500
"""Size in pixels: the verdict, what to do next, and the first row of plots."""

LIMIT_S = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Make the picture and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("report", nargs="?", type=Path, default=REPORT)
    parser.add_argument("picture", nargs="?", type=Path, default=PICTURE)
    options = parser.parse_args(argv)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return say("There is no Chromium here. Debian and Ubuntu: apt-get install chromium")
    if not options.report.is_file():
        return say(f"There is no {options.report}. Make it: twofold report RUN")
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            command(browser, options.report, options.picture, Path(profile)),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    if done.returncode != 0 or not options.picture.is_file():
        return say(f"{browser} ended with code {done.returncode}: {done.stderr.strip()[-2000:]}")
    print(options.picture)
    return 0


def command(browser: str, report: Path, picture: Path, profile: Path) -> tuple[str, ...]:
    """Return the command that draws a report; the page is trusted, so it needs no sandbox."""
    return (
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--screenshot={picture.resolve()}",
        report.resolve().as_uri(),
    )


def say(trouble: str) -> int:
    """Write an error message, and return the exit code for a missing program or file."""
    print(f"report_picture: {trouble}", file=sys.stderr)
    return 4


if __name__ == "__main__":
    sys.exit(main())
