"""All rows of the collection of cases, by part; ``scripts/cases.py`` runs their tests."""

from __future__ import annotations

from tests.cases.parts import docker, load_balancers, locustfiles, servers, state, store
from tests.cases.row import Row

ROWS: tuple[Row, ...] = (
    *state.ROWS,
    *store.ROWS,
    *load_balancers.ROWS,
    *servers.ROWS,
    *locustfiles.ROWS,
    *docker.ROWS,
)
