"""Landing: files become immutable batches of contract rows, and every row that cannot is kept with its reasons.

Reads sources, writes below data/landing, and nothing else. What landed rows mean together (current versions, orders,
customers) is dbt's.
"""

from dagster_project.landing.batches import Batch, LandedRead, LandingResult, Manifest, RowCounts
from dagster_project.landing.land import BadRowsLimitExceeded, land
from dagster_project.landing.lock import LandingHeld
from dagster_project.landing.views import landing_relations

__all__ = [
    "BadRowsLimitExceeded",
    "Batch",
    "LandedRead",
    "LandingHeld",
    "LandingResult",
    "Manifest",
    "RowCounts",
    "land",
    "landing_relations",
]
