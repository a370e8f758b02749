"""systemd: the commands that run a program in its own scope with a CPU budget. Pure.

An ordinary user can set a budget this way with cgroup v2 (``systemd-run(1)``,
``systemd.resource-control(5)``). systemd removes a scope when its last process ends.
"""

from __future__ import annotations

RUNNING = "/run/systemd/system"
"""Exists if systemd booted this machine (``sd_booted(3)``)."""


def scope_argv(unit: str, *, user: bool) -> tuple[str, ...]:
    """Return the prefix of a command that makes it run in the scope ``<unit>.scope``.

    systemd-run executes the command in its own process, so the parent stays the same.
    """
    return (
        "systemd-run", *_manager(user=user), "--scope", "--quiet", "--collect",
        f"--unit={unit}", "--",
    )  # fmt: skip


def set_budget_argv(unit: str, cpus: float, *, user: bool) -> tuple[str, ...]:
    """Return the command that sets the CPU budget of a running scope."""
    return (
        "systemctl", *_manager(user=user), "set-property", "--runtime", f"{unit}.scope",
        f"CPUQuota={cpus:.2%}", "CPUQuotaPeriodSec=100ms",
    )  # fmt: skip


def trial_argv(*, user: bool) -> tuple[str, ...]:
    """Return a command that starts a scope with a quota and writes the quota it got (``cpu.max``).

    It fails if no systemd manager answers. A manager without the cpu controller accepts the
    property all the same; then that file is missing, or contains ``max``.
    """
    return (
        "systemd-run", *_manager(user=user), "--scope", "--quiet", "--collect",
        "-p", "CPUQuota=50%",
        "sh", "-c", 'cat "/sys/fs/cgroup$(cut -d: -f3- /proc/self/cgroup)/cpu.max"',
    )  # fmt: skip


def _manager(*, user: bool) -> tuple[str, ...]:
    return ("--user",) if user else ()
