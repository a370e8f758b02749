"""``twofold`` with short windows, for whole runs of whose figures nobody asserts anything.

``python -m tests.short_run run <options>``: calibration, rounds, checks and reports are those of
every run, and only the windows are a fraction of its own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.cli.boundary import main
from loadtests.measurement import user_calibration
from loadtests.model.plan import Timing
from loadtests.planning import external_plan, run_plan

SHORT = Timing(settle_s=0.2, window_s=0.5, drain_limit_s=15.0)

EXTERNAL = replace(SHORT, settle_s=0.4, window_s=1.2)
"""For deployments that are scaled between the trials."""


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Let runs in this process have short windows, until the patch is undone."""
    patch.setattr(user_calibration, "SETTLE_S", SHORT.settle_s)
    patch.setattr(user_calibration, "WINDOW_S", SHORT.window_s)
    for name in ("TIMING", "TIMING_QUICK"):
        patch.setattr(run_plan, name, SHORT)
        patch.setattr(external_plan, name, EXTERNAL)


if __name__ == "__main__":
    shorten(pytest.MonkeyPatch())
    main()
