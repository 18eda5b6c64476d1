"""The words around the guides, one file a language: topics, units, medicines, trials and what they found.

`texts/en/words.yaml` is the model of a translation; a word that is missing there is an error, never a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from azaward.errors import KnowledgeError

TEXTS = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class GuideWords:
    """The words of one language, by section and key."""

    language: str
    sections: Mapping[str, Mapping[str, Any]]

    def __call__(self, section: str, key: str) -> Any:
        """The word for `key`; `KnowledgeError` names the file and the place where it is missing.

        >>> words_of("en")("units", "wk")
        ['week', 'weeks']
        """
        try:
            return self.sections[section][key]
        except KeyError:
            raise KnowledgeError(
                f"guides/texts/{self.language}/words.yaml: nothing under {section}: {key}. Add it there."
            ) from None


@lru_cache(maxsize=8)
def words_of(language: str) -> GuideWords:
    """The words of a language; `KnowledgeError` where there is no such folder."""
    import yaml

    # Only a name of a folder here, never a path that was typed.
    known = sorted(folder.name for folder in TEXTS.iterdir() if folder.is_dir())
    if language not in known:
        raise KnowledgeError(f"no guides in the language {language!r}. There are: {', '.join(known)}")
    text = (TEXTS / language / "words.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = cast(dict[str, dict[str, Any]], yaml.load(text, Loader=loader))  # noqa: S506
    return GuideWords(language, document)
