"""``twofold gate`` that only asks whether two replicas of each version answer as one.

``python -m tests.docker.gate_of_answers <options>``: without windows, a machine that others use
does not matter.
"""

from __future__ import annotations

import sys

from loadtests.cli.boundary import main
from loadtests.gate.analysis import error_spending
from loadtests.gate.measurement.looks import Session

PAIR_LOOKS = (4, 6)

if __name__ == "__main__":
    error_spending.PAIR_LOOKS = PAIR_LOOKS
    Session._measure = lambda _: None  # type: ignore[method-assign,assignment]
    sys.argv.insert(1, "gate")
    main()
