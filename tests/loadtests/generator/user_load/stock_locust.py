"""Runs a locustfile with stock Locust, one user: ``stock_locust.py FILE URL REQUESTS SEED``.

It prints the first requests as JSON: method, name, whether it failed, and the length of the body.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
from typing import Any


def main(path: str, url: str, count: int, seed: str) -> None:
    """Run the file until it has sent ``count`` requests."""
    import locust  # patches the process
    from locust.argument_parser import get_parser
    from locust.env import Environment
    from locust.util.load_locustfile import load_locustfile

    logging.disable(logging.CRITICAL)
    os.chdir(os.path.dirname(path))  # noqa: PTH120 - as little as can be
    random.seed(seed)
    classes, _ = load_locustfile(path)
    events: Any = locust.events
    options = get_parser(default_config_files=[]).parse_args([])
    environment = Environment(
        user_classes=list(classes.values()), events=events, parsed_options=options
    )
    requests: list[tuple[str, str, bool, int]] = []

    def ended(
        request_type: str, name: str, response_length: int, exception: Any, **_others: Any
    ) -> None:
        requests.append((request_type, name, exception is not None, response_length))
        if len(requests) == count:
            print(json.dumps(requests), flush=True)
            os._exit(0)

    events.request.add_listener(ended)
    runner: Any = environment.create_local_runner()
    events.init.fire(environment=environment, runner=runner, web_ui=None)
    for cls in classes.values():
        cls.host = url
    runner.start(1, spawn_rate=1)
    runner.greenlet.join(timeout=60)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
