"""What the commands share that work in one clinic's database: its options, the open store, its keys."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import day_of, fail
from azaward.cli.store import store_at, who_acts

if TYPE_CHECKING:
    from azaward.store import Store
    from azaward.store.care.acts import Actor
    from azaward.store.keys import Keys

KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="The file with the key to names and numbers; created when it is first needed.", envvar="AZAWARD_KEY_FILE"
    ),
]
Clinic = Annotated[str | None, typer.Option(help="The clinic that the patients belong to.")]


def _given(why: str) -> str:
    """A reason that says something."""
    if not why.strip():
        fail("--why is empty. Expected the reason.")
    return why


Why = Annotated[str, typer.Option(help="The reason; it is recorded.", callback=_given)]


@contextlib.contextmanager
def opened(database: str, clinic: str | None) -> Generator[tuple[Store, Actor]]:
    """The store and who acts in it; its clinic must be there."""
    with store_at(database, must_exist=True) as store:
        from azaward.store import imports
        from azaward.store.care.acts import Actor

        if clinic is not None and clinic not in (known := imports.clinic_ids(store)):
            fail(f"--clinic {clinic}: not in {store.name}. Expected one of: {', '.join(known) or 'there are none'}.")
        yield store, Actor(who_acts(), clinic or imports.only_clinic(store), day_of(None))


def keys_in(store: Store, file: Path | None) -> Keys:
    """The keys of a database; `StoreError` says what to do without them."""
    from azaward.store import keys

    store.key_file = file
    with store.read() as connection:
        return keys.keys_of(store, connection)


def say_lacking(store: Store, held: Keys) -> None:
    """Says which keys are lost, so that names, numbers and messages that they sealed can't be read."""
    from azaward.store import keys

    with store.read() as connection:
        for key in keys.lacking(connection, held):
            line = f"the key file lacks the key {key}: what it sealed can't be read. Restore the file from a backup."
            typer.echo(f"azaward: {line}", err=True)


def keys_if_there(store: Store, file: Path | None) -> Keys | None:
    """The keys of a database if they are there; what can't be shown without them is said."""
    from azaward.errors import StoreError

    try:
        return keys_in(store, file)
    except StoreError as error:
        typer.echo(f"azaward: {error}", err=True)
        return None
