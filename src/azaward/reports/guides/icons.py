"""How does "13 of 52" look? A field of people for each share, as SVG with a title and a description.

No script and no style attribute, so that a strict content security policy holds; ids only where a field has more
dots than people fit, and each its own. The page's style sheet may recolour the classes `on` and `off`.
"""

from __future__ import annotations

import zlib
from html import escape

from azaward.guides.amounts import whole
from azaward.guides.figures import Icons, Share

GOOD, BAD, OFF, INK, MUTED = "#1f6f6b", "#b4500f", "#d3dbe0", "#1c2733", "#55636f"
_ACROSS = 10
# A person fits into this cell of the field, in points.
_WIDE, _HIGH = 11.0, 15.0
_GAP, _TOP, _UNDER, _EDGE = 26.0, 22.0, 22.0, 2.0
# Where a field would have more than this many people, each is a dot, and the field is larger.
_PEOPLE = 100
_DOTTED = 225.0
# How much larger than in points it stands on a page.
_SCALE = 1.45
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
    wide, high = (_DOTTED / across, _DOTTED / across) if dots else (_WIDE, _HIGH)
    under = [f"{whole(share.rate * icons.per)} {of_people}" for share in icons.shares]
    labels = [_lines(share.label) for share in icons.shares]
    top = _TOP + 13 * (max(len(lines) for lines in labels) - 1)
    widths = [
        max(across * wide, _LETTER * max(map(len, [*lines, foot]))) for lines, foot in zip(labels, under, strict=True)
    ]
    width = sum(widths) + _GAP * (len(widths) - 1) + 2 * _EDGE
    height = top + across * high + _UNDER
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{_SCALE * width:.0f}" height="{_SCALE * height:.0f}" role="img" '
        f'class="people {"good" if icons.good else "bad"}">',
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
    on = GOOD if icons.good else BAD
    draw = _dot if dots else _person
    places = [(x + place % across * wide, y + place // across * high) for place in range(icons.per)]
    # A filled dot fills its place, so that it is seen among so many.
    grown = 1.35 if dots else 1.0
    shapes = [_path("on", on, [draw(*at, wide, high, grown) for at in places[:filled]])]
    if dots:
        # So many dots are one tile, repeated; the filled ones lie above it.
        name = f"dots-{zlib.crc32(f'{icons.alt}{x}'.encode()):08x}"
        tile = _path("off", OFF, [_dot(0, 0, wide, high, 1.0)])
        shapes.insert(
            0,
            f'<defs><pattern id="{name}" x="{x:.2f}" y="{y:.2f}" width="{wide:.3f}" height="{high:.3f}" '
            f'patternUnits="userSpaceOnUse">{tile}</pattern></defs>'
            f'<rect x="{x:.2f}" y="{y:.2f}" width="{across * wide:.2f}" height="{across * high:.2f}" '
            f'fill="url(#{name})"/>',
        )
    else:
        shapes.append(_path("off", OFF, [_person(*at, wide, high, 1.0) for at in places[filled:]]))
    return "".join(shapes)


def _path(name: str, colour: str, shapes: list[str]) -> str:
    return f'<path class="{name}" fill="{colour}" d="{"".join(shapes)}"/>' if shapes else ""


def _person(x: float, y: float, _wide: float, _high: float, _grown: float) -> str:
    head = f"M{x + 2.6:.1f} {y + 2.9:.1f}a2.4 2.4 0 1 1 4.8 0a2.4 2.4 0 1 1-4.8 0z"
    return f"{head}m-1.6 9.6v-3.2a3 3 0 0 1 3-3h2a3 3 0 0 1 3 3v3.2z"


def _dot(x: float, y: float, wide: float, high: float, grown: float) -> str:
    r = 0.36 * grown * min(wide, high)
    half = f"{r:.2f} {r:.2f} 0 1 1"
    return f"M{x + wide / 2 - r:.2f} {y + high / 2:.2f}a{half} {2 * r:.2f} 0a{half} {-2 * r:.2f} 0z"
