"""Removes the images that a test has built of a target."""

from __future__ import annotations

import subprocess
from pathlib import Path

from loadtests.environments.compose.tested.subject import tag_of


def remove(folder: Path) -> None:
    """Remove what was built of the Dockerfile or the Compose file of a folder, if anything was."""
    for name in ("Dockerfile", "compose.yaml"):
        pattern = f"reference={tag_of(folder / name)}*"
        listed = ("docker", "images", "--quiet", "--filter", pattern)
        ids = subprocess.check_output(listed, text=True).split()
        subprocess.run(("docker", "rmi", "--force", *ids), capture_output=True, check=False)
