"""Messages read in processes of their own: the same notice, whatever becomes of a process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.knowledge import load
from azaward.mllp.processes import Processes
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.notice import Notice
from tests.mllp.sending import ROOT, SECONDS, oru


@pytest.fixture
def processes() -> Iterator[Processes[Notice]]:
    found = Processes(partial(read_frame, knowledge=load()), 1)
    yield found
    found.close()


def readers() -> list[int]:
    return [child.pid or 0 for child in multiprocessing.active_children() if child.name == "beside"]


def test_a_process_reads_what_this_one_would(processes: Processes[Notice]) -> None:
    for content in (oru("1", "0.4"), b"MSH|^~\\&", b"nonsense"):
        assert processes.ask("a message", content) == read_frame(content, load())


def test_a_process_that_ended_is_begun_again(processes: Processes[Notice]) -> None:
    (before,) = readers()
    os.kill(before, signal.SIGKILL)
    assert processes.ask("a message", oru("1")).outcome == "accept"
    assert readers() != [before]


def test_a_signal_to_stop_the_service_lets_the_process_read_what_was_taken(processes: Processes[Notice]) -> None:
    assert processes.ask("a message", oru("1")).outcome == "accept"
    (before,) = readers()
    for name in (signal.SIGTERM, signal.SIGINT):
        os.kill(before, name)
    assert processes.ask("a message", oru("2")).outcome == "accept"
    assert readers() == [before]


def test_a_message_that_fails_is_an_error_that_does_not_repeat_it(processes: Processes[Notice]) -> None:
    with pytest.raises(RuntimeError, match=r"^a message: TypeError in ") as error:
        processes.ask("a message", 4217)
    assert "4217" not in str(error.value)
    assert processes.ask("a message", oru("1")).outcome == "accept"


_FORGETFUL = """
import os, sys
from azaward.mllp.processes import Processes
from azaward.knowledge import load
from azaward.mllp.processes import Processes

if __name__ == "__main__":
    processes = Processes(divmod, 2)
    processes.ask("a division", 7, 2)
    print(*(one._process.pid for one in processes._each), flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_processes_end_with_the_one_that_began_them(tmp_path: Path, how: str) -> None:
    program = tmp_path / "forgetful.py"
    program.write_text(_FORGETFUL, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), how], capture_output=True, text=True, timeout=SECONDS, cwd=ROOT
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and any(_runs(pid) for pid in pids):
        time.sleep(0.02)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
