"""Has this file been imported before? The SHA-256 of everything that a reader would read from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from azaward.errors import InputError
from azaward.readers.regular import RECORD, regular
from azaward.record.tables import TABLES


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes or, for a folder, of the names and digests of its files.

    Only the files that a reader would use count: resources, or the six tables.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "notes.txt").write_text("not read")
    ...     empty = digest(Path(folder))
    ...     _ = Path(folder, "patients.csv").write_text("patient_id")
    ...     empty == digest(Path(folder)), digest(Path(folder, "patients.csv"))[:8]
    (False, 'a064937a')
    """
    try:
        if not regular(path).is_dir():
            with path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()
        parts = [[file.name, digest(file)] for file in sorted(path.iterdir()) if _is_read(file)]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. {RECORD}") from None
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _is_read(file: Path) -> bool:
    if file.name.casefold().removesuffix(".gz").endswith((".ndjson", ".json")):
        return True
    return file.suffix in (".csv", ".parquet") and file.stem in TABLES
