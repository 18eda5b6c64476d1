"""The messages of docs/hl7-messages.md: how each is sent, and what is shown of its rows and its answer."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import NamedTuple

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.hl7.ack import answer
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.files.record import read_hl7
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.segments import split
from azaward.record.tables import TABLES, Cell

PAGE = Path(__file__).parents[3] / "docs" / "hl7-messages.md"
AT = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
FILE = "sent.hl7"


class Case(NamedTuple):
    """A message, or several of one file, and what stands below it on the page."""

    title: str
    text: str
    sent: str
    rows: list[str]
    answers: list[str]


def cases() -> list[Case]:
    found: list[Case] = []
    for part in re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        text = re.search(r"^```hl7\n(.*?)\n```$", part, flags=re.M | re.S)
        answers = re.search(r"^Answer: (.*?)(?=\n\n|\Z)", part, flags=re.M | re.S)
        sent = re.search(r"<!-- sent: (.*?) -->", part)
        if text and answers:
            rows = re.findall(r"^\|.*\|$", part.replace(text[0], ""), flags=re.M)
            title = part.partition("\n")[0]
            said = " ".join(answers[1].split())
            found.append(Case(title, text[1], sent[1] if sent else "", rows, said.split("; ")))
    return found


def sent_bytes(text: str, sent: str) -> bytes:
    """The bytes of a message as it is sent: in its character set, with its line ends and mark."""
    words = sent.split()
    ends = {"crlf": "\r\n", "lf": "\n"}
    end = next((ends[word] for word in words if word in ends), "\r")
    # With `cr`, a line that is no segment stays inside the text.
    line_end = r"\n(?=[A-Z][A-Z0-9]{2}\W)" if "cr" in words else r"\n"
    text = re.sub(line_end, end, text)
    codec = next((word for word in words if word.startswith("iso")), "utf-8")
    return ("\ufeff" if "mark" in words else "").encode() + text.encode(codec)


def shown(text: str, sent: str) -> tuple[list[str], list[str]]:
    """The rows of a file as a table of Markdown, and the answer to each of its messages."""
    content = sent_bytes(text, sent)
    knowledge = load()
    answers: list[str] = []
    for raw in split(content).messages:
        mark = "\ufeff".encode() if raw.codec else b""
        notice = read_frame(mark + raw.content, knowledge)
        said = answer(raw.content, notice, codes(knowledge), AT)
        answers.append(answer_shown(said.decode(errors="replace")))
    try:
        record = read_hl7(content, FILE, knowledge)
    except InputError as error:
        return ["| | patient | |", "|---|---|---|", f"| refused | | {_escaped(str(error))} |"], answers
    lines = ["| | patient | |", "|---|---|---|"]
    for table in TABLES:
        for row in record.rows[table]:
            cells = dict(zip([column.name for column in TABLES[table]], row, strict=True))
            whose = cells.pop("patient_id")
            for name in ("origin", "resource", "version"):
                cells.pop(name, None)
            said = ", ".join(f"{name} {_cell(cell)}" for name, cell in cells.items() if cell is not None)
            lines.append(f"| {table} | {whose} | {_escaped(said)} |")
    for item in record.set_aside:
        if item.kind == "no_patient":
            continue
        where = item.where.removeprefix(f"{FILE} ")
        lines.append(f"| set aside | {item.patient_id or ''} | {_escaped(f'{where}: {item.what}: {item.why}')} |")
    return lines, answers


def answer_shown(said: str) -> str:
    """The code of each answer and its errors: `AA`, or `AE 101 E at PID^1^3`."""
    parts: list[str] = []
    for line in re.split(r"[\r\x1c\x0b]+", said):
        fields = line.split(line[3]) if len(line) > 3 else []
        if line.startswith("MSA"):
            parts.append(fields[1])
        elif line.startswith("ERR") and fields[1:2] == [""]:
            sign = "^" if "^" in fields[3] else "%"
            parts.append(f"{fields[3].split(sign)[0]} {fields[4]} at {fields[2].replace('%', '^')}")
        elif line.startswith("ERR"):
            parts.append(f"ERR-1 {fields[1]}")
    return ", ".join(f"`{part}`" for part in parts) or "none"


def _cell(cell: Cell) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\x00", "")
