"""Who entered which campaign, when and in which arm: written once when a list is issued, and an input ever after.

One file a list, `assignments/<campaign_id>/<day>.parquet`. It holds what the list showed, without names and contact
points, so that the list of a day is always drawn up from its file and never from a warehouse that has changed since.
Rows with an earlier `entered_on` are those that the list carried over: listed once more, entered long ago.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, private_folder, remove_unfinished, written_beside
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths

TREATED = "treated"
CONTROL = "control"

ASSIGNMENT_SCHEMA = pa.schema(
    [
        ("campaign_id", pa.string()),
        ("customer_id", pa.int64()),
        ("registry_id", pa.int64()),
        ("entered_on", pa.date32()),
        ("arm", pa.string()),
        ("channel", pa.string()),
        ("priority_score", pa.decimal128(18, 6)),
        ("position", pa.int32()),
    ]
)
# An entry as the models read it: also what an outcome is told apart by.
ENTRY_SCHEMA = pa.schema(
    [*ASSIGNMENT_SCHEMA, ("value_tier", pa.string()), ("silence_cause", pa.string()), ("owner", pa.string())]
)
# What marts.reactivation_list_details adds to a row. A file of before there were details is read with them empty.
DETAILS_SCHEMA = pa.schema(
    [
        ("need_type", pa.string()),
        ("median_gap_days", pa.decimal128(12, 2)),
        ("revenue_before_silence", pa.decimal128(18, 2)),
        ("return_rate", pa.decimal128(18, 6)),
        ("expected_value", pa.decimal128(18, 6)),
        ("top_category", pa.string()),
        ("best_weekday", pa.int32()),
        ("usual_hour", pa.int32()),
        ("preferred_channel", pa.string()),
        ("plan_dimension", pa.string()),
        ("plan_class", pa.string()),
        ("last_purchases", pa.list_(pa.string())),
        ("next_products", pa.list_(pa.string())),
    ]
)
# The same, and the day of the list on which it stood.
LISTING_SCHEMA = pa.schema([*ENTRY_SCHEMA, ("listed_on", pa.date32())])
ISSUED_SCHEMA = pa.schema(
    [
        *ASSIGNMENT_SCHEMA,
        ("lifecycle_stage", pa.string()),
        ("value_tier", pa.string()),
        ("rfm_segment", pa.string()),
        ("silence_cause", pa.string()),
        ("recency_days", pa.int32()),
        ("days_silent", pa.decimal128(12, 6)),
        ("silence_limit_days", pa.decimal128(12, 6)),
        ("last_order_on", pa.date32()),
        ("order_count", pa.int32()),
        ("average_order_value", pa.decimal128(18, 6)),
        ("revenue", pa.decimal128(18, 2)),
        ("owner", pa.string()),
        ("consent_basis", pa.string()),
        *DETAILS_SCHEMA,
    ]
)
_CAMPAIGN_ID = re.compile(r"[a-z][a-z0-9_-]*-\d{4}-\d{2}")


@dataclass(frozen=True)
class IssuedList:
    """The list of a day: its rows in the order of channel and position, and whether this call wrote it."""

    campaign_id: str
    rows: pa.Table
    path: Path
    is_new: bool


def read_listings(paths: Paths) -> pa.Table:
    """Every row of every list (LISTING_SCHEMA), sorted; typed also when there is none.

    Raises:
        PublishingError: a file is damaged or was not written by this module.
    """
    tables = []
    for file in sorted(paths.assignments.glob("*/*.parquet")):
        rows = _read(file).select(ENTRY_SCHEMA.names)
        listed_on = pa.array([date.fromisoformat(file.stem)] * rows.num_rows, pa.date32())
        tables.append(rows.append_column(LISTING_SCHEMA.field("listed_on"), listed_on))
    rows = pa.concat_tables(tables) if tables else LISTING_SCHEMA.empty_table()
    return rows.sort_by([("campaign_id", "ascending"), ("listed_on", "ascending"), ("customer_id", "ascending")])


def read_assignments(paths: Paths) -> pa.Table:
    """Every entry into every campaign (ENTRY_SCHEMA), sorted; typed also when there is none.

    Raises:
        PublishingError: a file is damaged or was not written by this module.
    """
    return entries_of(read_listings(paths))


def entries_of(listings: pa.Table) -> pa.Table:
    """The rows (ENTRY_SCHEMA) that entered on the day of the list; the others were carried over from it."""
    return listings.filter(pc.equal(listings["entered_on"], listings["listed_on"])).select(ENTRY_SCHEMA.names)


def issued_list(paths: Paths, day: date) -> IssuedList | None:
    """The list that was issued for `day`; None when none was."""
    files = sorted(paths.assignments.glob(f"*/{day.isoformat()}.parquet"))
    if not files:
        return None
    if len(files) > 1:
        raise PublishingError(
            f"Two lists were issued for {day}: {' and '.join(map(str, files))}. Keep the one that went out."
        )
    return IssuedList(files[0].parent.name, _read(files[0]), files[0], is_new=False)


def issue(con: duckdb.DuckDBPyConnection, paths: Paths, day: date) -> IssuedList | None:
    """The list of `day`: as issued before, else taken from marts.reactivation_list and written once.

    A day without anybody on its list writes nothing, so that a mended consent or capacity can still fill it that day.

    Raises:
        PublishingError: the mart's rows cannot be a list: a customer twice, an unknown arm, one who enters again or is
            carried over from no entry.
    """
    if issued := issued_list(paths, day):
        return issued
    rows = _rows_of_mart(con, day)
    if not rows.num_rows:
        return None
    campaign_id = _checked_campaign(rows, day, read_assignments(paths))
    folder = private_folder(private_folder(paths.assignments) / campaign_id)
    remove_unfinished(folder)
    path = folder / f"{day.isoformat()}.parquet"
    with written_beside(path, mode=PRIVATE_FILE) as beside:
        pq.write_table(rows, beside, compression="zstd")
    return IssuedList(campaign_id, rows, path, is_new=True)


def _rows_of_mart(con: duckdb.DuckDBPyConnection, day: date) -> pa.Table:
    columns = ", ".join(
        f"details.{name}" if name in DETAILS_SCHEMA.names else f"listed.{name}" for name in ISSUED_SCHEMA.names
    )
    try:
        relation = con.cursor().sql(
            f"""
            select {columns}
            from marts.reactivation_list as listed
            left join marts.reactivation_list_details as details
                on listed.as_of_date = details.as_of_date and listed.customer_id = details.customer_id
            where listed.as_of_date = date '{day.isoformat()}'
            order by listed.channel, listed.position, listed.customer_id
            """
        )
    except duckdb.CatalogException as error:
        raise PublishingError(f"The warehouse holds no list ({error}). Build it with `strata run`.") from None
    return relation.to_arrow_reader().read_all().cast(ISSUED_SCHEMA).combine_chunks()


def _checked_campaign(rows: pa.Table, day: date, entered: pa.Table) -> str:
    campaigns = pc.unique(rows["campaign_id"]).to_pylist()
    arms = set(pc.unique(rows["arm"]).to_pylist())
    faults = []
    if len(campaigns) != 1 or not _CAMPAIGN_ID.fullmatch(str(campaigns[0])):
        faults.append(f"its campaigns are {campaigns}, not one such as reactivation-2018-01")
    if not arms <= {TREATED, CONTROL}:
        faults.append(f"its arms are {sorted(map(str, arms))}, not treated and control")
    if rows["customer_id"].null_count or pc.count_distinct(rows["customer_id"]).as_py() < rows.num_rows:
        faults.append("a customer is on it twice, or without an id")
    before = entered.filter(pc.equal(entered["campaign_id"], campaigns[0]))
    is_new = pc.equal(rows["entered_on"], pa.scalar(day, pa.date32()))
    again = _among(rows.filter(is_new), before)
    if again:
        faults.append(f"customers {again[:5]} entered the campaign on an earlier day")
    listed = before.filter(pc.equal(before["arm"], TREATED))
    unknown = sorted({*rows.filter(pc.invert(is_new))["customer_id"].to_pylist()} - {*_among(rows, listed)})
    if unknown:
        faults.append(f"customers {unknown[:5]} are carried over and were on no earlier list of the campaign")
    if faults:
        raise PublishingError(f"The list of {day} in marts.reactivation_list is not issued: {'; '.join(faults)}.")
    return str(campaigns[0])


def _among(rows: pa.Table, entered: pa.Table) -> list[int]:
    """The customers of `rows` whose registry number is one of those that `entered`."""
    found = rows.filter(pc.is_in(rows["registry_id"], entered["registry_id"].combine_chunks()))
    customers: list[int] = found["customer_id"].to_pylist()
    return customers


def _read(file: Path) -> pa.Table:
    try:
        rows = pq.read_table(file, partitioning=None)
        for field in DETAILS_SCHEMA:
            if field.name not in rows.schema.names:
                rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
        return rows.select(ISSUED_SCHEMA.names).cast(ISSUED_SCHEMA)
    except (pa.ArrowInvalid, KeyError, OSError) as error:
        raise PublishingError(
            f"{file} cannot be read as the assignments of a list ({error}). It is the only record of who was treated: "
            "restore it from a backup."
        ) from None
