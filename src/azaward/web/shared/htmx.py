"""Where htmx lies: the package django-htmx carries it, and nothing else of that package is used."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_spec = find_spec("django_htmx")
if _spec is None or _spec.origin is None:
    raise ModuleNotFoundError("htmx is missing", name="django_htmx")
FOLDER = Path(_spec.origin).parent / "static" / "django_htmx"
