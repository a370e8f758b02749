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
    return (
        "systemd-run", *_manager(user=user), "--scope", "--quiet", "--collect",
        f"--unit={unit}", "--",
    )  # fmt: skip


def set_budget_argv(unit: str, cpus: float, *, user: bool) -> tuple[str, ...]:
    """Give the command that sets the CPU budget of a scope that runs."""
    return (
        "systemctl", *_manager(user=user), "set-property", "--runtime", f"{unit}.scope",
        f"CPUQuota={cpus:.2%}", "CPUQuotaPeriodSec=100ms",
    )  # fmt: skip


def trial_argv(*, user: bool) -> tuple[str, ...]:
    """Give a command that writes the quota that a scope got (``cpu.max``).

    It fails where there is no manager to ask; where the manager has no cpu controller it takes the
    property all the same, and then there is no such file, or it says ``max``.
    """
    return (
        "systemd-run", *_manager(user=user), "--scope", "--quiet", "--collect",
        "-p", "CPUQuota=50%",
        "sh", "-c", 'cat "/sys/fs/cgroup$(cut -d: -f3- /proc/self/cgroup)/cpu.max"',
    )  # fmt: skip


def _manager(*, user: bool) -> tuple[str, ...]:
    return ("--user",) if user else ()
