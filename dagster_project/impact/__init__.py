"""`strata impact`: two standards over one published day, and who moves from which class to which.

Reads the serving copy and writes nothing but a page: no lock is needed, and the warehouse file is never opened. Classes
come from the project's own models (warehouse/compiled_models.py), in a DuckDB that is thrown away.
"""

from __future__ import annotations

from dagster_project.impact.measure import ImpactError, measure_impact
from dagster_project.impact.page import write_impact_page
from dagster_project.impact.result import Impact
from dagster_project.impact.tables import impact_tables

__all__ = ["Impact", "ImpactError", "impact_tables", "measure_impact", "write_impact_page"]
