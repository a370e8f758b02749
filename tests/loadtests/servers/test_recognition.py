"""Which server a replica has, by its command lines and by what it writes as it starts."""

from __future__ import annotations

import pytest

from loadtests.servers import registry
from tests.loadtests.servers.captured import process


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/home/u/uwsgi-vs-gunicorn/.venv/bin/python -m bjoern_runner shop:app", None),
        ("sh -c cd /srv/flask-app && poetry run hypercorn shop:app", "hypercorn"),
        ("python -m uvicorn shop:app --log-config gunicorn.json", "uvicorn"),
        ("/venv/bin/python /venv/bin/daphne -b 0.0.0.0 -p 8000 shop.asgi:application", "daphne"),
        ("hypercorn --access-log gunicorn shop:app", "hypercorn"),
        ("gunicorn -k uvicorn_worker.UvicornWorker shop:app", "gunicorn"),
        ("/venv/bin/python /venv/bin/fastapi run main.py --workers 4", "uvicorn"),
        ("/venv/bin/python -u /venv/bin/gunicorn shop:app", "gunicorn"),
        ("gunicorn: master [shop:app]", "gunicorn"),
        ("uWSGI worker 1", "uwsgi"),
        ("/usr/bin/uwsgi-core --ini uwsgi.ini", "uwsgi"),
        ("tini -- waitress-serve shop:app", "waitress"),
        ("python -c from waitress import serve; serve(app)", "waitress"),
        ("httpd (mod_wsgi-express) -f /tmp/mod_wsgi/httpd.conf", "mod_wsgi"),
        ("/venv/bin/python -m flask --app shop run", "development"),
        ("python manage.py runserver 0.0.0.0:8000", "development"),
        ("sh -c cd /srv/flask && uv run hypercorn shop:app", "hypercorn"),
        ("sh -c cd /srv/uwsgi && exec hypercorn shop:app", "hypercorn"),
        ("sh -c cd /srv/uwsgi; exec hypercorn shop:app", "hypercorn"),
        ("sh -c cd -P /srv/gunicorn; hypercorn shop:app", "hypercorn"),
        ("sh -c flask db upgrade && uv run hypercorn shop:app", "hypercorn"),
        ("sh -c cd /srv/gunicorn && gunicorn shop:app 2>&1", "gunicorn"),
        ("su gunicorn -c python app.py", None),
        ("su - gunicorn -c python app.py", None),
        ("su --shell /bin/sh gunicorn -c python app.py", None),
        ("su - web -c gunicorn", "gunicorn"),
        ("su -s /bin/sh gunicorn -c python app.py", None),
        ("su -s /bin/sh -c python app.py gunicorn", None),
        ("su -s /bin/sh -c exec gunicorn shop:app www-data", "gunicorn"),
        ("runuser -u gunicorn -- uvicorn a:b", "uvicorn"),
        ("runuser -u web -- gunicorn a:b", "gunicorn"),
        ("runuser gunicorn -c uvicorn a:b", "uvicorn"),
        ("sudo -u gunicorn uvicorn a:b", "uvicorn"),
        ("sudo -E -u web python -u -m gunicorn a:b", "gunicorn"),
        ("gosu gunicorn uvicorn a:b", "uvicorn"),
        ("gosu web gunicorn a:b", "gunicorn"),
        ("su-exec gunicorn:gunicorn uvicorn a:b", "uvicorn"),
        ("setpriv --reuid gunicorn --regid=gunicorn uvicorn a:b", "uvicorn"),
        ("flask --app shop --debug run", "development"),
        ("python -um flask --app shop --debug run", "development"),
        ("python -Im gunicorn shop:app", "gunicorn"),
        ("python manage.py --traceback runserver", "development"),
        ("run flask", None),
    ],
)
def test_a_program_names_a_server_and_no_word_of_a_path_or_an_option(
    command: str, expected: str | None
) -> None:
    found = registry.recognised("", (process(command),))

    assert (found.name if found else None) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Requirement already satisfied: gunicorn in /venv", None),
        ("seating waitress Ada at table 4", None),
        ("INFO:waitress:Serving on http://0.0.0.0:8000", "waitress"),
        ('{"msg": "Serving on http://0.0.0.0:8000", "logger": "waitress"}', "waitress"),
        ("Serving on http://0.0.0.0:8000", None),  # of gevent's or wsgiref's examples
        ("2026-11-28 10:00:00 INFO Serving on http://0.0.0.0:8000", None),
        ("[20/Nov/2026:10:00:00] ENGINE Serving on http://127.0.0.1:8080", "cheroot"),
        ("Starting development server at http://0.0.0.0:8000/", "development"),
        ("INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", "uvicorn"),
        ("[INFO] Running on http://0.0.0.0:8000 (CTRL + C to quit)", "hypercorn"),
        (" * Running on http://127.0.0.1:5000", None),  # of Flask, which goes on in another line
        ("INFO     Starting server at tcp:port=8000:interface=0.0.0.0", "daphne"),
        ("Starting server at 0.0.0.0:8000", None),
        ("AH00489: Apache/2.4.62 (Unix) mod_wsgi/5.0.2 Python/3.13 configured", "mod_wsgi"),
    ],
)
def test_only_what_a_server_itself_writes_as_it_starts_names_it(
    line: str, expected: str | None
) -> None:
    found = registry.recognised(f"{line}\n", (process("python serve.py"),))

    assert (found.name if found else None) == expected
