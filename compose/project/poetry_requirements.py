"""Write what a Poetry project needs as pip reads it: its main group, and the versions of its lock.

    python poetry_requirements.py FOLDER REQUIREMENTS CONSTRAINTS

It runs while an image is built, with poetry-core alone. Poetry itself would ask an interface of
the package index that mirrors often lack.
"""

import sys
from collections import Counter
from pathlib import Path

from poetry.core.factory import Factory
from poetry.core.utils._compat import tomllib

folder, needed, locked = map(Path, sys.argv[1:])
package = Factory().create_poetry(folder).package
needed.write_text("".join(f"{each.to_pep_508()}\n" for each in package.requires))
lock = folder / "poetry.lock"
packages = tomllib.loads(lock.read_text()).get("package", []) if lock.is_file() else []
# What does not come from an index is named by its place in the project's file.
pins = [each for each in packages if each.get("source", {}).get("type", "legacy") == "legacy"]
versions = Counter(each["name"] for each in pins)


def pin(each):
    """Return the line of a package; of several versions, its marker says which counts here."""
    markers = each.get("markers")
    marker = markers.get("main") if isinstance(markers, dict) else markers
    if versions[each["name"]] == 1:
        return f"{each['name']}=={each['version']}\n"
    return f"{each['name']}=={each['version']} ; {marker}\n" if marker else ""


locked.write_text("".join(map(pin, pins)))
