"""Why a result isn't believed to be one of the analyte that it looks like: the words of results' `doubt`, explained."""

from __future__ import annotations

from collections.abc import Mapping

# How the doubt about a name that is only like that of a test begins; the name itself follows.
NEAR = "its name '"
DOUBTS: Mapping[str, str] = {
    "percent": "it is a percentage, not a count",
    "ratio": "it is a ratio, not an amount",
    "segmented": "it counts only the segmented cells, which are a part of them",
    "bands": "it counts only the band forms, which are a part of them",
    "part": "it measures only a part of it",
    "group": "it measures several things together",
    "glycated": "it measures sugar bound to haemoglobin",
    "other": "its name is that of another test",
    "specimen": "it was measured in another specimen",
    "specimen_unknown": "it is not clear which specimen it was measured in",
    "code": "its name and its code mean different tests",
    "words": "its name contains words that could not be understood",
    "damaged": "part of it arrived damaged",
    "written": "its number is written among words",
    "in_words": "it is part of a text and not a value",
    "modified": "an extension that azaward doesn't know may change its meaning",
    "month": "only the month of its sample is given, and it may be newer than the result that was used",
    "year": "only the year of its sample is given",
    "other_person": "its specimen, its report or what it is about is another person's",
    "subject": "it doesn't say which patient it is about, and may be about this one",
    "spoiled": "its specimen was not fit to be measured",
    "report_withdrawn": "the report that contains it was withdrawn, but the result itself was not",
}
