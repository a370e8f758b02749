"""The command ``twofold``."""

from __future__ import annotations

import click

from loadtests import __version__
from loadtests.cli.group import LazyGroup
from loadtests.cli.registry import COMMANDS


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="twofold")
def cli() -> None:
    """Does doubling your servers double your throughput?

    Exit codes: 0 yes · 1 no · 2 usage · 3 cannot tell · 4 environment · 5 internal error.
    """
