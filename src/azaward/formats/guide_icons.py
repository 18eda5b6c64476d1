"""How does "13 of 52" look? A field of people for each share, as SVG with a title and a description.

No script, no style attribute and no id, so that many pictures fit into one page under a strict content security
policy; the page's style sheet may recolour the classes `on` and `off`.
"""

from __future__ import annotations

from html import escape

from azaward.guides.figures import Icons, Share
from azaward.guides.numbers import whole

GOOD, BAD, OFF, INK, MUTED = "#1f6f6b", "#b4500f", "#d3dbe0", "#1c2733", "#55636f"
_ACROSS = 10
# A person fits into this cell of the field, in points.
_WIDE, _HIGH = 11.0, 15.0
_GAP, _TOP, _UNDER, _EDGE = 26.0, 22.0, 22.0, 2.0
# Where a field would have more than this many people, each is a dot.
_PEOPLE = 100
_LETTER = 6.1
_FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def to_svg(icons: Icons, of_people: str) -> str:
    """The picture as SVG; `of_people` says what the field is ("of {per} people"), with `{per}` filled in.

    >>> from azaward.guides.figures import counted
    >>> picture = Icons("A flare", "25 of 100 people.", False, 100, (counted("azathioprine", 13, 52),))
    >>> svg = to_svg(picture, "of 100 people")
    >>> svg.count("<title>A flare</title>"), "25 of 100 people" in svg
    (1, True)
    """
    dots = icons.per > _PEOPLE
    across = _ACROSS if not dots else round(icons.per**0.5)
    wide, high = (_WIDE, _HIGH) if not dots else (_WIDE * _ACROSS / across, _HIGH * _ACROSS / across)
    under = [f"{whole(share.rate * icons.per)} {of_people}" for share in icons.shares]
    labels = [_lines(share.label) for share in icons.shares]
    top = _TOP + 13 * (max(len(lines) for lines in labels) - 1)
    widths = [
        max(across * wide, _LETTER * max(map(len, [*lines, foot]))) for lines, foot in zip(labels, under, strict=True)
    ]
    width = sum(widths) + _GAP * (len(widths) - 1) + 2 * _EDGE
    height = top + _ACROSS * _HIGH + _UNDER
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" class="people {"good" if icons.good else "bad"}">',
        f"<title>{escape(icons.caption)}</title><desc>{escape(icons.alt)}</desc>",
    ]
    x = _EDGE
    for share, lines, foot, own in zip(icons.shares, labels, under, widths, strict=True):
        for row, line in enumerate(lines):
            parts.append(_text(x, 12 + 13 * row, line, bold=True))
        parts.append(_field(icons, share, x, top, across, wide, high, dots=dots))
        parts.append(_text(x, height - 6, foot))
        x += own + _GAP
    return "".join([*parts, "</svg>"])


def _lines(label: str) -> list[str]:
    """A label in lines that are no wider than a field."""
    lines: list[str] = []
    for word in label.split():
        if lines and len(lines[-1]) + len(word) < 19:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _text(x: float, y: float, words: str, *, bold: bool = False) -> str:
    weight, colour = ("700", INK) if bold else ("400", MUTED)
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-family="{_FONT}" font-size="11" font-weight="{weight}" '
        f'fill="{colour}" class="{"label" if bold else "foot"}">{escape(words)}</text>'
    )


def _field(icons: Icons, share: Share, x: float, y: float, across: int, wide: float, high: float, *, dots: bool) -> str:
    filled = icons.filled(share)
    drawn: dict[bool, list[str]] = {True: [], False: []}
    for place in range(icons.per):
        column, row = place % across, place // across
        left, upper = x + column * wide, y + row * high
        drawn[place < filled].append(_dot(left, upper, wide, high) if dots else _person(left, upper))
    on = GOOD if icons.good else BAD
    shapes = ((OFF, "off", drawn[False]), (on, "on", drawn[True]))
    return "".join(f'<path class="{name}" fill="{colour}" d="{"".join(d)}"/>' for colour, name, d in shapes if d)


def _person(x: float, y: float) -> str:
    return f"M{x + 2.6:.1f} {y + 2.9:.1f}a2.4 2.4 0 1 1 4.8 0a2.4 2.4 0 1 1-4.8 0zm-1.6 9.6v-3.2a3 3 0 0 1 3-3h2a3 3 0 0 1 3 3v3.2z"


def _dot(x: float, y: float, wide: float, high: float) -> str:
    r = 0.36 * min(wide, high)
    return f"M{x:.2f} {y + high / 2:.2f}a{r:.2f} {r:.2f} 0 1 1 {2 * r:.2f} 0a{r:.2f} {r:.2f} 0 1 1 {-2 * r:.2f} 0z"
