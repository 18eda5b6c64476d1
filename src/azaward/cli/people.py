"""`azaward people`: which records are about one person, as people decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from azaward.cli.edge import app, load_knowledge, write
from azaward.cli.opened import Clinic, KeyFile, Why, keys_if_there, keys_in, opened
from azaward.cli.store import DEFAULT, Database

people_app = typer.Typer(
    no_args_is_help=True, help="Records that may be about one person: join them or keep them apart."
)
app.add_typer(people_app, name="people")


@people_app.command("list")
def people_list(
    database: Database = DEFAULT,
    clinic: Clinic = None,
    names: Annotated[bool, typer.Option("--names", help="Show numbers and names too; this needs the key.")] = False,
    key_file: KeyFile = None,
) -> None:
    """List the clinic's patients, and which ids were joined with each. The audit trail records it."""
    with opened(database, clinic) as (store, actor):
        from azaward.store.care import joining

        keys = keys_in(store, key_file) if names else None
        with store.write() as connection:
            each = joining.everybody(connection, actor, keys)
        lines = [
            f"{one.id}  {one.known.whole()}" + (f"; joined with {', '.join(one.given_up)}" if one.given_up else "")
            for one in each
        ]
        write(("\n".join(lines) + "\n" if lines else "No patients.\n").encode())


@people_app.command("pairs")
def people_pairs(database: Database = DEFAULT, clinic: Clinic = None, key_file: KeyFile = None) -> None:
    """List pairs of records that may be about one person, with what is known of each. The audit trail records it."""
    with opened(database, clinic) as (store, actor):
        from azaward.store.care import joining, merges

        with store.read() as connection:
            some = bool(merges.open_pairs(connection, actor.clinic_id))
        keys = keys_if_there(store, key_file) if some else None
        with store.write() as connection:
            pairs = joining.pairs(connection, actor, keys)
        lines: list[str] = []
        for pair in pairs:
            lines.append(f"{pair.one}  {pair.other}  {pair.why}")
            lines += [
                f"    {id}: {known.whole()}" for id, known in zip((pair.one, pair.other), pair.known, strict=True)
            ]
        if lines:
            lines.append("To decide: azaward people merge GIVEN_UP KEPT, or azaward people apart ONE OTHER.")
        write(("\n".join(lines) + "\n" if lines else "No open pairs.\n").encode())


def _change(database: str, clinic: str | None, ids: Sequence[str], why: str, what: str, although: str = "") -> None:
    """Joins or separates two records, records the reason, and assesses who is affected."""
    knowledge = load_knowledge()
    with opened(database, clinic) as (store, actor):
        from azaward.store.care.joining import change

        write(f"{change(store, actor, what, ids, why, knowledge, although)}\n".encode())


@people_app.command("merge")
def people_merge(
    given_up: Annotated[str, typer.Argument(help="The id to give up.")],
    kept: Annotated[str, typer.Argument(help="The id to keep.")],
    why: Why,
    database: Database = DEFAULT,
    clinic: Clinic = None,
    although: Annotated[
        str, typer.Option(help="Why they are one person, although birth date or sex differ; it is recorded.")
    ] = "",
) -> None:
    """Join two records of one person. No row is moved, so they can be separated again."""
    _change(database, clinic, (given_up, kept), why, "merge", although)


@people_app.command("unmerge")
def people_unmerge(
    given_up: Annotated[str, typer.Argument(help="The id that was given up.")],
    why: Why,
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Separate two joined records. Each is as it was before, plus anything that has arrived since."""
    _change(database, clinic, (given_up,), why, "unmerge")


@people_app.command("apart")
def people_apart(
    one: Annotated[str, typer.Argument(help="One of the two ids.")],
    other: Annotated[str, typer.Argument(help="The other id.")],
    why: Why,
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Record that two ids are different people, so that nobody is asked about them again."""
    _change(database, clinic, (one, other), why, "apart")
