"""Starts the command line."""

from __future__ import annotations

from loadtests.cli.boundary import main

if __name__ == "__main__":
    main()
