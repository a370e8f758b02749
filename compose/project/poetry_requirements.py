"""Write what a Poetry project needs as pip reads it: its main group, and the versions of its lock.

    python poetry_requirements.py FOLDER REQUIREMENTS CONSTRAINTS

It runs while an image is built, with poetry-core alone. Poetry itself would ask an interface of
the package index that mirrors often lack.
"""

import sys
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
locked.write_text("".join(f"{each['name']}=={each['version']}\n" for each in pins))
