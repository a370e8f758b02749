"""Variants from the tables of the configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loadtests.model.plan import WorkerModel
from loadtests.servers import own_command
from loadtests.servers.registry import DEFAULT, SERVERS, worker_models
from loadtests.servers.server import ASGI_ONLY

if TYPE_CHECKING:
    from loadtests.config.tables.variant import VariantTable


def variant(name: str, table: VariantTable) -> WorkerModel:
    """Return a variant; what its table leaves out is as in the built-in one that it is like."""
    if table.command is not None:
        return _of_command(name, table)
    like = _like(name, table)
    processes = like.processes if table.processes is None else table.processes
    threads = like.threads if table.threads is None else table.threads
    slots = None if like.slots is None else processes * threads
    made = replace(
        like,
        name=name,
        processes=processes,
        threads=threads,
        slots=slots if table.slots is None else table.slots,
        mode=table.worker or like.mode or like.name,
        python=table.python,
        options=(*like.options, *table.options),
        env={**like.env, **table.env},
    )
    is_async = SERVERS[made.server].serves(made) == ASGI_ONLY
    return _in_an_event_loop(made, table) if is_async else made


def _in_an_event_loop(made: WorkerModel, table: VariantTable) -> WorkerModel:
    """Return a variant whose processes serve any number of requests at once, as granian's can."""
    return replace(made, threads=table.threads or 1, slots=table.slots)


def _of_command(name: str, table: VariantTable) -> WorkerModel:
    assert table.command is not None
    return WorkerModel(
        name=name,
        server=own_command.SERVER.name,
        processes=table.processes or 1,
        threads=table.threads or 1,
        slots=table.slots,
        python=table.python,
        options=(*table.command, *table.options),
        env=table.env,
    )


def _like(name: str, table: VariantTable) -> WorkerModel:
    """Return the built-in variant that a table is closest to.

    Of its own name it is even where the target cannot have it, so that nothing else is named so.
    """
    own = worker_models().get(name)
    server = table.server or (own.server if own is not None else DEFAULT)
    models = SERVERS[server].worker_models
    if own is not None and own.server == server and table.worker is None:
        return own
    for model in models:
        if table.worker in {model.mode, model.name}:
            return model
    if table.worker is None and models:
        return models[0]
    if own is not None and table.server is None:
        return own
    # A kind of worker that nobody here knows: how many requests it takes at once is seen later.
    return WorkerModel(name=name, server=server, processes=1, threads=1, slots=None)
