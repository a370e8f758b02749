"""gunicorn's modes in images that start gunicorn."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import NotInForce
from tests.docker.test_run import OWN_RUN, left_of
from tests.docker.user_targets import SHOP, opened

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.parallel,
    pytest.mark.usefixtures("built"),
]

GUNICORN = """\
FROM twofold/app:latest
COPY shop.py /srv/
ENV GUNICORN_CMD_ARGS="--bind 0.0.0.0:8123"
CMD {command}
"""


@pytest.mark.usefixtures("built_once")
@pytest.mark.parametrize(
    "command",
    [
        '["/venv/bin/gunicorn", "--workers", "2", "shop:app"]',
        "exec /venv/bin/gunicorn -w 2 shop:app",
    ],
)
def test_a_mode_is_put_into_force_in_an_image_that_starts_gunicorn_and_proved(
    here: Path, tmp_path: Path, command: str
) -> None:
    (here / "shop.py").write_text(SHOP)
    (here / "Dockerfile").write_text(GUNICORN.format(command=command))

    with opened(".", here, tmp_path / OWN_RUN, workers=("gevent",)) as stack:
        log = stack.first_log("gevent-1")
        addresses = [replica.address for replica in stack.replicas]

    assert "Using worker: gevent" in log
    assert all(address.endswith(":8123") for address in addresses)
    assert any(note.startswith("gunicorn's mode was set in the image") for note in stack.notes)


@pytest.mark.usefixtures("built_once")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "gunicorn=/venv/bin/gunicorn; $gunicorn --worker-class sync shop:app",
            "gevent could not be put into force in the image: gunicorn runs sync",
        ),
        ('["/venv/bin/python", "-m", "http.server", "8123"]', "the image runs no server that is"),
    ],
)
def test_an_image_in_which_a_mode_cannot_be_put_into_force_says_so_and_measures_nothing(
    here: Path, tmp_path: Path, command: str, said: str
) -> None:
    (here / "shop.py").write_text(SHOP)
    (here / "Dockerfile").write_text(GUNICORN.format(command=command))

    with (
        pytest.raises(NotInForce, match=said) as refused,
        opened(".", here, tmp_path / OWN_RUN, workers=("gevent",)),
    ):
        pass

    assert refused.value.workers == ("gevent",)
    assert left_of(OWN_RUN) == {}
