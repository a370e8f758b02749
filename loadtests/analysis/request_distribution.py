"""How many requests each replica of a trial got, and how long each was silent. PURE.

The counts are over the whole trial, where round-robin is exact: no replica has more than one
request more than another. Inside the window, the shares of *answered* requests also depend on what
is in flight at its edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    redirects: Mapping[str, int] | None = None,
) -> RequestDistribution:
    """Return the distribution of a trial's requests over the replicas.

    ``done_us`` and ``replica`` have a row a request. ``replica`` is an index into ``names``, or −1
    where no replica was named. ``members`` are the replicas of the trial, which are listed even
    with no request. The window is from 0 to ``end_us``. Silences are in milliseconds.
    ``redirects`` are the followed redirects by replica, which have no row; "" is one of nobody.
    """
    hops = redirects or {}
    replicas = (*members, *sorted({*names, *hops} - {*members, ""}))
    rows_of = {
        name: np.isin(replica, [index for index, other in enumerate(names) if other == name])
        for name in replicas
    }
    return RequestDistribution(
        counts={
            name: int(np.count_nonzero(rows)) + hops.get(name, 0) for name, rows in rows_of.items()
        },
        unnamed=int(np.count_nonzero(replica < 0)) + hops.get("", 0),
        silences_ms={name: _silence_ms(done_us[rows_of[name]], end_us) for name in members},
    )


def _silence_ms(done_us: Integers, end_us: int) -> float:
    inside = np.sort(done_us[(done_us >= 0) & (done_us < end_us)])
    return float(np.diff(inside, prepend=0, append=end_us).max()) / 1000
