"""What the settings leave out, and what therefore stays unknown; and what has landed that they no longer name.

Only looks at settings and manifest; whether a file fits is `check`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.landing.batches import Manifest
from dagster_project.settings import Settings
from dagster_project.settings.sources import CONTACT_POINTS


def left_out(settings: Settings) -> list[str]:
    """Entities and columns that no source has, each with what follows from it, most important first."""
    return list(_left_out(settings))


def strangers(settings: Settings) -> list[str]:
    """Sources that have landed and that the settings do not name: what landed of them counts nevertheless."""
    named = {source.name for source in settings.sources.sources}
    return sorted({batch.source for batch in Manifest.load(settings.paths).batches} - named)


def _left_out(settings: Settings) -> Iterator[str]:
    entities = settings.sources.entities
    columns = {name for source in settings.sources.sources for read in source.reads for name in read.columns}
    if "orders" not in entities:
        yield "no orders: nobody has bought anything, and every customer is a prospect"
    if "customers" not in entities:
        yield "no customers: nobody has a name, a phone or an e-mail address"
    elif settings.environment.hash_key is None and columns & set(CONTACT_POINTS):
        yield "no STRATA_HASH_KEY in the environment: nobody is linked by phone, e-mail or WeChat id"
    if "consents" not in entities and settings.publishing.reactivation.consent_default is None:
        yield "no consents: the lists of silent customers stay empty, as nobody may be contacted"
    if "refunds" not in entities and "refund_amount" not in columns:
        yield "no refunds: revenue counts what was given back"
    if "cost_amount" not in columns:
        yield "no cost_amount: margin is unknown; value goes by revenue"
    if "order_lines" not in entities:
        yield "no order_lines: what was bought is unknown"
    if not entities & {"leads", "opportunities"}:
        yield "no leads and no opportunities: urgency and clarity of need are unknown"
    if "interactions" not in entities:
        yield "no interactions: complaints and earlier contacts are unknown"
