"""Who is who as an asset. How references are numbered and linked is the identity room's."""

import dagster as dg

from dagster_project.defs.resources import WAREHOUSE_POOL, refusals, warehouse_held
from dagster_project.identity.linking import REFERRING_MODELS, LinkResult, link
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
            found = link_references(warehouse, settings)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": found.references,
                "new references": found.new_references,
                "customers": found.customers,
                "linked references": found.linked_references,
            }
        )

    return dg.Definitions(assets=[customer_aliases])


def link_references(warehouse: HeldWarehouse, settings: Settings) -> LinkResult:
    """Number and link the staged references."""
    with warehouse.connection() as con:
        return link(con, paths=settings.paths)
