"""config/sources.yaml as frozen models: the business, and where each entity comes from and how its columns map.

One module a kind of source; `reads` and `columns` are what they share.
"""

from dagster_project.settings.sources.business import Business, LandingLimits
from dagster_project.settings.sources.columns import (
    CONTACT_POINTS,
    DECIMAL_THOUSANDS,
    NAMED_TIME_FORMATS,
    OFFSET_DIRECTIVES,
    ColumnSpec,
    Condition,
    NumberStyle,
)
from dagster_project.settings.sources.database import DatabaseSource, TableRead
from dagster_project.settings.sources.document import SourcesSettings
from dagster_project.settings.sources.files import FORMAT_BY_EXTENSION, FileFormat, FileRead, FilesSource
from dagster_project.settings.sources.fxiaoke import FxiaokeSource, ObjectRead
from dagster_project.settings.sources.http import HttpPolicy
from dagster_project.settings.sources.identity import CustomersAre, Identity, Pair, Pairs, read_pairs
from dagster_project.settings.sources.kinds import Source
from dagster_project.settings.sources.reads import BaseSource, FileForm, PulledRead, Read
from dagster_project.settings.sources.zoho_crm import ModuleRead, ZohoSource

__all__ = [
    "CONTACT_POINTS",
    "DECIMAL_THOUSANDS",
    "FORMAT_BY_EXTENSION",
    "NAMED_TIME_FORMATS",
    "OFFSET_DIRECTIVES",
    "BaseSource",
    "Business",
    "ColumnSpec",
    "Condition",
    "CustomersAre",
    "DatabaseSource",
    "FileForm",
    "FileFormat",
    "FileRead",
    "FilesSource",
    "FxiaokeSource",
    "HttpPolicy",
    "Identity",
    "LandingLimits",
    "ModuleRead",
    "NumberStyle",
    "ObjectRead",
    "Pair",
    "Pairs",
    "PulledRead",
    "Read",
    "Source",
    "SourcesSettings",
    "TableRead",
    "ZohoSource",
    "read_pairs",
]
