"""Which exact versions is azaward installed with? Resolves pyproject.toml into requirements/, one file per group.

    python scripts/lock.py                   # what pyproject.toml asks for; versions that still fit stay
    python scripts/lock.py --upgrade         # the newest of everything
    python scripts/lock.py --upgrade duckdb  # the newest of one package
    python scripts/lock.py --check           # check that wheels exist for every Python and machine

Each file holds every version with its hashes, for every Python and machine, and names no index. `make` installs them
exactly; nothing is resolved again there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Each group is held to the versions of those before it, so that any of them can be installed together.
GROUPS: dict[str, tuple[str, ...]] = {
    "uv": ("--group", "uv"),
    "build": ("--group", "build"),
    "run": ("pyproject.toml", "--extra", "web"),
    "spark": ("pyproject.toml", "--extra", "spark"),
    "test": ("--group", "test"),
    "docs": ("--group", "docs"),
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Debian 12 and newer.
MACHINES = ("x86_64-manylinux_2_36", "aarch64-manylinux_2_36")
# The index has no wheel of these. They are Python alone; requirements/build.txt holds what builds them.
BUILT_HERE = ("autograd-gamma", "pyspark")


def resolve(upgrade: list[str] | None) -> None:
    """Writes the files anew. `upgrade`: None keeps what fits, an empty list asks for the newest of everything."""
    newer = [] if upgrade is None else [f"--upgrade-package={name}" for name in upgrade] or ["--upgrade"]
    done: list[str] = []
    for name, asked in GROUPS.items():
        held = [f"--constraints=requirements/{before}.txt" for before in done]
        _uv(
            *("pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", PYTHONS[0]),
            *("--excludes", "requirements/excludes.txt", "--annotation-style", "line"),
            *("--custom-compile-command", "python scripts/lock.py", *held, *newer, *asked),
            *("--output-file", f"requirements/{name}.txt"),
        )
        done.append(name)


def check() -> int:
    """Resolves every file for each Python and machine from wheels alone, and says where one is missing."""
    missing = 0
    for name in GROUPS:
        for python in PYTHONS:
            for machine in MACHINES:
                problem = _without_wheels(name, python, machine)
                missing += bool(problem)
                print(f"{name:6} Python {python:5} {machine:24} {problem or 'all wheels found'}", flush=True)
    return 1 if missing else 0


def _without_wheels(name: str, python: str, machine: str) -> str:
    with tempfile.TemporaryDirectory() as empty:
        built = [word for package in BUILT_HERE for word in ("--no-binary", package)]
        found = _uv(
            *("pip", "install", "--quiet", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *(*built, "--build-constraints", "requirements/build.txt"),
            *("--python-version", python, "--python-platform", machine),
            *("--target", empty, "--requirements", f"requirements/{name}.txt"),
            check=False,
        )
    return "" if found.returncode == 0 else found.stderr.strip().splitlines()[1].strip()


def _uv(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    program = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if program is None:
        sys.exit("uv is missing: run `make run` once, then .venv/bin/python scripts/lock.py")
    return subprocess.run([program, *words], cwd=ROOT, check=check, text=True, capture_output=not check)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--upgrade", nargs="*", metavar="PACKAGE", help="take newer versions: of all, or of these")
    words.add_argument(
        "--check", action="store_true", help="check that wheels exist for every Python version and machine"
    )
    typed = words.parse_args()
    if typed.check:
        sys.exit(check())
    resolve(typed.upgrade)
