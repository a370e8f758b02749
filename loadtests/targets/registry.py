"""The registry of the forms in which targets are named, one line each, in order of recognition."""

from __future__ import annotations

import os
from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.targets import compose_service, dockerfile, image, import_string, url
from loadtests.targets.form import Form

FORMS: dict[TargetKind, Form] = {
    form.kind: form
    for form in (
        url.FORM,
        import_string.FORM,
        compose_service.FORM,
        dockerfile.FORM,
        image.FORM,
    )
}


def recognise(given: str | None, folder: Path) -> Target:
    """Return the target that a text names in a folder; without a text, the sample application.

    Raises :class:`UsageError` if no form fits.
    """
    if given is None:
        return SAMPLE
    try:
        fitting = next((form for form in FORMS.values() if form.recognises(given, folder)), None)
    except OSError as error:  # too long for a name of a file, or in somebody else's folder
        raise UsageError(f"The target {given} cannot be read ({error.strerror}).") from error
    if fitting is not None:
        return fitting.find(given, folder)
    if image.is_an_address(given):
        raise UsageError(
            f"The target {given!r} is an address without a scheme. Name the URL: http://{given}"
        )
    examples = ", ".join(f"{form.option} {form.metavar}" for form in FORMS.values())
    is_file = os.path.isfile(folder / given)  # noqa: PTH113  that of a path may raise
    what = "is a file of no known form" if is_file else "has no known form"
    raise UsageError(f"The target {given!r} {what}. Name it by an option: {examples}.")


def named(kind: TargetKind, given: str, folder: Path) -> Target:
    """Return the target that an explicit option names; raises :class:`UsageError`."""
    return FORMS[kind].find(given, folder)
