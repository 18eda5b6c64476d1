"""Findings that mean one thing are one problem: the most urgent says it, the others are its evidence.

Which findings belong together stands beside their words, under `problems` in knowledge/messages.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from azaward.knowledge.loading.messages import messages
from azaward.wording import Words

# A finding by the names of its rule, its code and its subject.
Named = tuple[str, str, str]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is the matter, and the places of its findings in the list of findings (counted from 0)."""

    title: str
    findings: list[int]


def problems_of(findings: Iterable[Named], words: Words) -> list[Problem]:
    """The problems behind findings that are in order, the most urgent first.

    >>> from azaward.knowledge import load
    >>> low = [("limits", "limit_low", subject) for subject in ("wbc", "alt", "neutrophils")]
    >>> [(one.title, one.findings) for one in problems_of(low, Words(load()))]
    [('Blood counts', [0, 2]), ('Liver', [1])]
    """
    places: dict[str, list[int]] = {}
    for place, finding in enumerate(findings):
        places.setdefault(title_of(finding, words), []).append(place)
    return [Problem(title=title, findings=own) for title, own in places.items()]


def title_of(finding: Named, words: Words) -> str:
    """The problem that a finding belongs to: by its code, else by what it is about, else by its rule."""
    rule, code, subject = finding
    by = _by()
    entry = by["codes"].get(code) or by["subjects"].get(subject) or by["rules"].get(rule) or {}
    return str(entry.get("title", "{name}")).format(name=words.name(subject, code)[0] if subject else "Other")


@lru_cache(maxsize=1)
def _by() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Each problem by the codes, the subjects and the rules that belong to it."""
    by: dict[str, dict[str, Mapping[str, Any]]] = {"codes": {}, "subjects": {}, "rules": {}}
    for entry in messages()["problems"].values():
        for kind, known in by.items():
            known.update(dict.fromkeys(entry.get(kind, ()), entry))
    return by
