"""What the backend ``compose`` needs: an engine and a Compose. PURE."""

from __future__ import annotations

from loadtests.model.machine_facts import Engine, EngineState
from loadtests.planning.checks import Check, lack, ok, version

LEAST_ENGINE = (20, 10)
LEAST_COMPOSE = (1, 29)
"""The oldest versions that the project was tried with."""


def judge(engine: Engine) -> tuple[Check, ...]:
    """Judge how the engine is met, and its Compose."""
    return (_engine(engine), _compose(engine))


def _engine(engine: Engine) -> Check:
    if engine.state is EngineState.ANSWERS:
        if version(engine.detail) >= LEAST_ENGINE:
            return ok("engine", f"Docker {engine.detail} answers")
        return lack(
            "engine",
            f"Docker {engine.detail} answers; the project needs 20.10",
            "Upgrade Docker, or use --backend processes.",
        )
    words = {
        EngineState.ABSENT: (
            f"no Docker here ({engine.detail})",
            "Install Docker Engine, or use --backend processes, which needs none.",
        ),
        EngineState.DOWN: (
            f"Docker is installed, but its engine does not answer ({engine.detail})",
            "Start it (`sudo systemctl start docker`, or Docker Desktop), or look whether"
            " DOCKER_HOST names the right one.",
        ),
        EngineState.DENIED: (
            f"this user may not use Docker's socket ({engine.detail})",
            "Add the user to its group (`sudo usermod -aG docker $USER`, then log in again).",
        ),
    }
    return lack("engine", *words[engine.state])


def _compose(engine: Engine) -> Check:
    compose = engine.compose_version
    if compose is None:
        return lack(
            "compose",
            "neither `docker compose` nor `docker-compose` answers",
            "Install Compose (Debian: docker-compose; Docker's packages: docker-compose-plugin).",
        )
    if version(compose) < LEAST_COMPOSE:
        return lack(
            "compose",
            f"Compose {compose}; the project's file needs 1.29",
            "Install the Compose v2 plugin (docker-compose-plugin), or use --backend processes.",
        )
    return ok("compose", f"Compose {compose}")
