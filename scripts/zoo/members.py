"""The zoo: each system, what is true of it and why, and what the harness has to say of it.

A fault's truth is a rule's code. ``also`` names the rules that the same fault breaks as well, by
its nature; any other broken rule is a wrong answer. The bottleneck is the largest cell's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from loadtests.analysis.scaling_laws import speedup
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.model.vocabulary import Bottleneck, RuleCode, Verdict
from loadtests.planning.budget import MOST_SHARED_CPUS
from scripts.zoo import dearer, faults
from scripts.zoo.injection import Injection
from scripts.zoo.member import Doubling, Member
from scripts.zoo.plans import Shape

PERFECT: Mapping[Doubling, float] = {(1, 2): 2.0, (2, 4): 2.0}


def _scaling(
    name: str, truth: str, why: str, shape: Shape, bottleneck: Bottleneck, *verdicts: Verdict
) -> Member:
    return Member(
        name=name,
        truth=truth,
        why=why,
        shape=shape,
        verdicts=frozenset({Verdict.SCALES, *verdicts}),
        bottlenecks=frozenset({bottleneck}),
        may_scale=frozenset(PERFECT),
        factors={pair: 2.0 for pair in PERFECT if pair[1] in shape.replicas},
    )


def _serial(percent: int, *verdicts: Verdict, may_scale: frozenset[Doubling]) -> Member:
    sigma = percent / 100
    factors = {
        (small, 2 * small): speedup(2 * small, sigma=sigma) / speedup(small, sigma=sigma)
        for small in (1, 2)
    }
    return Member(
        name=f"serial-{percent}",
        truth=f"Amdahl, σ = {sigma:g}: " + ", ".join(f"{each:.3f}" for each in factors.values()),
        why="All slots work side by side, then each holds a lock that all replicas share for its"
        " part of the serial share (scripts/zoo/app/serial.py). No counter sees a lock, so no means"
        " is full.",
        # A tenth of a slow core is nearly used up by four answers in 100 ms, and a replica that is
        # held back in one turn delays the others too (measured: turns of 140 ms instead of 130).
        shape=replace(
            IO,
            path="/serial?ms=100",
            replicas=(1, 2, 4),
            rounds=6,
            quick=False,
            window_s=4.0,
            replica_cpus=0.2,
        ),
        verdicts=frozenset(verdicts),
        bottlenecks=frozenset({Bottleneck.UNEXPLAINED}),
        may_scale=may_scale,
        factors=factors,
        sigma=sigma,
        settings={"*": {"SERIAL_SHARE": f"{sigma:g}", "SERIAL_LOCK": "{folder}/lock"}},
    )


def _broken(
    name: str,
    truth: str,
    why: str,
    code: RuleCode,
    *,
    shape: Shape,
    bottlenecks: frozenset[Bottleneck],
    inject: Callable[[], Injection] = Injection,
    also: frozenset[RuleCode] = frozenset(),
    settings: Settings = NO_SETTINGS,
) -> Member:
    return Member(
        name=name,
        truth=truth,
        why=why,
        shape=shape,
        verdicts=frozenset({Verdict.INVALID}),
        bottlenecks=bottlenecks,
        code=code,
        also=also,
        inject=inject,
        settings=settings,
    )


CPU = Shape(workload="cpu")
SHORT = Shape(workload="cpu", path="/cpu?rounds=1", worker="gevent", replica_cpus=0.25)
"""Requests so cheap, and so many of them, that a proxy or a generator can be held to less than they
take while the replicas still have CPU to spare."""
IO = Shape(workload="io", path="/io?ms=100")
"""As the workload waits, but for longer: with 50 ms a slow core's tenth is used up before the four
slots are full (1.4 ms a request, measured), and what held the cell would depend on the machine."""

REPLICA_CPU = frozenset({Bottleneck.REPLICA_CPU})
ANY_REPLICA_CPU = frozenset({Bottleneck.REPLICA_CPU, Bottleneck.UNEXPLAINED})
"""Windows in which a replica was missing count too: over all of them its CPU is full or not."""

GONE = frozenset(
    {
        RuleCode.ERRORS,
        RuleCode.REPLICA_SHARE,
        RuleCode.NOT_SATURATED,
        RuleCode.CONSERVATION,
        RuleCode.STEADY,
        RuleCode.BUDGET,
    }
)
"""What a replica that goes away breaks besides: requests to it fail, and nothing is full."""

MEMBERS: tuple[Member, ...] = (
    _scaling(
        "perfect",
        "2.0 by CPU budgets",
        "Each replica has a CPU quota of its own and shares nothing with the others.",
        Shape(workload="cpu", rounds=None, quick=False),
        Bottleneck.REPLICA_CPU,
    ),
    _scaling(
        "slots",
        "2.0 by worker slots",
        "Requests hold one of four slots for 100 ms and hardly any CPU.",
        replace(IO, rounds=6, quick=False),
        Bottleneck.WORKER_SLOTS,
    ),
    _serial(
        10,
        Verdict.FALLS_SHORT,
        may_scale=frozenset({(1, 2)}),  # 1.818 against a target of 1.8
    ),
    _serial(30, Verdict.FALLS_SHORT, may_scale=frozenset()),
    Member(
        name="store-held",
        truth="no gain: a store with 0.2 CPU for all",
        why="Each read lets the store count rows, so one replica uses up its 0.2 CPU already, and a"
        " second one finds nothing left.",
        # The metronome does not beat on the store's core, whose speed changes by a quarter from one
        # window to the next on a shared machine: so many rounds tell 1.0 from 1.1 all the same.
        shape=Shape(workload="db", rounds=24, quick=False, store_cpus=0.2),
        verdicts=frozenset({Verdict.NO_GAIN}),
        bottlenecks=frozenset({Bottleneck.STORE}),
        factors={(1, 2): 1.0},
        settings={"*": {"STORE_ROWS": "50000"}},
    ),
    Member(
        name="memory-state",
        truth="breaks: state in the memory of each process",
        why="What one replica is told, the others do not know; throughput doubles all the same.",
        shape=replace(IO, probe=True),
        verdicts=frozenset({Verdict.BREAKS}),
        bottlenecks=frozenset({Bottleneck.WORKER_SLOTS}),
        settings={"*": {"STATE": "memory"}},
    ),
    _broken(
        "proxy-held",
        "the proxy has 3 % of a core",
        "Short requests: the proxy's quota is used up long before the replicas' budgets. (With 5 %"
        " it passes on 310 requests/s, where two replicas are nearly full as well: both hold.)",
        RuleCode.PROXY_SATURATED,
        shape=SHORT,
        bottlenecks=frozenset({Bottleneck.PROXY}),
        also=frozenset({RuleCode.NOT_SATURATED}),
        inject=lambda: faults.Held("proxy", 0.03),
    ),
    _broken(
        "generator-held",
        "the generator has 2 % of a core",
        "Short requests: the generator's quota is used up before the replicas' budgets. (With 5 %"
        " it still makes all the 1,700 requests/s that they answer: 29 µs each.)",
        RuleCode.GENERATOR_SATURATED,
        shape=SHORT,
        bottlenecks=frozenset({Bottleneck.GENERATOR}),
        also=frozenset({RuleCode.NOT_SATURATED}),
        inject=lambda: faults.Held("generator", 0.02),
    ),
    _broken(
        "left-out",
        "one replica gets nothing",
        "It was taken out of the upstream after the proof, so two replicas do what one does.",
        RuleCode.REPLICA_SHARE,
        shape=CPU,
        bottlenecks=REPLICA_CPU,
        inject=lambda: faults.OtherProxy(faults.leave_one_out),
    ),
    _broken(
        "weights-3-1",
        "shares of 3 to 1",
        "The proxy weighs one replica by 3: it is full, the other works a third of its time.",
        RuleCode.REPLICA_SHARE,
        shape=CPU,
        bottlenecks=REPLICA_CPU,
        inject=lambda: faults.OtherProxy(faults.weighted((3, 1))),
    ),
    _broken(
        "half-budget",
        "one replica has half its budget",
        "Turns are equal, so the other waits for it: the cell is held by one replica's CPU, and not"
        " by the planned means.",
        RuleCode.BUDGET,
        shape=CPU,
        bottlenecks=REPLICA_CPU,
        also=frozenset({RuleCode.REPLICA_SHARE}),  # its queue may still grow in the window
        inject=lambda: faults.Held("gthread-2", MOST_SHARED_CPUS / 2),
    ),
    _broken(
        "killed",
        "a replica dies in round 2",
        "All of its processes are killed in the middle of a window, and it stays away.",
        RuleCode.IDENTITY,
        shape=CPU,
        bottlenecks=ANY_REPLICA_CPU,
        also=GONE,
        inject=lambda: faults.MidWindow(faults.kill_replica),
    ),
    _broken(
        "stopped",
        "a replica is stopped in round 2",
        "It is asked to end (SIGTERM) in the middle of a window, and stays away.",
        RuleCode.IDENTITY,
        shape=CPU,
        bottlenecks=ANY_REPLICA_CPU,
        also=GONE | {RuleCode.IDLE_COST},  # its last work may fall into the next trial
        inject=lambda: faults.MidWindow(faults.stop_replica),
    ),
    _broken(
        "paused",
        "a replica stands still for half a second in round 2",
        "SIGSTOP, then SIGCONT: it stays the same process and answers all in the end.",
        RuleCode.STEADY,
        shape=CPU,
        bottlenecks=REPLICA_CPU,
        also=frozenset({RuleCode.NOT_SATURATED}),
        inject=lambda: faults.MidWindow(faults.pause_replica),
    ),
    _broken(
        "hung",
        "a replica stands still in round 2 until nobody waits any more",
        "SIGSTOP in the middle of a window: what it was asked there is given up after the window,"
        " so it is in no window's answers. It goes on after that, and stays the same process.",
        RuleCode.ERRORS,
        shape=CPU,
        bottlenecks=ANY_REPLICA_CPU,
        also=GONE | {RuleCode.IDLE_COST},  # it works off in the next trial what nobody wants
        inject=lambda: faults.MidWindow(faults.hang_replica),
    ),
    _broken(
        "restarted",
        "a replica's workers are replaced in round 2",
        "They are killed in the middle of a window; gunicorn starts others at once.",
        RuleCode.IDENTITY,
        shape=CPU,
        bottlenecks=ANY_REPLICA_CPU,
        also=GONE | {RuleCode.IDLE_COST},  # it starts again while others are measured
        inject=lambda: faults.MidWindow(faults.restart_replica),
    ),
    _broken(
        "errors",
        "1 % errors from one replica",
        "One in a hundred of its requests fails, ten times what may. Short ones, so that there are"
        " enough of them: of the 240 that a slow core answers, none fails in one run of eleven.",
        RuleCode.ERRORS,
        shape=replace(CPU, path="/cpu?rounds=1"),
        bottlenecks=REPLICA_CPU,
        settings={"gthread-2": {"ERROR_PERCENT": "1"}},
    ),
    _broken(
        "neighbour",
        "another program burns the replicas' core",
        "It takes what the budgets leave of the core, half of it or so; the replicas still get"
        " theirs, and share its caches.",
        RuleCode.HOST_CONTENTION,
        shape=CPU,
        bottlenecks=frozenset({Bottleneck.REPLICA_CPU, Bottleneck.HOST}),
        also=frozenset({RuleCode.BUDGET, RuleCode.NOT_SATURATED}),
        inject=faults.Neighbour,
    ),
    _broken(
        "few-users",
        "four users for every cell",
        "They fill one replica's four slots and no more, so the throughput is theirs and stays"
        " flat: a factor of 1 where the system's is 2.",
        RuleCode.NOT_SATURATED,
        shape=IO,
        bottlenecks=frozenset({Bottleneck.UNEXPLAINED}),
        inject=lambda: faults.FewUsers(4),
    ),
    _broken(
        "leak",
        "a request costs twice the CPU after a minute",
        "All replicas slow down alike, so factors are right in each round, but what a cell's"
        " throughput is depends on when it is asked.",
        RuleCode.STEADY,
        shape=Shape(workload="cpu", rounds=12),
        bottlenecks=REPLICA_CPU,
        settings={"*": {"SLOWER_PERCENT_PER_MINUTE": "100"}},
    ),
    _broken(
        "lost-worker",
        "one of the generator's two processes dies in round 2",
        "Its users and their samples are gone with it.",
        RuleCode.GENERATOR_SATURATED,
        shape=replace(CPU, generator_processes=2),
        bottlenecks=REPLICA_CPU,
        also=frozenset(
            {
                RuleCode.CONSERVATION,
                RuleCode.NOT_SATURATED,
                RuleCode.REPLICA_SHARE,
                RuleCode.HOST_CONTENTION,
                RuleCode.STEADY,
            }
        ),
        inject=faults.LostWorker,
    ),
)

CLEAN: tuple[Member, ...] = tuple(
    _scaling(
        f"clean-{shape.workload}",
        "2.0, and no rule is broken",
        "Nothing is wrong with it; rules that fire here fire falsely.",
        shape,
        bottleneck,
        Verdict.INCONCLUSIVE,
    )
    for shape, bottleneck in (
        (Shape(workload="cpu", replicas=(1, 2, 4), rounds=6), Bottleneck.REPLICA_CPU),
        (replace(IO, replicas=(1, 2, 4), rounds=6), Bottleneck.WORKER_SLOTS),
    )
)

ALL: tuple[Member, ...] = (*MEMBERS, *dearer.MEMBERS)
BY_NAME: Mapping[str, Member] = {member.name: member for member in (*ALL, *CLEAN)}
