"""The words of messages.yaml: what is said for each code, and for each action and urgency."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Any

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.load import HERE

FILE = HERE / "messages.yaml"
# Under these stand the words of actions, urgencies, problems and proposals; under every other key those of a code.
NOT_CODES = ("actions", "urgencies", "problems", "proposal", "until")


@lru_cache(maxsize=1)
def messages() -> Mapping[str, Mapping[str, Any]]:
    """Every message by code; under `actions` and `urgencies` what each means for a patient."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        raise KnowledgeError(f"knowledge/messages.yaml{place}: not YAML: {getattr(error, 'problem', error)}") from None


def message(code: str) -> Mapping[str, Any]:
    """The words for a code; `KnowledgeError` where there are none."""
    if code in NOT_CODES or code not in messages():
        raise KnowledgeError(f"knowledge/messages.yaml: no words for {code!r}. Add `says` and `says_patient`.")
    return messages()[code]


def gaps_in(code: str) -> frozenset[str]:
    """The names of the gaps in the words for a code.

    >>> sorted(gaps_in("fever_neutropenia"))
    ['on', 'unit', 'value']
    """
    words = message(code)
    texts = (str(words.get("says", "")), str(words.get("says_patient", "")))
    return frozenset(gap for text in texts for _, gap, _, _ in Formatter().parse(text) if gap)
