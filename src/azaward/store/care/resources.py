"""Which version of a resource stands: a later one takes the place of an earlier one, in whichever order they arrive.

A record system sends an order again when its dose changes, and a result again when it is corrected. The rows of the
version that stands are current; those of earlier versions are struck out; what was deleted or withdrawn has none. Two
versions that nothing puts in order count in the order of their arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.record.tables import Record, SetAside
from azaward.record.versions import is_later
from azaward.store.schema import resources

_AT_ONCE = 5_000
# A resource without the address of its server: the same id may be another patient's.
NO_SERVER = "|"
# Whose a resource is that was deleted before it ever arrived.
NOBODY = ""


class Key(NamedTuple):
    """Whose resource it is, and which."""

    patient_id: str
    resource: str


class _Held(NamedTuple):
    version: str
    gone: bool


@dataclass(frozen=True)
class Settled:
    """A record less what arrived too late to count, and the resources whose earlier rows no longer stand."""

    record: Record
    # Those whose rows are struck out unless they are in this record again.
    replaced: frozenset[Key] = frozenset()
    gone: frozenset[Key] = frozenset()
    versions: Mapping[Key, _Held] = field(default_factory=dict[Key, _Held])


def settle(connection: Connection, clinic_id: str, record: Record) -> Settled:
    """Compares the versions in a record with those that stand."""
    if not record.resources and not record.deleted:
        return Settled(record)
    named = {key.resource for key in map(_key, record.resources)} | set(record.deleted)
    held = _held(connection, clinic_id, named)
    by_name: dict[str, list[Key]] = {}
    for key in held:
        by_name.setdefault(key.resource, []).append(key)
    stale: set[Key] = set()
    doubtful: list[SetAside] = []
    replaced: set[Key] = set()
    versions: dict[Key, _Held] = {}
    for each, version in record.resources.items():
        key = _key(each)
        elsewhere = [] if key.resource.startswith(NO_SERVER) else by_name.get(key.resource, [])
        others = {key, *elsewhere} - {_nobodys(key.resource)} & held.keys()
        if any(_stands(held[other], version) for other in others):
            stale.add(key)
            continue
        if (before := held.get(_nobodys(key.resource))) is not None and _stands(before, version):
            stale.add(key)
            if is_later(before.version, version) is None:
                doubtful.append(_deleted_before(key, version))
            continue
        # One that is now about another patient is no longer about the first.
        replaced |= others
        versions |= dict.fromkeys(others, _Held(version, True))
        versions[key] = _Held(version, False)
    gone: set[Key] = set()
    brought = {key.resource for key in map(_key, record.resources)}
    for name, version in record.deleted.items():
        keys = [key for key in by_name.get(name, []) if key.patient_id != NOBODY]
        before = held.get(_nobodys(name))
        if not keys and name not in brought and (before is None or is_later(version, before.version) is not False):
            versions[_nobodys(name)] = _Held(version, True)
        keys = keys if len(keys) == 1 or not name.startswith(NO_SERVER) else []
        for key in keys:
            if is_later(version, held[key].version) is not False:
                gone.add(key)
                versions[key] = _Held(version or held[key].version, True)
    kept = _without(record, stale) if stale else record
    kept = replace(kept, set_aside=[*kept.set_aside, *doubtful]) if doubtful else kept
    return Settled(kept, frozenset(replaced), frozenset(gone), versions)


def _stands(held: _Held, version: str) -> bool:
    """Whether what is held counts more than a version that arrives: it is later, or was deleted since."""
    later = is_later(version, held.version)
    return later is not True if held.gone else later is False


def _nobodys(resource: str) -> Key:
    return Key(NOBODY, resource)


def _deleted_before(key: Key, version: str) -> SetAside:
    what = key.resource.strip("|")
    why = "its sender deleted it before it arrived, and nothing shows which is later: not used. Ask if it applies."
    return SetAside(what, what.rpartition("/")[2] or what, why, key.patient_id, "unusable", key.resource, version)


def _key(each: tuple[str, str]) -> Key:
    return Key(*each)


def _held(connection: Connection, clinic_id: str, named: Iterable[str]) -> dict[Key, _Held]:
    names, held = sorted(named), dict[Key, _Held]()
    for start in range(0, len(names), _AT_ONCE):
        question = sa.select(resources.c.patient_id, resources.c.resource, resources.c.version, resources.c.gone).where(
            resources.c.clinic_id == clinic_id, resources.c.resource.in_(names[start : start + _AT_ONCE])
        )
        held |= {Key(row[0], row[1]): _Held(row[2], row[3]) for row in connection.execute(question)}
    return held


def keep(connection: Connection, clinic_id: str, settled: Settled) -> None:
    """Notes which versions stand from now on."""
    rows = [
        {"clinic_id": clinic_id, **key._asdict(), "version": held.version, "gone": held.gone}
        for key, held in settled.versions.items()
    ]
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        for key in some:
            connection.execute(
                sa.delete(resources).where(
                    resources.c.clinic_id == clinic_id,
                    resources.c.patient_id == key["patient_id"],
                    resources.c.resource == key["resource"],
                )
            )
        connection.execute(sa.insert(resources), some)


def _without(record: Record, stale: set[Key]) -> Record:
    """The record less the rows, and what was set aside, of resources whose later version is known."""

    def counts(patient_id: str | None, resource: str | None) -> bool:
        return resource is None or Key(str(patient_id), resource) not in stale

    rows = {
        name: [row for row in table if counts(str(row[0]), None if row[-2] is None else str(row[-2]))]
        for name, table in record.rows.items()
    }
    asides: list[SetAside] = [item for item in record.set_aside if counts(item.patient_id, item.resource)]
    return replace(record, rows=rows, set_aside=asides)
