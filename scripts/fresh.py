"""Does azaward set itself up for somebody who has just cloned it? Tries `make run` in a fresh clone.

Clones the repository into an empty folder and runs `make run` there with an empty home and no cache, so that nothing
that this machine happens to have can help. Then it opens pages as a newcomer would, and says how long the first one
took and how much was installed.
"""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETTINGS = ("HOME", "PIP_", "UV_", "XDG_", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS")
LISTENS = re.compile(r"azaward is listening on (http://\S+/)")
PASSWORD = re.compile(r"The password for each is: (\S+)")


def main() -> None:
    """Sets up, opens pages and reports."""
    with tempfile.TemporaryDirectory(prefix="azaward-fresh-") as folder:
        clone, home = Path(folder) / "azaward", Path(folder) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began = time.monotonic()
        making = subprocess.Popen(
            ["make", "run", "PORT=0", f"PYTHON={sys.executable}"],
            cwd=clone,
            env=_bare(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            address, password = _address(making)
            _page(address)
            seconds = time.monotonic() - began
            _sign_in(address, password)
            # Bytecode that was made on the way is part of what a newcomer ends up with.
            size = subprocess.run(["du", "-sm", clone / ".venv"], check=True, capture_output=True, text=True).stdout
        finally:
            if making.poll() is None:
                os.killpg(making.pid, signal.SIGINT)
        # `make` says that it was interrupted; the server has ended by itself.
        making.wait(timeout=30)
    print(f"From a fresh clone to an open page: {seconds:.0f} s, {size.split()[0]} MB installed.")


def _bare(home: Path) -> dict[str, str]:
    """The environment of a user who has set nothing, kept nothing, and has just arrived."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {**kept, "HOME": str(home), "UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1", "PYTHONUNBUFFERED": "1"}


def _address(making: subprocess.Popen[str]) -> tuple[str, str]:
    """Where the pages are and what signs in to them, once `make run` says so."""
    said: list[str] = []
    address = ""
    assert making.stdout is not None
    for line in making.stdout:
        said.append(line)
        if found := LISTENS.search(line):
            address = found[1]
        elif address and (found := PASSWORD.search(line)):
            return address, found[1]
    sys.exit("".join(said[-20:]) + f"make run ended with exit code {making.wait()} before it opened a page")


def _page(address: str, opener: urllib.request.OpenerDirector | None = None, form: dict[str, str] | None = None) -> str:
    body = urllib.parse.urlencode(form).encode() if form else None
    with (opener or urllib.request.build_opener()).open(address, body, timeout=60) as answered:
        return answered.read().decode()


def _sign_in(address: str, password: str) -> None:
    """The worklist, as the example's nurse sees it."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = _page(f"{address}sign-in", opener)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    worklist = _page(f"{address}sign-in", opener, {**hidden, "login": "nurse", "password": password})
    if "c019" not in worklist + _page(f"{address}worklist", opener):
        sys.exit("the example clinic's worklist doesn't name c019, who has neutrophils of 0.4")


if __name__ == "__main__":
    main()
