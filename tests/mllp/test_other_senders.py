"""Senders that others wrote are answered: one from PyPI always, three from npm with `--proof`.

Each is installed in a folder of its own, outside this tree, and skipped where npm or the index is out of reach.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from tests import proof
from tests.mllp.sending import Listener, listening, oru

SECONDS = 120
# What sends one message in each package, and writes the answer to its output.
NPM = {
    "simple-hl7@3.3.0": """
const hl7 = require('simple-hl7');
const message = new hl7.Parser().parse(process.argv[3]);
const callback = (error, ack) => {
  if (error) throw error;
  console.log(ack.toString());
  process.exit(0);
};
const port = Number(process.argv[2]);
hl7.Server.createTcpClient({host: '127.0.0.1', port, keepalive: false, callback}).send(message);
""",
    "node-hl7-client@3.2.0": """
import {Client, Message} from 'node-hl7-client';
const client = new Client({host: '127.0.0.1'});
const connection = client.createConnection({port: Number(process.argv[2])}, async (answer) => {
  console.log(answer.getMessage().toString());
  await connection.close();
  process.exit(0);
});
await connection.sendMessage(new Message({text: process.argv[3]}));
""",
    "@medplum/hl7@4.5.2": """
import {Hl7Client} from '@medplum/hl7';
import {Hl7Message} from '@medplum/core';
const client = new Hl7Client({host: '127.0.0.1', port: Number(process.argv[2])});
const answer = await client.sendAndWait(Hl7Message.parse(process.argv[3]));
console.log(answer.toString());
await client.close();
process.exit(0);
""",
}


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path / "listener") as begun:
        yield begun


def test_the_sender_of_python_hl7_gets_aa(listener: Listener, tmp_path: Path) -> None:
    (tmp_path / "message.hl7").write_bytes(oru("PY1"))
    program = Path(sys.executable).parent / "mllp_send"
    words = [program, "--loose", "--file", tmp_path / "message.hl7", "-p", str(listener.port), "127.0.0.1"]
    done = subprocess.run(words, capture_output=True, timeout=SECONDS, check=True)
    assert b"MSA|AA|PY1" in done.stdout


@pytest.mark.parametrize("package", NPM)
def test_a_sender_from_npm_gets_aa(package: str, listener: Listener, tmp_path: Path) -> None:
    if not proof.rounds(0, 1):
        pytest.skip("installs packages from npm: run with --proof")
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    wanted = [package, "@medplum/core@4.5.2"] if "medplum" in package else [package]
    words = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(tmp_path), *wanted]
    installed = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    if installed.returncode:
        pytest.skip(f"npm could not install {package}: {installed.stderr.strip()[-200:]}")
    script = tmp_path / ("send.cjs" if "require(" in NPM[package] else "send.mjs")
    script.write_text(NPM[package], encoding="utf-8")
    node = ["node", script, str(listener.port), oru("JS1").decode()]
    done = subprocess.run(node, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "MSA|AA|JS1" in done.stdout, done.stderr
