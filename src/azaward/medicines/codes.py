"""The forms in which one code of a medicine is written, brought to the one in which it is looked up.

A pack's code holds the product's and a little more, and systems leave out its hyphens or its zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from azaward.knowledge.loading.words.vocabulary import ATC, CIP, DIN, DMD, NDC, RXNORM, SNOMED, YJ, Coding

_ATC_CODE = re.compile(r"[a-z]\d\d[a-z]{2}\d\d")
_RXNORM_CODE = re.compile(r"rx(?:norm|cui)\W*(\d+)")
_SNOMED_CODE = re.compile(r"snomed(?:\s*ct)?\W*(\d+)")
_NOT_DIGIT = re.compile(r"\D")
# Seven digits for what the medicine acts on, how it is given and its ingredient; then the form, the strength and the
# maker. JFAGY sets three letters before it, and writes ZZZ for any maker.
_YJ_CODE = re.compile(r"(?:[GY]CM)?(\d{7})[A-Z]\d(?:\d{3}|ZZZ)", re.IGNORECASE)
_CIP13 = 13
# The lengths of labeler, product and pack in an NDC of 10 digits, which without hyphens may be any of them.
_NDC10 = 10
_NDC_PARTS = ((4, 4), (5, 3), (5, 4))


def codes_in(text: str) -> Iterator[Coding]:
    """The code that a text consists of.

    >>> [coding.code for text in ("m04aa01", "RxNorm 519") for coding in codes_in(text)]
    ['M04AA01', '519']
    """
    lower = text.casefold()
    if _ATC_CODE.fullmatch(lower):
        yield Coding(ATC, text.upper())
    for system, pattern in ((RXNORM, _RXNORM_CODE), (SNOMED, _SNOMED_CODE)):
        if match := pattern.fullmatch(lower):
            yield Coding(system, match[1])


def usual(coding: Coding) -> tuple[Coding, ...]:
    """The forms under which a code is looked up: one, or for a national drug code that lost its hyphens each it may be.

    >>> [usual(Coding(NDC, code))[0].code for code in ("16571-835", "16571-835-10", "16571083510")]
    ['165710835', '165710835', '165710835']
    >>> [each.code for each in usual(Coding(NDC, "1657183510"))]
    ['016571835', '165710835', '165718351']
    >>> usual(Coding(YJ, "3999005F1024"))[0].code, usual(Coding(YJ, "GCM3999005F1ZZZ"))[0].code
    ('3999005*', '3999005*')
    >>> usual(Coding(CIP, "3400935446091"))[0].code, usual(Coding(DIN, "4596"))[0].code
    ('3544609', '00004596')
    """
    if coding.system == NDC:
        return tuple(Coding(NDC, code) for code in _ndc(coding.code))
    digits = _NOT_DIGIT.sub("", coding.code)
    if coding.system == YJ and (match := _YJ_CODE.fullmatch(coding.code)):
        return (Coding(YJ, f"{match[1]}*"),)
    if coding.system == CIP and len(digits) == _CIP13:
        return (Coding(CIP, digits[5:12]),)
    if coding.system == DIN:
        return (Coding(DIN, digits.zfill(8)),)
    return (coding,)


def _ndc(code: str) -> Iterator[str]:
    """Labeler and product, five digits and four; the last two of a code are the pack."""
    labeler, _, rest = code.partition("-")
    digits = _NOT_DIGIT.sub("", code)
    if rest:
        yield labeler.zfill(5) + rest.partition("-")[0].zfill(4)
    elif len(digits) == _NDC10:
        for first, second in _NDC_PARTS:
            yield digits[:first].zfill(5) + digits[first : first + second].zfill(4)
    else:
        yield digits[:9]


def systems_of(system: str) -> tuple[str, ...]:
    """The systems in which a code stands: those of dm+d are codes of SNOMED CT too.

    >>> systems_of(DMD) == (DMD, SNOMED)
    True
    """
    return (system, SNOMED) if system == DMD else (system,)
