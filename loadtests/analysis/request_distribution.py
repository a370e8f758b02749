"""How a trial's requests were dealt out to the replicas, and whether each kept answering. PURE.

Counted over the whole trial, because there the balancer's rule is exact: replicas in turn get the
same number, but for the one request by which the turn is not over. Inside the window the shares of
what *ended* differ by what is in flight at its edges, and say less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from loadtests.model.trial import RequestDistribution

Integers = npt.NDArray[np.int64]


def distribution_of(
    done_us: Integers,
    replica: Integers,
    *,
    names: Sequence[str],
    members: Sequence[str],
    end_us: int,
) -> RequestDistribution:
    """Work it out from a trial's samples, a row a request.

    ``replica`` are indices into ``names``, −1 where nobody was named; ``members`` are the replicas
    of the trial, which are counted also where they got nothing; the window ends at ``end_us``.
    """
    known = (*members, *sorted(set(names) - set(members)))
    mine = {
        name: np.isin(replica, [index for index, other in enumerate(names) if other == name])
        for name in known
    }
    return RequestDistribution(
        counts={name: int(np.count_nonzero(rows)) for name, rows in mine.items()},
        unnamed=int(np.count_nonzero(replica < 0)),
        silences_ms={name: _silence_ms(done_us[mine[name]], end_us) for name in members},
    )


def _silence_ms(done_us: Integers, end_us: int) -> float:
    inside = np.sort(done_us[(done_us >= 0) & (done_us < end_us)])
    return float(np.diff(inside, prepend=0, append=end_us).max()) / 1000
