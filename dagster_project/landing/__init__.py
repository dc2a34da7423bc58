"""Landing: files become immutable batches of contract rows, and every row that cannot is kept with its reasons.

Reads sources, writes below data/landing, and nothing else. What landed rows mean together (current versions, orders,
customers) is dbt's.
"""

from dagster_project.landing.batches import Batch, LandedRead, LandingResult, Manifest, RowCounts
from dagster_project.landing.check import InspectedRead, inspect_reads
from dagster_project.landing.committing import BadRowsLimitExceeded
from dagster_project.landing.coverage import left_out, strangers
from dagster_project.landing.expressions import shown_reason
from dagster_project.landing.intake import land
from dagster_project.landing.lock import LandingHeld
from dagster_project.landing.views import landing_relations

__all__ = [
    "BadRowsLimitExceeded",
    "Batch",
    "InspectedRead",
    "LandedRead",
    "LandingHeld",
    "LandingResult",
    "Manifest",
    "RowCounts",
    "inspect_reads",
    "land",
    "landing_relations",
    "left_out",
    "shown_reason",
    "strangers",
]
