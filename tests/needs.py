"""What a test needs on this machine; without it, the test is skipped and says so."""

import pytest

from loadtests.servers import gunicorn
from loadtests.tools import nginx, postgres

_HAS_PROCESSES = nginx.find_program() is not None and not gunicorn.missing_modules()

PROCESSES = pytest.mark.skipif(
    not _HAS_PROCESSES, reason="needs nginx, gunicorn, Flask and gevent here"
)
"""The sample application as plain processes."""

STORE = pytest.mark.skipif(
    not _HAS_PROCESSES or postgres.find_programs() is None,
    reason="needs nginx, PostgreSQL, gunicorn, Flask and gevent here",
)
"""The same with its store."""
