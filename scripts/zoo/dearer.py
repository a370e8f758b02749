"""Members of the zoo whose requests cost more CPU with more replicas, and a control.

What they lose is their own, and has to be told although they share cores. How much it is depends on
what Flask and gunicorn cost on the machine, so no factor is given. With the sample's usual cost,
7,000 rounds of hashing, CPU per request grows as each member's truth says.
"""

from __future__ import annotations

from loadtests.analysis.losses import CPU_PER_REQUEST
from loadtests.model.vocabulary import Bottleneck, Verdict
from scripts.zoo.member import Member
from scripts.zoo.plans import Shape

SHAPE = Shape(workload="cpu", path="/dearer", replicas=(1, 2, 4), rounds=6, quick=False)

FULL = frozenset({Bottleneck.REPLICA_CPU})


def _grows(name: str, way: str, truth: str, why: str) -> Member:
    return Member(
        name=name,
        truth=truth,
        why=why,
        shape=SHAPE,
        verdicts=frozenset({Verdict.FALLS_SHORT}),
        bottlenecks=FULL,
        loss=CPU_PER_REQUEST,
        settings=_settings(way),
    )


def _settings(way: str) -> dict[str, dict[str, str]]:
    return {"*": {"DEARER": way, "DEARER_COUNTS": "{folder}/counts"}}


MEMBERS: tuple[Member, ...] = (
    _grows(
        "retries",
        "retries",
        "CPU per request +30 to +46 % from 1 to 2 replicas, +39 to +64 % from 2 to 4",
        "Requests change one of four documents, and compute again where another was faster: an"
        " optimistic lock. How attempts fall between one another decides how often.",
    ),
    _grows(
        "asks-all",
        "peers",
        "CPU per request +44 and +62 %",
        "Each request costs 12,000 rounds of hashing at every other replica.",
    ),
    _grows(
        "invalidated-cache",
        "cache",
        "CPU per request +51 and +47 %",
        "Each fourth request changes an entry, which all replicas then have to make again: with 1,"
        " 2 and 4 replicas 23, 40 and 64 % of the reads are misses.",
    ),
    Member(
        name="apart",
        truth="2.0: the control of those that grow dearer",
        why="The same view and the same file, and every request costs the same.",
        shape=SHAPE,
        verdicts=frozenset({Verdict.SCALES, Verdict.INCONCLUSIVE}),
        bottlenecks=FULL,
        may_scale=frozenset({(1, 2), (2, 4)}),
        factors={(1, 2): 2.0, (2, 4): 2.0},
        settings=_settings("apart"),
    ),
)
