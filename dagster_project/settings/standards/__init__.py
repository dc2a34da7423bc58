"""config/standards.yaml: the company's classification standard, one module a part of it.

Everything here is frozen models and their checks; what a rule computes is said by the dbt models.
"""

from __future__ import annotations

from dagster_project.settings.standards.classes import DIMENSIONS, FIXED_DIMENSIONS
from dagster_project.settings.standards.feature_columns import AXIS_MEASURES, FEATURE_COLUMNS
from dagster_project.settings.standards.lifecycle import RhythmLimit
from dagster_project.settings.standards.matrices import Matrix, QuantileCut
from dagster_project.settings.standards.own_dimensions import OwnDimension
from dagster_project.settings.standards.parts import Label
from dagster_project.settings.standards.playbook import Plan, Playbook
from dagster_project.settings.standards.rfm import Grid, GridSegment
from dagster_project.settings.standards.schema import schema_text, standards_schema, write_schema
from dagster_project.settings.standards.standard import REGISTERED, Standard

__all__ = [
    "AXIS_MEASURES",
    "DIMENSIONS",
    "FEATURE_COLUMNS",
    "FIXED_DIMENSIONS",
    "REGISTERED",
    "Grid",
    "GridSegment",
    "Label",
    "Matrix",
    "OwnDimension",
    "Plan",
    "Playbook",
    "QuantileCut",
    "RhythmLimit",
    "Standard",
    "schema_text",
    "standards_schema",
    "write_schema",
]
