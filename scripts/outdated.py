"""Which of the locked versions have a newer release? For information only: the locked ones go on working.

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
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"Not known which versions have a newer release: {error}")
        return
    locked = {
        pair
        for path in HELD.glob("*.txt")
        for pair in re.findall(r"^([\w.-]+)==(\S+)", path.read_text(encoding="utf-8"), re.M)
    }
    newer = [one for one in json.loads(found.stdout) if (one["name"], one["version"]) in locked]
    for one in newer:
        print(f"{one['name']} {one['version']} is locked, {one['latest_version']} is the newest.")
    print(f"{len(newer)} of the locked packages that are installed here have a newer release.")


if __name__ == "__main__":
    main()
