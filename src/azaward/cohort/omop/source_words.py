"""What the source's own words beside a concept say: a code of which system, a test on which specimen."""

from __future__ import annotations

import re
from collections.abc import Mapping

from azaward.knowledge.loading.words.vocabulary import ATC, ICD10, LOINC, RXNORM, SNOMED, Coding

_CVX = "http://hl7.org/fhir/sid/cvx"
# How OMOP calls the code systems, and how this knowledge base does.
SYSTEMS: Mapping[str, str] = {
    "LOINC": LOINC,
    "RxNorm": RXNORM,
    "ATC": ATC,
    "SNOMED": SNOMED,
    "ICD10": ICD10[0],
    "ICD10CM": f"{ICD10[0]}-cm",
    "ICD10GM": ICD10[2],
    "CVX": _CVX,
}
# A source's own word may be a code: with the name of its system, or of a shape that only one system has.
_NAMED_CODE = re.compile(r"(?P<system>[A-Za-z][A-Za-z0-9-]*)\s*[:|/ ]\s*(?P<code>[A-Za-z0-9.-]+)")
_SHAPES = (
    (re.compile(r"[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}"), ATC),
    (re.compile(r"[A-TV-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,4})?"), ICD10[0]),
    (re.compile(r"[0-9]{1,5}-[0-9]"), LOINC),
)
# LOINC's names say what was measured, then how and in what: "Neutrophils.segmented/100 leukocytes in Blood".
WHAT = re.compile(r"\s*(?:\[|/|\bin\b|\bby\b|\.(?=\D))")
# Words beside a test's name that say which part of it, or how it was made.
QUALIFIES = re.compile(
    r"seg\w*|bands?|forms?|immature|abs\w*|counts?|numbers?|percent\w*|pct|relative|total|direct|auto\w*|manual\w*|"
    r"calc\w*|estimated|corrected|levels?|conc\w*|serum|plasma|blood|venous|capillary|and"
)
_IN = re.compile(r"\bin (?P<of>[^\[(]+?)(?: by |\s*[\[(]|$)")
_OF_BLOOD = re.compile(r"\b(?:blood|serum|plasma|ser/plas|red cells?|rbc|bld)\b", re.I)
_ELSEWHERE = re.compile(
    r"\b(?:urin\w*|urn|csf|liquor|cerebro ?spinal|spinal|fluid|ascit\w*|pleura\w*|synovia\w*|peritone\w*|"
    r"pericardi\w*|dialysate|f(?:a|e|ae)ces|f(?:a?e)cal|stool|sputum|saliva|semen|swab|bile|amniotic|lavage|bal|"
    r"bronch\w*|aspirate|drain|wound|pus)\b",
    re.I,
)


def is_elsewhere(name: str) -> bool:
    """Whether the name of a test says that it was not made on blood.

    >>> is_elsewhere("Neutrophils [#/volume] in Body fluid"), is_elsewhere("Neutrophils [#/volume] in Blood")
    (True, False)
    >>> is_elsewhere("Ascitic neutrophils"), is_elsewhere("Glucose [Mass/volume] in Hair"), is_elsewhere("Body weight")
    (True, True, False)
    """
    specimen = _IN.search(name)
    if specimen and not _OF_BLOOD.search(specimen["of"]):
        return True
    return bool(_ELSEWHERE.search(name))


def codings_of(text: str) -> tuple[Coding, ...]:
    """The code that a source's own word is, by the name of its system or its shape; a bare number is none.

    >>> codings_of("L04AX01")[0].system == ATC, codings_of("RxNorm: 1256")[0].code, codings_of("1256")
    (True, '1256', ())
    """
    word = text.strip()
    systems = {name.casefold(): system for name, system in SYSTEMS.items()}
    if (named := _NAMED_CODE.fullmatch(word)) and (system := systems.get(named["system"].casefold())):
        return (Coding.of(system, named["code"]),)
    return tuple(Coding(system, word.upper()) for shape, system in _SHAPES if shape.fullmatch(word.upper()))
