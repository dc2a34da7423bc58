"""The report's own sentences, in English and Chinese. Labels of classes come from the standard.

Text in braces is filled in with formatted values; both languages of a sentence take the same ones.
"""

from __future__ import annotations

from dagster_project.report.words.class_texts import CLASSES
from dagster_project.report.words.frame_texts import FRAME
from dagster_project.report.words.heading_texts import HEADINGS
from dagster_project.report.words.lift_texts import LIFT
from dagster_project.report.words.list_texts import LIST_AND_QUALITY
from dagster_project.report.words.movement_texts import MOVEMENT
from dagster_project.report.words.name_texts import NAMES
from dagster_project.report.words.outlook_texts import OUTLOOK
from dagster_project.settings.publishing import Language

TEXTS: dict[str, tuple[str, str]] = {
    **FRAME,
    **CLASSES,
    **MOVEMENT,
    **LIST_AND_QUALITY,
    **LIFT,
    **OUTLOOK,
    **HEADINGS,
    **NAMES,
}


class Words:
    """The sentences of one language, by key."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._index = 0 if language is Language.ENGLISH else 1

    def __call__(self, key: str, **values: str) -> str:
        """The sentence of `key` with its values; a KeyError for a key that does not exist is a fault of the page."""
        text = TEXTS[key][self._index]
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def or_code(self, prefix: str, code: str) -> str:
        """The words for a code of a closed set, or the code as words where a newer one has none."""
        entry = TEXTS.get(f"{prefix}.{code}")
        return entry[self._index] if entry else code.replace("_", " ")

    def listed(self, items: list[str]) -> str:
        """Items in a row, as the language separates them."""
        return (", " if self.language is Language.ENGLISH else "、").join(items)

    def sentences(self, said: list[str]) -> str:
        """Sentences after one another; Chinese ones have no space between them."""
        return (" " if self.language is Language.ENGLISH else "").join(said)
