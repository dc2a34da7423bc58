"""Who is who as an asset. How references are numbered and linked is the identity room's."""

from collections.abc import Callable

import dagster as dg

from dagster_project.defs.resources import WAREHOUSE_POOL, refusals, warehouse_held
from dagster_project.identity import LinkResult, link, link_notes, missing_key_note
from dagster_project.identity.linking import REFERRING_MODELS
from dagster_project.settings import Settings
from dagster_project.warehouse import HeldWarehouse

ALIASES_KEY = dg.AssetKey(["identity", "customer_aliases"])
PARENTS = [dg.AssetKey(["staging", model]) for model in (*REFERRING_MODELS, "stg_customer_links")]


def identity_definitions(settings: Settings) -> dg.Definitions:
    """`identity/customer_aliases`: the customer behind each reference."""

    @dg.asset(
        key=ALIASES_KEY,
        deps=PARENTS,
        pool=WAREHOUSE_POOL,
        group_name="identity",
        owners=["team:data-engineering"],
        kinds={"python", "duckdb"},
        description="One row a customer reference: its registry number, given once, and the customer it belongs to.",
    )
    def customer_aliases(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with refusals(), warehouse_held(context, settings) as warehouse:
            found = link_references(warehouse, settings, context.log.warning)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": found.references,
                "new references": found.new_references,
                "customers": found.customers,
                "linked references": found.linked_references,
                "references of the largest customer": found.largest,
                "evidence in use": sum(found.links.values()),
                **{f"evidence by {kind}": count for kind, count in found.links.items()},
                "links cut to keep customers apart": found.cut_links,
                "shared contact points that link no one": sum(found.shared_points.values()),
                "pairs with an unknown reference": len(found.unknown_pairs),
                "days changed from": str(found.changed_from or "none"),
            }
        )

    return dg.Definitions(assets=[customer_aliases])


def link_references(warehouse: HeldWarehouse, settings: Settings, warn: Callable[[str], None]) -> LinkResult:
    """Number and link the staged references; `warn` hears what a user should know."""
    with warehouse.connection() as con:
        found = link(
            con,
            paths=settings.paths,
            identity=settings.sources.identity,
            pairs=settings.pairs,
            time_zone=settings.sources.business.time_zone,
        )
    for note in (missing_key_note(settings), *link_notes(found)):
        if note is not None:
            warn(note)
    return found
