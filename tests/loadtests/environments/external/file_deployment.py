"""A deployment whose number of replicas is in a file."""

import sys
from pathlib import Path

from loadtests.model.tested.external import Hooks


class FileDeployment:
    """A deployment whose number of replicas is in a file; ``after`` runs once it is scaled."""

    def __init__(self, folder: Path, *, replicas: int, after: str = "") -> None:
        self.file = folder / "count"
        self.calls = folder / "calls"
        self.file.write_text(str(replicas))
        head = f"from pathlib import Path; f = Path({str(self.file)!r}); n = f.read_text();"
        scale = (
            f"import sys; {head} c = Path({str(self.calls)!r});"
            " c.write_text((c.read_text() if c.exists() else '') + sys.argv[1] + ' ');"
            f" f.write_text(sys.argv[1]); n = sys.argv[1]; {after}"
        )
        names = f"{head} print(*(f'web-{{i}}' for i in range(1, 1 + int(n))), sep='\\n')"
        self.hooks = Hooks(
            scale=(sys.executable, "-I", "-S", "-c", scale, "{replicas}"),
            replicas=(sys.executable, "-I", "-S", "-c", names),
            ready_limit_s=2.0,
        )

    @property
    def count(self) -> int:
        return int(self.file.read_text())
