"""The zoo's application: the sample application with known faults.

An instrument has to be tried out on services that are known to be slow, to take turns, or to mix
up their requests. Each environment variable here turns the sample into one of these:

=========================  ========================  ============================================
BURN_PERCENT               0 to 100                  /cpu takes this many percent more CPU
SLOWER_PERCENT_PER_MINUTE  0 to 1000                 /cpu takes this many percent more CPU for each
                                                     minute since the process started
ERROR_PERCENT              0 to 100                  this many of 100 requests to /cpu and /io fail
STORE_ROWS                 0 to 1000000              /db makes the store count this many rows too
SERIAL_SHARE               0 to 0.9                  /serial spends this share of its time alone
SERIAL_LOCK                a path                    the file by which all replicas take turns there
CONTEXT_STORE              ``context``, ``module``   where /context keeps its token; all requests
                                                     share the module
DEARER                     ``none``, ``apart``,      how much CPU /dearer takes with more replicas
                           ``retries``, ``peers``,   (:mod:`scripts.zoo.app.dearer`)
                           ``cache``
DEARER_COUNTS              a path                    the file of counters that its replicas share
STATE                      ``store``, ``memory``     where /state is kept; each process has its own
                                                     memory
=========================  ========================  ============================================

The sample knows nothing of this. The zoo changes it by the means that Flask's documentation names
in "Becoming Big": a subclass, signals, request hooks, wrapped views and one more blueprint.

On this machine: ``gunicorn -c app/gunicorn.conf.py "scripts.zoo.app:create_app()"``. The image is
built by :mod:`scripts.zoo.image`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from app import assemble
from app.settings import from_environment
from scripts.zoo.app import dearer, faults, serial
from scripts.zoo.app.application import ZooApplication
from scripts.zoo.app.switches import Switches, slots


def create_app(config: Mapping[str, Any] | None = None) -> ZooApplication:
    """Return a new application with the faults that the environment turns on.

    ``config`` goes over the environment, as for the sample's factory; ``SWITCHES`` are the faults.

    Raises:
        SettingError: an environment variable has a value that cannot be used.
    """
    settings = {
        **from_environment(os.environ),
        "SLOTS": slots(os.environ),
        "SWITCHES": Switches.from_environment(os.environ),
        **(config or {}),
    }
    app = ZooApplication(settings)
    assemble(app)
    app.register_blueprint(serial.blueprint)
    app.register_blueprint(dearer.blueprint)
    faults.install(app, app.switches)
    return app
