"""What the reactivation lists brought in: treated against control, with intervals, and how far that can be trusted.

Reads marts.reactivation_outcomes, writes marts.reactivation_lift. Who is in which arm was drawn when a list was issued,
and what came of it is SQL; here is what SQL cannot say: tests, intervals and the size of the next control group.
"""

from __future__ import annotations

from dagster_project.measurement.table import LIFT_COLUMNS, Measured, measure_lift

__all__ = ["LIFT_COLUMNS", "Measured", "measure_lift"]
