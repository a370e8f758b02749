"""systemd: the commands that run a program in a scope of its own with a CPU budget. Pure.

This is how an ordinary user gets a budget with cgroup v2 (``systemd-run(1)``,
``systemd.resource-control(5)``). A scope goes when its last process does.
"""

from __future__ import annotations

RUNNING = "/run/systemd/system"
"""Exists where systemd is what started the machine (``sd_booted(3)``)."""


def scope_argv(unit: str, *, user: bool) -> tuple[str, ...]:
    """Give what stands before a command, so that it runs in the scope ``<unit>.scope``.

    systemd-run then becomes that command, so the process stays the child of who started it.
    """
    manager = ("--user",) if user else ()
    return ("systemd-run", *manager, "--scope", "--quiet", "--collect", f"--unit={unit}", "--")


def set_budget_argv(unit: str, cpus: float, *, user: bool) -> tuple[str, ...]:
    """Give the command that sets the CPU budget of a scope that runs."""
    manager = ("--user",) if user else ()
    return (
        "systemctl", *manager, "set-property", "--runtime", f"{unit}.scope",
        f"CPUQuota={cpus:.2%}", "CPUQuotaPeriodSec=100ms",
    )  # fmt: skip


def trial_argv(*, user: bool) -> tuple[str, ...]:
    """Give a command that ends with 0 where scopes with a budget can be had."""
    manager = ("--user",) if user else ()
    return (
        "systemd-run",
        *manager,
        "--scope",
        "--quiet",
        "--collect",
        "-p",
        "CPUQuota=50%",
        "true",
    )
