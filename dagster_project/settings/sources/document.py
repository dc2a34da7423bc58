"""The whole of config/sources.yaml: the business, where each entity comes from, and who is who.

Only what a mapping says and whether it can be meant; whether a source has the columns is found when it is read.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from dagster_project.settings.sources.business import Business, LandingLimits
from dagster_project.settings.sources.identity import Identity
from dagster_project.settings.sources.kinds import Source
from dagster_project.settings.sources.parts import Part
from dagster_project.settings.sources.reads import Read
from dagster_project.settings.yaml_documents import did_you_mean, fault


class SourcesSettings(Part):
    """The whole of config/sources.yaml."""

    business: Business
    landing: LandingLimits = LandingLimits()
    identity: Identity = Identity()
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [source.name for source in self.sources]
        for index, source in enumerate(self.sources):
            if source.name in names[:index]:
                raise fault(f"there are two sources named {source.name!r}; rename one.", "sources", index, "name")
            for read_index, read in enumerate(source.reads):
                for linked in read.links:
                    if linked not in names:
                        raise fault(
                            f"there is no source {linked!r}{did_you_mean(linked, names)}",
                            *("sources", index, "reads", read_index, "links", linked),
                        )
        return self

    @property
    def entities(self) -> frozenset[str]:
        """The entities that some source is mapped to."""
        read = {read.entity for source in self.sources for read in source.reads}
        from_lines = any(read.is_orders_from_lines for source in self.sources for read in source.reads)
        return frozenset(read | {"orders"} if from_lines else read)

    def source(self, name: str) -> Source:
        """The source of this name.

        Raises:
            KeyError: there is none.
        """
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)

    def bad_rows_limit(self, read: Read) -> float:
        """The limit that holds for `read`."""
        return self.landing.bad_rows_limit if read.bad_rows_limit is None else read.bad_rows_limit
