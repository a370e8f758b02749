"""What Compose is given: the files of a stack, and the variables in them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from loadtests.environments.compose.images import Images
from loadtests.environments.replica_environment import Settings, compose_override
from loadtests.model.plan import Plan
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import service_parts
from loadtests.tools import postgres

OVERRIDE = "compose.override.json"


def files(plan: Plan, root: Path, folder: Path, settings: Settings) -> tuple[Path, ...]:
    """Give the Compose files of a stack: ours, and one made for settings where there are any.

    Raises :class:`~loadtests.model.errors.UsageError` for settings that Compose cannot give.
    """
    own = root / "compose/compose.yaml"
    if not settings:
        return (own,)
    override = folder / OVERRIDE
    override.write_text(compose_override(plan, settings))
    return (own, override)


def variables(plan: Plan, built: Images, *, run: str) -> dict[str, str]:
    """Give what stands for each ``${TWOFOLD_…}`` in compose.yaml; the password is a new one."""
    budget = plan.budget
    generator, proxy = (joined(cores) for cores in service_parts(budget.service_cores))
    values = {
        "TWOFOLD_RUN": run,
        "TWOFOLD_APP_IMAGE": built.app,
        "TWOFOLD_PROXY_IMAGE": built.proxy,
        "TWOFOLD_GENERATOR_IMAGE": built.generator,
        # Nothing holds the replicas back while they start; see ComposeStack.configure_proxy.
        "TWOFOLD_REPLICA_CPUS": "0",
        "TWOFOLD_REPLICA_CPUSET": "",
        "TWOFOLD_METRONOME_CPUSET": joined(budget.replica_cores),
        "TWOFOLD_GENERATOR_CPUSET": generator,
        "TWOFOLD_PROXY_CPUSET": proxy,
        # The same on every replica, as Flask's sessions need it; of no worth beyond the run.
        "TWOFOLD_SECRET_KEY": f"only for the load test {run}",
    }
    if built.store is not None:
        password = secrets.token_hex(16)
        values |= {
            "TWOFOLD_STORE_IMAGE": built.store,
            "TWOFOLD_STORE_CPUS": "0",
            "TWOFOLD_STORE_CPUSET": joined(budget.store_cores),
            "TWOFOLD_STORE_PASSWORD": password,
            "TWOFOLD_STORE_CONNECTIONS": str(postgres.connections(plan)),
            "TWOFOLD_DATABASE_URL": postgres.url(
                host=Role.STORE, port=postgres.PORT, password=password
            ),
        }
    return values


def joined(cores: Sequence[int]) -> str:
    """Give cores as Docker wants them."""
    return ",".join(str(core) for core in cores)
