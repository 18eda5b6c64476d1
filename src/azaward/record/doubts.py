"""Why a result isn't believed to be one of the analyte that it looks like: the words of results' `doubt`, explained."""

from __future__ import annotations

from collections.abc import Mapping

DOUBTS: Mapping[str, str] = {
    "percent": "it is a share, not a count",
    "ratio": "it is a ratio, not an amount",
    "segmented": "it counts only the segmented cells, which are a part of them",
    "bands": "it counts only the band forms, which are a part of them",
    "part": "it measures only a part of it",
    "group": "it measures several things together",
    "glycated": "it measures sugar bound to haemoglobin",
    "other": "its name says another test",
    "specimen": "it was measured in another specimen",
    "specimen_unknown": "the specimen that it was measured in is not understood",
    "code": "its name and its code mean different tests",
    "words": "its name holds words that are not understood",
    "other_person": "its specimen, its report or what it is about is another person's",
    "subject": "it doesn't say of whom it is, and it may be of this person",
    "spoiled": "its specimen was not fit to be measured",
    "report_withdrawn": "what holds it was withdrawn, and it was not",
    "in_words": "it stands in words and not as a value",
    "damaged": "a part of it arrived damaged",
}
