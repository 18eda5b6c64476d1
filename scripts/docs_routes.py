"""Prints docs/who-may.md: every route of the pages with who may use it, as `azaward.web.routes` has them.

python scripts/docs_routes.py > docs/who-may.md
"""

from __future__ import annotations

import sys

from azaward.store.accounts import ROLES
from azaward.web.routes import table

HEAD = """# Who may do what

Every page and every act has a route, and every route says who may use it; one that says nothing doesn't start. This
table is made from the code by `scripts/docs_routes.py`, and `tests/web/test_who_may.py` tries each route with each
role.

- Staff (nurse, clinician, administrator) see their own clinic and no other, a patient their own record and no other.
- Outside the example clinic, staff without a second factor can do nothing but set one up.
- A change that a browser sends must carry the token of its session.
- Who isn't signed in is sent to `/sign-in`; a program gets 401. Who is signed in and may not gets 403.

"""


def page() -> str:
    """The page, as Markdown."""
    columns = ("", "Route", "not signed in", *ROLES)
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    for route in table():
        may = ["yes" if route.public else "", *("yes" if role in route.roles else "" for role in ROLES)]
        lines.append(f"| {' | '.join((route.method, f'`{route.path}`', *may))} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
