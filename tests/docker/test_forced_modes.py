"""gunicorn's modes in images that start gunicorn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.user_targets import SHOP, opened, outcome

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("built")]

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

    with opened(".", here, tmp_path / "run", workers=("gevent",)) as stack:
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
def test_a_mode_that_cannot_be_put_into_force_is_exit_code_4_with_the_way_out(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, said: str
) -> None:
    (here / "shop.py").write_text(SHOP)
    (here / "Dockerfile").write_text(GUNICORN.format(command=command))

    code, message = outcome(capsys, tmp_path / "results", ".", "--workers", "gevent")

    assert code == 4
    assert said in message
    assert message.strip().endswith("leave out --workers.")
