from loadtests.tools import systemd


def test_a_scope_stands_before_the_command_and_asks_the_users_manager() -> None:
    assert systemd.scope_argv("twofold-1-sync-2", user=True) == (
        "systemd-run", "--user", "--scope", "--quiet", "--collect",
        "--unit=twofold-1-sync-2", "--",
    )  # fmt: skip


def test_root_asks_the_systems_manager() -> None:
    assert "--user" not in systemd.scope_argv("unit", user=False)
    assert "--user" not in systemd.set_budget_argv("unit", 0.1, user=False)
    assert "--user" not in systemd.trial_argv(user=False)


def test_a_budget_is_a_quota_in_per_cent_of_a_core_with_the_kernels_period() -> None:
    assert systemd.set_budget_argv("unit", 0.15, user=True)[-3:] == (
        "unit.scope", "CPUQuota=15.00%", "CPUQuotaPeriodSec=100ms",
    )  # fmt: skip
