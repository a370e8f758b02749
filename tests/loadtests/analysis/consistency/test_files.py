from loadtests.analysis.consistency import files
from loadtests.analysis.consistency.judgement import Asked
from loadtests.model.consistency import ProbeKind, ProbeState
from tests.loadtests.builders import make_probe

ASKED = Asked(worker="gthread", workload="browse")


def test_databases_come_first_and_what_passes_is_left_out() -> None:
    changed = (
        "/app",
        "/app/__pycache__/shop.pyc",
        "/app/data",
        "/app/data/shop.db",
        "/app/data/shop.db-wal",
        "/app/uploads",
        "/app/uploads/face.png",
        "/run/gunicorn.pid",
        "/tmp",
        "/tmp/wgunicorn-x1y2",
        "/var/log/app.log",
        "/root",
        "/root/.cache/pip/x",
    )

    assert files.kept(changed) == ("/app/data/shop.db", "/app/uploads/face.png")


def test_files_of_each_server_are_a_note_that_names_them_and_the_setting() -> None:
    written = {"gthread-1": ("/app/shop.db",), "gthread-2": ("/app/shop.db",)}

    note = files.note(ASKED, written, shared=False)

    assert note is not None
    assert (note.kind, note.state) == (ProbeKind.FILES, ProbeState.NOTE)
    assert note.detail == (
        "Each server writes files of its own: /app/shop.db (gthread-1, gthread-2)."
    )
    assert "DATABASE_URL" in note.remedy


def test_a_file_that_processes_share_is_told_to_be_shared_on_one_machine_alone() -> None:
    note = files.note(ASKED, {"gthread-1": ("/srv/shop.db",)}, shared=True)

    assert note is not None
    assert "share on this machine alone: on two machines each has its own" in note.detail


def test_without_files_nothing_is_said() -> None:
    assert files.note(ASKED, {"gthread-1": (), "gthread-2": ("/run/x.pid",)}, shared=False) is None


def test_what_breaks_because_of_a_file_names_it() -> None:
    broken = make_probe(kind=ProbeKind.WRITTEN, state=ProbeState.BREAKS, detail="It is not there.")
    other = make_probe(kind=ProbeKind.ANSWER, state=ProbeState.BREAKS, detail="It is refused.")

    found = files.named_in((broken, other), {"gthread-1": ("/app/shop.db",)})

    assert [result.detail for result in found] == [
        "It is not there. Each server keeps /app/shop.db for itself.",
        "It is refused.",
    ]
    assert found[0].remedy.startswith("A file in the container is one replica's own")
