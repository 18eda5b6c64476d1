"""`/import`: files come in, looked at before they are kept.

What is sent is read at once and shown: how many rows, whose, what was set aside and why. It goes into the database
only when somebody says so, each file whole or not at all, and once however often it comes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from azaward.errors import InputError
from azaward.readers.digest import digest
from azaward.readers.read import read
from azaward.record.tables import TABLES, Cell, Record, SetAside
from azaward.store import imports as keeping
from azaward.store import incoming
from azaward.web.clinic.uploads import EXPECTED, LASTS_S, MOST_FILES, Source, Upload, Uploads
from azaward.web.shared.answer import answer, done, wants_json
from azaward.web.shared.room import Room, room_of
from azaward.web.shared.who import STAFF, Visitor, actor, may, note_read

router = APIRouter(tags=["import"])
# Of each table so many rows are shown, and so many lines of what was set aside; programs get all lines.
SAMPLE, LINES = 5, 100
# A zip file may grow so much when it is unpacked.
GROWS = 3
_UPLOAD: Mapping[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "csrf": {"type": "string"},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True)
class Seen:
    """What is shown of one file or folder before it is kept."""

    name: str
    coming: incoming.Coming
    set_aside: list[SetAside]
    sample: Mapping[str, list[tuple[Cell, ...]]]


@router.get("/import", summary="What came in, and a form to send files with")
def history(
    request: Request,
    who: Annotated[Visitor, may(*STAFF)],
    kept: Annotated[int, Query(ge=0, le=1000, description="how many files were kept just now")] = 0,
    same: Annotated[int, Query(ge=0, le=1000, description="how many had come in before")] = 0,
) -> Response:
    """The clinic's imports, the latest first."""
    return answer(request, "import.html.jinja", _history(request, who, [], kept, same))


@router.post("/import", summary="Sends files and shows what they would bring", openapi_extra=dict(_UPLOAD))
async def preview(request: Request, who: Annotated[Visitor, may(*STAFF)]) -> Response:
    """Nothing is kept yet: `token` is what POST /import/keep asks for."""
    # The form is read only now: who may not do this doesn't fill the server's disk.
    async with request.form(max_files=MOST_FILES) as form:
        sent = [file for file in form.getlist("files") if isinstance(file, UploadFile) and (file.filename or file.size)]
        return await run_in_threadpool(_preview, request, who, sent)


@router.post("/import/keep", summary="Keeps the files of a preview")
def keep(
    request: Request, who: Annotated[Visitor, may(*STAFF)], token: Annotated[str, Form(max_length=100)]
) -> Response:
    """Each file is one transaction; those that could not be read are left out."""
    room, user = room_of(request), who.signed_in
    upload = _uploads(room).of(token, user.id)
    kept: list[keeping.Imported] = []
    for source in upload.sources:
        try:
            record = _record(room, source)
        except InputError:
            continue
        mark = digest(source.path)
        kept.append(keeping.keep(room.store, actor(request, who), source.name, mark, record, room.knowledge))
    _uploads(room).drop(token)
    same = sum(brought.before is not None for brought in kept)
    return done(request, f"/import?kept={len(kept) - same}&same={same}", imports=kept)


@router.get("/import/{import_id}", summary="One import: what it brought, and what was set aside")
def one(request: Request, who: Annotated[Visitor, may(*STAFF)], import_id: int) -> Response:
    """What was set aside of a file, with the reason, and who looked into it since."""
    with room_of(request).store.read() as connection:
        clinic_id = who.signed_in.clinic_id
        brought = incoming.one(connection, clinic_id, import_id) if 0 < import_id < 2**31 else None
    if brought is None:
        raise HTTPException(404)
    note_read(request, who, "import", str(import_id))
    return answer(request, "import_one.html.jinja", {"kept": brought[0], "set_aside": brought[1]})


def _preview(request: Request, who: Visitor, sent: list[UploadFile]) -> Response:
    room, user = room_of(request), who.signed_in
    if not sent:
        return _refused(request, who, [f"no file was sent. {EXPECTED}"])
    uploads = _uploads(room)
    upload = uploads.take(user.id, [(file.filename or "", file.file) for file in sent])
    problems, seen = list(upload.problems), list[Seen]()
    for source in upload.sources:
        try:
            seen.append(_seen(room, user.clinic_id, source))
        except InputError as error:
            problems.append(_without(upload, source, str(error)))
    if not seen:
        uploads.drop(upload.token)
        return _refused(request, who, problems)
    patients = [*dict.fromkeys(patient for file in seen for patient in file.coming.known_patients)]
    note_read(request, who, "import preview", None, files=[file.name for file in seen], patients=patients)
    model: dict[str, Any] = {
        "token": upload.token,
        "until": dt.datetime.now(dt.UTC) + dt.timedelta(seconds=LASTS_S),
        "problems": problems,
        "files": seen,
    }
    if not wants_json(request):
        model |= {
            "columns": {name: [column.name for column in columns] for name, columns in TABLES.items()},
            "most": LINES,
        }
    return answer(request, "import_preview.html.jinja", model)


def _seen(room: Room, clinic_id: str, source: Source) -> Seen:
    record = _record(room, source)
    with room.store.read() as connection:
        coming = incoming.coming(connection, clinic_id, record, digest(source.path))
    sample = {name: rows[:SAMPLE] for name, rows in record.rows.items()}
    return Seen(source.name, coming, record.set_aside, sample)


def _record(room: Room, source: Source) -> Record:
    """What a reader makes of it; where it lay on the server says nothing to whoever sent it."""
    record = read(source.path, room.knowledge)
    aside = [replace(line, where=line.where.replace(str(source.path), source.name)) for line in record.set_aside]
    return replace(record, set_aside=aside)


def _without(upload: Upload, source: Source, line: str) -> str:
    """A line about a file, without where it lies on the server."""
    return line.replace(str(source.path), source.name).replace(f"{upload.folder}/", "")


def _refused(request: Request, who: Visitor, problems: list[str]) -> Response:
    model = _history(request, who, problems)
    return answer(request, "import.html.jinja", model | ({"error": problems[0]} if wants_json(request) else {}), 400)


def _history(request: Request, who: Visitor, problems: list[str], kept: int = 0, same: int = 0) -> dict[str, Any]:
    room = room_of(request)
    with room.store.read() as connection:
        history = incoming.history(connection, who.signed_in.clinic_id)
    note_read(request, who, "imports")
    largest = room.settings.largest_upload // 1_000_000
    return {"imports": history, "problems": problems, "largest": largest, "kept": kept, "same": same}


def _uploads(room: Room) -> Uploads:
    if "uploads" not in room.notes:
        room.notes["uploads"] = Uploads(room.settings.largest_upload * GROWS)
    return room.notes["uploads"]
