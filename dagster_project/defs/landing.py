"""Landing as assets, one an entity. How files are read and refused is the landing room's."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import dagster as dg

from dagster_project.contract import entities
from dagster_project.defs.metadata import column_schema, table_preview
from dagster_project.defs.resources import refusals
from dagster_project.landing import Batch, LandedRead, LandingHeld, LandingResult, Manifest, land
from dagster_project.settings import Settings
from dagster_project.sources.sample import prepare_sample

GROUP = "landing"
OWNERS = ["team:data-engineering"]
MANIFEST_KEY = dg.AssetKey(["landing", "batches"])

# Four tries in a minute and a half, each after those that the connector makes by itself: a share that hiccups or a CRM
# that restarts is back by then, a wrong mapping never is and is not tried again (`refusals`).
RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


# A live line on a terminal moves, and 200,000 records in pages of 200 are no thousand lines in a log.
SECONDS_BETWEEN_WORDS = 2.0


def landing_key(entity: str) -> dg.AssetKey:
    """Key of a landed entity: `landing/<entity>`."""
    return dg.AssetKey(["landing", entity])


def landing_definitions(settings: Settings) -> dg.Definitions:
    """One asset an entity of the contract, and the manifest."""

    @dg.multi_asset(name="landing", specs=list(_specs(settings)), retry_policy=RETRIES)
    def landing(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        with refusals():
            land_all(context, settings)
        yield from _results(Manifest.load(settings.paths))

    return dg.Definitions(assets=[landing])


def land_all(context: dg.AssetExecutionContext | dg.OpExecutionContext, settings: Settings) -> None:
    """Bring the sample's files where one is configured, and land what is new."""
    if settings.sources.business.sample:
        prepare_sample(settings.paths)
    result = _land_in_turn(context, settings)
    landed = sum(batch.stored for batch in result.batches)
    batches = len(result.batches)
    context.log.info(
        f"landed {landed:,} new or changed {_rows(landed)} in {batches} {'batch' if batches == 1 else 'batches'}"
    )


def _land_in_turn(context: dg.AssetExecutionContext | dg.OpExecutionContext, settings: Settings) -> LandingResult:
    """Land when nobody else does; say for whom it waits."""
    deadline = time.monotonic() + settings.environment.warehouse_wait_seconds
    said = ""
    while True:
        try:
            return land(
                settings,
                now=datetime.now(UTC),
                progress=lambda read: context.log.info(_said(read)),
                say=_seldom(context.log.info),
            )
        except LandingHeld as held:
            if time.monotonic() > deadline:
                raise
            if str(held) != said:
                said = str(held)
                context.log.warning(f"waiting: {said}")
            time.sleep(0.5)


def _seldom(log: Callable[[str], None]) -> Callable[[str], None]:
    """`log`, for words that come with each page of a pull: a line in the event log costs more than the page."""
    said_at = -SECONDS_BETWEEN_WORDS

    def say(text: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= SECONDS_BETWEEN_WORDS:
            said_at = time.monotonic()
            log(text)

    return say


def _said(read: LandedRead) -> str:
    rows = sum(batch.stored for batch in read.batches)
    landed = f"{rows:,} {_rows(rows)}" if read.batches else "nothing new"
    return f"{read.source}: {read.entity} from {read.source_file}: {landed}"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _specs(settings: Settings) -> Iterator[dg.AssetSpec]:
    sources = {
        entity: sorted(
            {source.name for source in settings.sources.sources for read in source.reads if read.entity == entity}
        )
        for entity in entities.ENTITIES
    }
    for entity in entities.ENTITIES.values():
        read_from = ", ".join(sources[entity.name]) or "no source: an empty table with its contract"
        yield dg.AssetSpec(
            landing_key(entity.name),
            description=f"Landed {entity.name.replace('_', ' ')} as immutable Parquet batches, keyed by "
            f"{', '.join(entity.key)}. From {read_from}.",
            group_name=GROUP,
            owners=OWNERS,
            kinds={"python", "parquet"},
            metadata={
                "dagster/uri": (settings.paths.landing / "batches" / entity.name).as_uri(),
                "dagster/column_schema": column_schema(
                    [(name, kind.sql, "") for name, kind in entity.landed_columns()]
                ),
            },
        )
    yield dg.AssetSpec(
        MANIFEST_KEY,
        description="The manifest: every committed batch with its counts, fingerprints and first and last event day.",
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", "json"},
        metadata={"dagster/uri": (settings.paths.landing / "manifest").as_uri()},
    )


def _results(manifest: Manifest) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    for entity in entities.ENTITIES:
        batches = [batch for batch in manifest.batches if batch.entity == entity]
        yield dg.MaterializeResult(asset_key=landing_key(entity), metadata=_entity_metadata(manifest, entity, batches))
    newest = manifest.batches[-20:][::-1]
    yield dg.MaterializeResult(
        asset_key=MANIFEST_KEY,
        metadata={
            "dagster/row_count": len(manifest.batches),
            "newest batches": table_preview(
                ["sequence", "source", "entity", "file", "read", "new", "changed", "unchanged", "rejected"],
                [
                    [
                        b.sequence,
                        b.source,
                        b.entity,
                        b.source_file,
                        b.rows_read,
                        b.new,
                        b.changed,
                        b.unchanged,
                        b.rejected,
                    ]
                    for b in newest
                ],
            ),
        },
    )


def _entity_metadata(manifest: Manifest, entity: str, batches: list[Batch]) -> dict[str, dg.MetadataValue | int | str]:
    counts = [count for count in manifest.row_counts() if count.entity == entity]
    days = [day for batch in batches for day in (batch.first_event_on, batch.last_event_on) if day]
    return {
        "dagster/row_count": sum(batch.stored for batch in batches),
        "rows read": sum(count.rows_read for count in counts),
        "rows accepted": sum(count.accepted for count in counts),
        "rows rejected": sum(count.rejected for count in counts),
        "of which excluded by rule": sum(count.excluded for count in counts),
        "batches": len(batches),
        "events": f"{min(days)} to {max(days)}" if days else "none",
    }
