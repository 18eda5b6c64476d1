"""Groups the segments of a message by the order that they belong to, and reads what an order says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from azaward.readers.hl7.parts import Segment
from azaward.readers.hl7.reading import Reading

PRESCRIBED = ("RXO", "RXE", "RXD")


@dataclass
class Group:
    """An order as it arrives: ORC, OBR, a medicine or vaccine, timing, results and their comments, specimens."""

    orc: Segment | None = None
    obr: Segment | None = None
    given: list[Segment] = field(default_factory=list[Segment])
    timing: list[Segment] = field(default_factory=list[Segment])
    results: list[tuple[Segment, list[Segment]]] = field(default_factory=list[tuple[Segment, list[Segment]]])
    specimens: list[Segment] = field(default_factory=list[Segment])
    comments: list[Segment] = field(default_factory=list[Segment])

    @property
    def is_empty(self) -> bool:
        """Whether nothing belongs to it yet."""
        return not (self.orc or self.obr or self.given or self.results or self.specimens)


@dataclass(frozen=True)
class Order:
    """What an order of a medicine says of itself. Times are ISO; `repeat` has its patterns, `quantity` its dose."""

    identity: str | None = None
    control: str | None = None
    status: str | None = None
    acted_on: str | None = None
    effective: str | None = None
    written: str | None = None
    starts: str | None = None
    ends: str | None = None
    repeat: tuple[str, ...] = ()
    quantity: tuple[str, str | None] | None = None
    frequency: str | None = None


def groups(segments: Iterable[Segment], *, specimens_first: bool = False) -> Iterator[Group]:
    """The orders of one person, each with what belongs to it.

    A specimen comes after the results of its order; in a specimen-oriented message (`specimens_first`) it comes before.
    """
    group = Group()
    carried: list[Segment] = []
    for segment in segments:
        name = segment.name
        if _begins(name, group, specimens_first):
            if not group.is_empty:
                yield group
            group = Group(specimens=list(carried))
        match name:
            case "ORC":
                group.orc = segment
            case "OBR":
                group.obr = segment
            case "RXO" | "RXE" | "RXD" | "RXA":
                group.given.append(segment)
            case "TQ1":
                group.timing.append(segment)
            case "OBX":
                group.results.append((segment, []))
            case "NTE":
                (group.results[-1][1] if group.results else group.comments).append(segment)
            case "SPM" if specimens_first:
                carried = [segment]
                group.specimens = [segment]
            case _:
                group.specimens.append(segment)
    if not group.is_empty:
        yield group


def _begins(name: str, group: Group, specimens_first: bool) -> bool:
    """Whether a segment begins a new order."""
    full = group.obr is not None or bool(group.given) or bool(group.results)
    if name == "SPM":
        return specimens_first and full
    if name == "ORC":
        return group.orc is not None or (full and not (specimens_first and not group.results))
    if name == "OBR":
        return group.obr is not None or bool(group.given)
    return name in ("RXE", "RXD", "RXA", "RXO") and any(name == each.name for each in group.given)


def order_of(reading: Reading, group: Group, rx: Segment) -> Order:
    """What an order of a medicine says of itself, in TQ1 or, before version 2.5, in ORC-7 or RXE-1."""
    orc = group.orc
    acted, effective = (reading.iso(orc.text(9)), reading.iso(orc.text(15))) if orc else (None, None)
    identity = reading.order_identity((orc, 3, ""), (orc, 2, "placer:"))
    if identity is None and rx.name in ("RXE", "RXD"):
        identity = reading.order_identity((rx, 15 if rx.name == "RXE" else 7, "prescription:"))
    made = Order(
        identity,
        orc.text(1) if orc else None,
        orc.text(5) if orc else None,
        effective or acted,
        effective,
        acted,
    )
    return _timed(reading, made, group, rx)


def _timed(reading: Reading, order: Order, group: Group, rx: Segment) -> Order:
    if group.timing:
        starts = [iso for each in group.timing if (iso := reading.iso(each.text(7)))]
        ends = [iso for each in group.timing if (iso := reading.iso(each.text(8)))]
        patterns = [value.sub(1, 1) for each in group.timing for value in each.repetitions(3)]
        first = group.timing[0]
        words = [value.sub(1, 2) or value.sub(1, 1) for value in first.repetitions(3)]
        amount = first.text(2)
        # Two doses that differ, or one that follows another, are no one dose a day.
        if len({each.text(2) for each in group.timing}) > 1 or any(each.text(12) == "S" for each in group.timing):
            patterns = [""]
        return replace(
            order,
            starts=min(starts, default=None),
            ends=max(ends) if len(ends) == len(group.timing) else None,
            repeat=tuple(pattern or "" for pattern in patterns),
            quantity=(amount, first.repetitions(2)[0].sub(2, 1)) if amount else None,
            frequency=" ".join(word for word in words if word) or first.text(11),
        )
    timed = rx if rx.name == "RXE" and rx.repetitions(1) else group.orc
    values = timed.repetitions(1 if timed is rx else 7) if timed else ()
    if not values:
        return order
    starts = [iso for value in values if (iso := reading.iso(value.text(4)))]
    ends = [iso for value in values if (iso := reading.iso(value.text(5)))]
    quantity = values[0].sub(1, 1)
    apart = len({value.sub(1, 1) for value in values}) > 1 or any(value.text(9) == "S" for value in values)
    return replace(
        order,
        starts=min(starts, default=None),
        ends=max(ends) if len(ends) == len(values) else None,
        repeat=("",) if apart else tuple(value.sub(2, 1) or "" for value in values),
        quantity=(quantity, values[0].sub(1, 2)) if quantity else None,
        frequency=" ".join(word for value in values if (word := value.sub(2, 1))) or None,
    )
