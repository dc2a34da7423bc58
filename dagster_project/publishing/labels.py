"""The words for class codes, from the table control.labels, where the standard's labels stand in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.publishing import Language


@dataclass(frozen=True)
class Labels:
    """Labels of every dimension, in the order in which the standard names the classes."""

    texts: Mapping[tuple[str, str], Mapping[Language, str]]

    def of(self, dimension: str, code: str | None, language: Language) -> str | None:
        """The label of a class; a code that has none is shown as words."""
        if code is None:
            return None
        texts = self.texts.get((dimension, code))
        return texts[language] if texts else code.replace("_", " ")

    def codes(self, dimension: str) -> list[str]:
        """The codes of a dimension in their order."""
        return [code for known, code in self.texts if known == dimension]


def read_labels(con: duckdb.DuckDBPyConnection) -> Labels:
    """All labels of the warehouse.

    Raises:
        PublishingError: the table is not there.
    """
    try:
        rows = con.execute(
            "select dimension, code, label_en, label_zh from control.labels order by dimension, ordinal, code"
        ).fetchall()
    except duckdb.CatalogException:
        raise PublishingError("control.labels is not in the warehouse. Build it with `strata run`.") from None
    return Labels(
        {
            (dimension, code): {Language.ENGLISH: english, Language.CHINESE: chinese}
            for dimension, code, english, chinese in rows
        }
    )
