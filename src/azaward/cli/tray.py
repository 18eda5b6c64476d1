"""`azaward tray`: the messages that wait until somebody says whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, load_knowledge, write
from azaward.cli.opened import Clinic, KeyFile, Why, keys_if_there, keys_in, opened
from azaward.cli.store import DEFAULT, Database

if TYPE_CHECKING:
    from azaward.store.tray import Settled, Waiting

tray_app = typer.Typer(no_args_is_help=True, help="Messages that wait until somebody deals with them.")
app.add_typer(tray_app, name="tray")
Number = Annotated[int, typer.Argument(help="The message's number in the list.")]


@tray_app.command("list")
def tray_list(
    database: Database = DEFAULT,
    clinic: Clinic = None,
    key_file: KeyFile = None,
    settled: Annotated[bool, typer.Option("--settled", help="List those that were assigned or discarded.")] = False,
) -> None:
    """List the waiting messages, severe ones first, with what each says of its patient. The audit trail records it."""
    with opened(database, clinic) as (store, actor):
        from azaward.store import tray
        from azaward.store.assigning import described

        with store.read() as connection:
            some = bool(tray.waiting(connection, actor.clinic_id))
        # A database that has sealed nothing yet has no key, and needs none.
        keys = keys_if_there(store, key_file) if some and not settled else None
        knowledge = load_knowledge()
        with store.write() as connection:
            if settled:
                lines = [_settled(one) for one in tray.settled_ones(connection, actor)]
            else:
                each = described(connection, actor, keys, knowledge)
                lines = [line for one, clues in each for line in _waiting(one, clues)]
        nothing = "No message was assigned or discarded.\n" if settled else "No messages are waiting.\n"
        write(("\n".join(lines) + "\n" if lines else nothing).encode())


def _waiting(one: Waiting, clues: Sequence[str]) -> list[str]:
    from azaward.store import tray

    sender = one.sender.strip("|") and one.sender
    lines = [f"{one.id}  {one.at:%Y-%m-%d %H:%M} UTC  {sender or 'unknown sender'}  {one.why}"]
    lines += [f"    same-day, for a {tray.ROLE}: {one.severe}"] if one.severe else []
    return lines + [f"    {clue}" for clue in clues]


def _settled(one: Settled) -> str:
    whose = f" to {one.patient_id}" if one.patient_id else ""
    sender = one.sender.strip("|") and one.sender
    at = f"{one.resolved_at:%Y-%m-%d %H:%M} UTC"
    return f"{one.id}  {at}  {sender or 'unknown sender'}  {one.resolved_how}{whose}, by {one.resolved_by}"


@tray_app.command("show")
def tray_show(
    number: Number,
    database: Database = DEFAULT,
    clinic: Clinic = None,
    key_file: KeyFile = None,
) -> None:
    """Show a message as it arrived. The audit trail records that you read it."""
    with opened(database, clinic) as (store, actor):
        from azaward.store import tray

        keys = keys_in(store, key_file)
        with store.write() as connection:
            content = tray.content(connection, actor, number, keys)
        write(content.content.replace(b"\r", b"\n") + b"\n")


@tray_app.command("assign")
def tray_assign(
    number: Number,
    patient: Annotated[str, typer.Argument(help="The patient that the message is about.")],
    database: Database = DEFAULT,
    clinic: Clinic = None,
    sender: Annotated[list[Path] | None, typer.Option(help="The settings file of its sender.")] = None,
    although: Annotated[
        str, typer.Option(help="Why it is the patient's, although birth date or sex differ; it is recorded.")
    ] = "",
    key_file: KeyFile = None,
) -> None:
    """Store a message for a patient. From then on, the trusted numbers in it belong to that patient."""
    knowledge = load_knowledge()
    with opened(database, clinic) as (store, actor):
        from azaward.readers.hl7.senders import read_senders
        from azaward.store.assigning import assign

        keys = keys_in(store, key_file)
        rows = assign(store, actor, number, patient, keys, knowledge, read_senders(sender or (), knowledge), although)
        write(f"message {number}: {rows} rows stored for {patient}\n".encode())


@tray_app.command("unassign")
def tray_unassign(
    number: Annotated[int, typer.Argument(help="The message's number in the list of settled ones.")],
    why: Why,
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Take a message back from its patient: strike out what it brought, free its numbers, put it back in the tray."""
    knowledge = load_knowledge()
    with opened(database, clinic) as (store, actor):
        from azaward.store.assigning import unassign

        done = unassign(store, actor, number, why, knowledge)
        said = f"{done.rows} rows struck out, {done.again} restored, {done.identities} numbers and names removed"
        write(f"message {number}: back in the tray; {said}\n".encode())
        if done.since:
            later = f"{done.since} rows have come in other messages since and may be another person's: look at them."
            typer.echo(f"azaward: {later}", err=True)


@tray_app.command("discard")
def tray_discard(
    number: Number,
    why: Why,
    database: Database = DEFAULT,
    clinic: Clinic = None,
) -> None:
    """Remove a message from the tray without storing it."""
    with opened(database, clinic) as (store, actor):
        from azaward.store import tray

        with store.write() as connection:
            tray.resolve(connection, actor, number, f"discarded: {why}", None)
        write(f"message {number}: discarded\n".encode())
