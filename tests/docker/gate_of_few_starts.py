"""``twofold gate`` with a first look at few starts, for gates whose figures nobody asserts.

``python -m tests.docker.gate_of_few_starts <options>``: sixteen starts of each version come up in
half a minute, and a version that listens elsewhere is waited for as long again.
"""

from __future__ import annotations

import sys

from loadtests.cli.boundary import main
from loadtests.gate.analysis import error_spending
from loadtests.gate.measurement import pair_runner

PAIR_LOOKS = (4, 6)
LAGGARD_LIMIT_S = 3.0

if __name__ == "__main__":
    error_spending.PAIR_LOOKS = PAIR_LOOKS
    pair_runner.LAGGARD_LIMIT_S = LAGGARD_LIMIT_S
    sys.argv.insert(1, "gate")
    main()
