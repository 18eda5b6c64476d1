"""Which of the locked versions have a newer release? To know of it, never a failure: the locked ones go on working.

Asks the index about every package of this environment. `python scripts/lock.py --upgrade NAME` takes a newer one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HELD = Path(__file__).parents[1] / "requirements"


def main() -> None:
    """A line for each version that has been overtaken."""
    uv = Path(sys.executable).parent / "uv"
    asked = [uv, "pip", "list", "--python", sys.executable, "--outdated", "--format", "json"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    if found.returncode:
        print(f"The index could not be asked: {found.stderr.strip().splitlines()[-1]}")
        return
    locked = {
        name
        for path in HELD.glob("*.txt")
        for name in re.findall(r"^([\w.-]+)==", path.read_text(encoding="utf-8"), re.M)
    }
    newer = [one for one in json.loads(found.stdout) if one["name"] in locked]
    for one in newer:
        print(f"{one['name']} {one['version']} is locked, {one['latest_version']} is the newest.")
    print(f"{len(newer)} of {len(locked)} locked versions have a newer release.")


if __name__ == "__main__":
    main()
