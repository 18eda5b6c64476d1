"""Which extra provides a library that isn't installed?

Large libraries that only some commands need are optional extras, imported where they are used. If one is missing, the
edge of the program reports in one line what to install.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

# The modules provided by each extra in pyproject.toml.
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "paper": ("typst",),
    "hl7": ("hl7",),
    "cohort": ("duckdb", "lifelines", "scipy"),
    "spark": ("pyarrow", "pyspark"),
    "web": (
        *("alembic", "argon2", "authlib", "cryptography", "django_htmx", "fastapi", "httpx", "icalendar", "joserfc"),
        *("psycopg", "pyotp", "python_multipart", "segno", "sqlalchemy", "starlette", "uvicorn", "webauthn"),
    ),
}


def is_there(module: str) -> bool:
    """Whether a library could be imported, without importing it.

    >>> is_there("json"), is_there("no_such_library")
    (True, False)
    """
    # A folder that merely has the same name is not a library: it has no origin.
    found = find_spec(module)
    return found is not None and found.origin is not None


def need(module: str) -> None:
    """Raises `ModuleNotFoundError` if a library isn't installed, before the work that needs it begins.

    >>> need("json")
    """
    if not is_there(module):
        raise ModuleNotFoundError(f"{module} isn't installed", name=module)


def missing(error: ModuleNotFoundError, what: str) -> str | None:
    """The message that says which library `what` needs and how to install it; None if no extra provides it.

    >>> missing(ModuleNotFoundError(name="typst"), "azaward guides")
    "azaward guides needs typst, which isn't installed. Install it with: pip install 'azaward[paper]'"
    >>> missing(ModuleNotFoundError(name="a_slip_of_the_pen"), "azaward guides")
    """
    module = (error.name or "").partition(".")[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            return f"{what} needs {module}, which isn't installed. Install it with: pip install 'azaward[{extra}]'"
    return None
