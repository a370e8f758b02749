from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import base_image
from tests.scripts.conftest import Play

Calls = Callable[[], list[str]]

OWN = "twofold/base:own"


@pytest.fixture(autouse=True)
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("an authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return bundle


def engine_with(*images: str, registry: bool = False) -> str:
    """The script of a docker command whose engine has these images."""
    has = "|".join(f"*{image}" for image in images) or "none"
    return f"""
        case "$*" in
            "image ls "*) case "$*" in {has}) echo 4ca8dcd8dbd7 ;; esac ;;
            "pull "*) exit {0 if registry else 1} ;;
            "import "*) cat >/dev/null ;;
        esac"""


# -- which base --------------------------------------------------------------------------------


def test_the_official_image_is_taken_where_the_engine_has_it(
    play: Play, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    play("docker", engine_with(base_image.OFFICIAL))
    assert base_image.main([]) == 0
    assert capsys.readouterr().out == f"{base_image.OFFICIAL}\n"
    assert not [call for call in calls() if call.startswith("docker pull")]


def test_an_own_image_made_before_is_taken_without_asking_a_registry(
    play: Play, calls: Calls, certificates: Path
) -> None:
    own = base_image.default_tag(certificates)
    play("docker", engine_with(own, registry=True))
    assert base_image.find(own) == own
    assert not [call for call in calls() if call.startswith("docker pull")]


def test_the_official_image_is_pulled_where_a_registry_answers(play: Play) -> None:
    play("docker", engine_with(registry=True))
    assert base_image.find(OWN) == base_image.OFFICIAL


def test_an_own_image_is_chosen_where_no_registry_answers(play: Play) -> None:
    play("docker", engine_with(registry=False))
    assert base_image.find(OWN) == OWN


def test_a_registry_that_never_answers_counts_as_none(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play("docker", 'case "$1" in pull) exec sleep 30 ;; esac')
    monkeypatch.setattr(base_image, "PULL_LIMIT_S", 0.2)
    assert base_image.find(OWN) == OWN


def test_an_own_image_that_is_there_is_left_as_it_is(
    play: Play, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    play("docker", engine_with(OWN))
    assert base_image.main(["--tag", OWN]) == 0
    assert capsys.readouterr().out == f"{OWN}\n"
    assert calls() == [f"docker image ls --quiet {OWN}"]


def test_other_certificates_are_another_base(certificates: Path) -> None:
    before = base_image.default_tag(certificates)
    assert base_image.default_tag(certificates) == before
    assert base_image.default_tag(certificates, "bookworm") != before
    certificates.write_text("another authority")
    assert base_image.default_tag(certificates) != before


@pytest.mark.parametrize("part", ["PACKAGES", "ENVIRONMENT", "LEFT_OUT", "POLICY", "FINISHED"])
def test_another_recipe_is_another_base(
    certificates: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    before = base_image.default_tag(certificates)
    monkeypatch.setattr(base_image, part, "something else")
    assert base_image.default_tag(certificates) != before


# -- making one --------------------------------------------------------------------------------


DEBOOTSTRAP = """
    root=$4 # after --variant, --include and the suite
    mkdir -p "$root/usr/sbin" "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/usr/share/doc"
    echo manual > "$root/usr/share/doc/README"
"""


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.mark.usefixtures("as_root")
def test_an_own_base_holds_the_hosts_certificates_and_starts_no_services(
    play: Play, calls: Calls, tmp_path: Path, certificates: Path
) -> None:
    archive = tmp_path / "imported.tar"
    play("docker", f'case "$1" in import) cat > {archive} ;; esac')
    play("debootstrap", DEBOOTSTRAP)
    play("tar", 'exec tar "$@"')
    base_image.make(OWN, certificates, "trixie", None)
    files = subprocess.check_output(("/usr/bin/tar", "-tf", archive), text=True).split()
    certificate = subprocess.check_output(
        ("/usr/bin/tar", "-xOf", archive, "./etc/ssl/certs/ca-certificates.crt"), text=True
    )
    assert certificate == "an authority"
    assert "./usr/sbin/policy-rc.d" in files
    assert "./usr/local/bin/python" in files
    assert "./usr/share/doc/README" not in files
    imported = next(call for call in calls() if call.startswith("docker import"))
    assert "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt" in imported
    assert imported.endswith(OWN)


@pytest.mark.usefixtures("as_root")
def test_a_mirror_is_handed_on(play: Play, calls: Calls, certificates: Path) -> None:
    play("docker", engine_with())
    play("debootstrap", DEBOOTSTRAP)
    play("tar", 'exec tar "$@"')
    base_image.make(OWN, certificates, "trixie", "http://mirror.example/debian")
    assert calls()[0].endswith(" http://mirror.example/debian")


@pytest.mark.usefixtures("as_root")
def test_a_debootstrap_that_fails_is_shown_with_its_last_words_and_leaves_nothing(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    left = set(Path("/var/tmp").glob("twofold-base-*"))
    play("docker", engine_with())
    play("debootstrap", "echo W: a warning; echo E: no mirror answers; exit 3")
    assert base_image.main(["--own"]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert "error: `debootstrap` ended with code 3:\nW: a warning\nE: no mirror" in output.err
    assert set(Path("/var/tmp").glob("twofold-base-*")) == left


@pytest.mark.usefixtures("as_root")
def test_an_engine_that_takes_no_import_is_named(play: Play, certificates: Path) -> None:
    play("docker", 'case "$1" in import) cat >/dev/null; echo no space left >&2; exit 1 ;; esac')
    play("debootstrap", DEBOOTSTRAP)
    play("tar", 'exec tar "$@"')
    with pytest.raises(base_image.BaseImageError, match="no space left"):
        base_image.make(OWN, certificates, "trixie", None)


@pytest.mark.usefixtures("as_root")
def test_debootstrap_is_installed_where_it_is_missing(play: Play, calls: Calls) -> None:
    play("apt-get", "")
    base_image.need_debootstrap()
    assert [call.split()[1] for call in calls()] == ["update", "install"]
    assert calls()[-1].endswith(" debootstrap")


@pytest.mark.usefixtures("play")
def test_without_debootstrap_and_apt_get_the_way_out_is_an_image_of_ones_own() -> None:
    with pytest.raises(base_image.BaseImageError, match="TWOFOLD_BASE_IMAGE"):
        base_image.need_debootstrap()


def test_somebody_who_is_not_root_gets_the_command_to_run_once(
    play: Play, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    command = rf"sudo .*base_image\.py --tag {OWN} --suite bookworm"
    with pytest.raises(base_image.BaseImageError, match=command):
        base_image.make(OWN, certificates, "bookworm", None)


# -- what is missing on the machine ------------------------------------------------------------


@pytest.mark.usefixtures("play")
def test_no_docker_is_one_message_and_the_code_of_the_environment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert base_image.main([]) == 4
    assert capsys.readouterr().err.startswith("error: The program 'docker' was not found.")


def test_an_engine_that_does_not_answer_is_one_message(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    assert base_image.main([]) == 4
    assert "error: The Docker engine does not answer: Cannot connect" in capsys.readouterr().err


def test_a_machine_without_certificates_is_told_where_they_were_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = str(tmp_path / "ca-certificates.crt")
    paths = ssl.get_default_verify_paths()._replace(cafile=missing)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(base_image, "CA_BUNDLE", missing)
    monkeypatch.setenv(paths.openssl_cafile_env, str(tmp_path / "nor-this"))
    with pytest.raises(base_image.BaseImageError) as failure:
        base_image.host_bundle()
    assert str(failure.value) == (
        f"This machine has no file of certificates: {missing} does not exist. Install"
        " ca-certificates, or set SSL_CERT_FILE to such a file."
    )


def test_the_file_that_the_environment_names_goes_before_the_systems(certificates: Path) -> None:
    assert base_image.host_bundle() == certificates
