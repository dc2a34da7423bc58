"""The rows of one file: cast, checked, and sorted into accepted and rejected, in DuckDB.

Works on an in-memory connection; it writes nothing. Comparing with what has landed and writing is `writing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches

import duckdb

from dagster_project.contract.contact_points import (
    ContactPoint,
    keyed_hash,
    normalise_email,
    normalise_phone,
    normalise_wechat,
)
from dagster_project.contract.entities import Column
from dagster_project.errors import SettingsError
from dagster_project.landing.batches import Batch
from dagster_project.landing.erased import ERASED_REASON, NOBODY, REMOVED_TEXT, Erased, ErasedRows
from dagster_project.landing.expressions import (
    QUOTE_BEGINS,
    Cast,
    Check,
    Zones,
    cast_column,
    condition_checks,
    number_evidence,
    reference_text,
)
from dagster_project.settings.sources import CONTACT_POINTS, Business, ColumnSpec, Condition, Read, Source
from dagster_project.settings.yaml_documents import did_you_mean
from dagster_project.sources.files import Records, SourceColumn, SourceError, drop_rejects, lost_lines
from dagster_project.sources.pulling import DELETED_AT
from dagster_project.sql_text import quote_identifier, quote_literal

# Enough rows to see how numbers are written; where they show nothing, all rows are looked at.
EVIDENCE_ROWS = 50_000
SHOWN_COLUMNS = 40


@dataclass(frozen=True)
class Mapping:
    """One read with all that its casts need."""

    source: Source
    read: Read
    read_number: int
    business: Business
    hash_key: str | None
    place: str
    erased: Erased = NOBODY

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every source name that the read may touch."""
        names = [name for spec in self.read.columns.values() for name in spec.source_names]
        return tuple(dict.fromkeys([*names, *self.read.where, *self.read.links.values()]))


@dataclass(frozen=True)
class Counts:
    """Rows of a file: read = accepted + rejected; excluded are the rejected ones that only a rule left out."""

    read: int
    rejected: int
    excluded: int

    @property
    def accepted(self) -> int:
        return self.read - self.rejected

    def bad_share(self, *, of_at_least: int = 1) -> float:
        """Share of rows that break the contract, of those that no rule left out, or of so many where they are fewer."""
        return (self.rejected - self.excluded) / max(self.read - self.excluded, of_at_least)


@dataclass(frozen=True)
class CheckedRows:
    """The view `rows` (every record in file order: contract columns, reasons, is_excluded, original, row_number), the
    table `broken` (lines that are no record), and the relation in which a record's original text is found.

    `original` is the text of a record that is refused for itself, where that can be told without a second reading.
    `select` gives SQL that checks other records than all.
    """

    mapping: Mapping
    records: Records
    file_name: str
    decimal_mark: str
    select: Callable[[Records], str]
    is_streamed: bool = False

    def counts(self, con: duckdb.DuckDBPyConnection) -> Counts:
        """Count the rows of both tables."""
        read, rejected, excluded = con.execute(
            "select count(*), count(reasons), count(*) filter (is_excluded) from rows"
        ).fetchall()[0]
        broken = con.execute("select count(*) from broken").fetchall()[0][0]
        return Counts(read + broken, rejected + broken, excluded)

    def reason_counts(self, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Rows by reason, most first, without the values that the reasons quote."""
        rows = con.execute(
            f"""
            select split_part(reason, {quote_literal(QUOTE_BEGINS)}, 1) as claim, count(*) as count
            from (
                select unnest(reasons) as reason from rows where reasons is not null
                union all
                select reason from broken
            )
            group by claim
            order by count desc, claim
            """
        ).fetchall()
        return dict(rows)


def check_rows(
    con: duckdb.DuckDBPyConnection,
    records: Records,
    mapping: Mapping,
    *,
    file_name: str,
    replayed: Batch | None = None,
    is_streamed: bool = False,
    may_lack_columns: bool = False,
) -> CheckedRows:
    """Fill `rows` and `broken` from a file's records, or from the quarantine of the batch `replayed`.

    With `is_streamed`, nothing is read yet: `rows` is a view over the file. Only for records that are streamable, of an
    entity whose rows are judged one by one. With `may_lack_columns`, a mapped column that no record has is blank: a
    system leaves out what is empty, and a later part of a pull may hold nothing of it.

    Raises:
        SourceError: a mapped column is not in the file, or its decimal mark cannot be told.
        SettingsError: a reference is to be hashed and there is no key, or a rule's expression cannot be used.
    """
    for name in mapping.read.where:
        _refuse_bad_expressions(con, mapping, name)
    # DuckDB turns IN with five values or more into a join, and a join's rows come in another order than the file's.
    con.execute("set disabled_optimizers = 'in_clause'")
    if is_streamed:
        decimal_mark, select = _fill_checked(con, records, mapping, file_name, replayed, may_lack_columns, kind="view")
        _fill_broken(con, records)
        _number_rows(con, records)
        return CheckedRows(mapping, records, file_name, decimal_mark, select, is_streamed=True)
    drop_rejects(con)
    try:
        decimal_mark, select = _fill_checked(con, records, mapping, file_name, replayed, may_lack_columns)
        lost = records.mend is not None and lost_lines(con)
    except duckdb.Error:
        if records.mend is None:
            raise
        lost = True
    if lost and records.mend is not None:
        records = records.mend()
        decimal_mark, select = _fill_checked(con, records, mapping, file_name, replayed, may_lack_columns)
    _fill_broken(con, records)
    _number_rows(con, records)
    _hash_references(con, mapping)
    if mapping.erased:
        _refuse_erased(con, mapping)
    if mapping.read.entity == "order_lines":
        _number_lines(con, mapping)
    if mapping.read.is_orders_from_lines:
        _refuse_unclear_orders(con, has_own_numbers="line_number" in mapping.read.columns)
    if mapping.read.entity == "customers":
        _add_contact_points(con, mapping)
    return CheckedRows(mapping, records, file_name, decimal_mark, select)


def refuse_as_before(con: duckdb.DuckDBPyConnection, quarantine: str) -> None:
    """Rows of a quarantine file that have lost their text stay refused for the reasons that they had."""
    _rewrite(
        con,
        "select rows.* replace (coalesce(emptied.reasons, rows.reasons) as reasons, "
        "coalesce(emptied.kind = 'excluded', rows.is_excluded) as is_excluded) "
        f"from rows left join (select row_number, reasons, kind from read_parquet({quote_literal(quarantine)}) "
        f"where original = {quote_literal(REMOVED_TEXT)}) as emptied on rows.row_number = emptied.row_number",
    )


def accepted_rows(of: str = "rows") -> str:
    """SQL of the accepted rows of `rows`, or of another table made of them."""
    return f"select * exclude (reasons, is_excluded, original) from {of} where reasons is null"


def rows_at(con: duckdb.DuckDBPyConnection, checked: CheckedRows, *, positions: str, table: str) -> None:
    """Fill `table` with the rows of streamed records at the positions in the table `positions`: columns of `rows`."""
    records = checked.records
    place, original = quote_identifier("strata: position"), quote_identifier("strata: original")
    relation = (
        f"select *, {records.original} as {original} from ({records.relation}) "
        f"semi join (select position - 1 as {place} from {positions}) as places on {records.row_index} = {place}"
    )
    these = replace(records, relation=relation, original=original, original_columns=(original,))
    con.execute(
        f"create or replace temp table {table} as select * exclude (given_number), given_number as row_number "
        f"from ({checked.select(these)})"
    )


def hold_rows(con: duckdb.DuckDBPyConnection, checked: CheckedRows) -> CheckedRows:
    """The rows of streamed records in a table, as those of other records are."""
    con.execute("create or replace temp table held as select * from checked")
    con.execute("drop view rows")
    con.execute("drop view checked")
    con.execute("alter table held rename to checked")
    _number_rows(con, checked.records)
    return replace(checked, is_streamed=False)


def fill_named_keys(con: duckdb.DuckDBPyConnection, records: Records, mapping: Mapping) -> None:
    """Fill the table `named_keys`: the key of each record as the mapping makes it, and its deleted_at."""
    [name] = mapping.read.contract.own_key
    cast = dict(_casts(records, mapping, ".", is_replay=True))[name]
    raw, key = quote_identifier(f"raw {name}"), quote_identifier(name)
    con.execute(
        f"create or replace temp table named_keys as select {cast.typed} as {key}, deleted_at "
        f"from (select {cast.raw} as {raw}, cast({DELETED_AT} as timestamptz) as deleted_at from ({records.relation})) "
        f"where {key} is not null"
    )
    if _hashes_references(mapping):
        _register_hashed_references(con, mapping, "named_keys")
        con.execute(
            "create or replace temp table named_keys as select hashed as customer_ref, deleted_at "
            "from named_keys inner join hashed_references on named_keys.customer_ref = hashed_references.value"
        )
        con.unregister("hashed_references")


def missing_columns(records: Records, mapping: Mapping) -> list[str]:
    """What the mapping names and the file lacks, as sentences with the closest name that there is."""
    there = _headings(records, mapping)
    sentences = []
    for name, spec in mapping.read.columns.items():
        lacking = [each for each in spec.source_names if records.find(each) is None]
        if spec.constant is None and (len(lacking) == len(spec.source_names) or (spec.sum_of and lacking)):
            sentences.append(
                f"columns.{name}: no column {' or '.join(map(repr, lacking))}{did_you_mean(lacking[0], there)}"
            )
    for setting, names in (("where", mapping.read.where), ("links", mapping.read.links.values())):
        sentences += [
            f"{setting}: no column {name!r}{did_you_mean(name, there)}" for name in names if records.find(name) is None
        ]
    return sentences


def _headings(records: Records, mapping: Mapping) -> list[str]:
    """The columns of the file, to be shown; none where nothing in its first line is like what the mapping names.

    A file without a header has a person's record there.
    """
    there = [column.name for column in records.columns if column.name]
    wanted = mapping.wanted
    is_header = any(records.find(name) is not None or get_close_matches(name, there, n=1) for name in wanted)
    return there if is_header else []


def _fill_checked(
    con: duckdb.DuckDBPyConnection,
    records: Records,
    mapping: Mapping,
    file_name: str,
    replayed: Batch | None,
    may_lack_columns: bool,
    kind: str = "table",
) -> tuple[str, Callable[[Records], str]]:
    """Cast and check every record into `checked`: the decimal mark that numbers were read with, and SQL that checks."""
    missing = [] if replayed is not None or may_lack_columns else missing_columns(records, mapping)
    if missing:
        headings = _headings(records, mapping)[:SHOWN_COLUMNS]
        has = (
            f"The file has: {', '.join(headings)}."
            if headings
            else f"None of the {len(records.columns)} names in its header is like one of the mapping; they are not "
            "shown, since the line may be a record. Is there a header, and is it the row that header_row says?"
        )
        raise SourceError(f"{file_name}, read by {mapping.place}: {' '.join(missing)} {has}")
    decimal = replayed.decimal_mark if replayed is not None else _decimal_mark(con, records, mapping, file_name)
    casts = dict(_casts(records, mapping, decimal, is_replay=replayed is not None))
    rules = [
        check
        for name, condition in mapping.read.where.items()
        for check in condition_checks(name, condition, _found(records, name), decimal=decimal)
    ]

    def select(of: Records) -> str:
        return _checked_sql(of, mapping, casts, rules)

    con.execute(f"create or replace temp {kind} checked as {select(records)}")
    return decimal, select


def _prefix_of(mapping: Mapping, linked: str) -> str | None:
    """What stands before ids of the linked source: within one source, the same as before the customers' own."""
    own = mapping.read.columns.get("customer_ref")
    return own.strip_prefix if own is not None and linked == mapping.source.name else None


def _checked_sql(records: Records, mapping: Mapping, casts: dict[str, Cast], rules: list[Check]) -> str:
    columns = mapping.read.mappable
    raw = [f"{cast.raw} as {quote_identifier(f'raw {name}')}" for name, cast in casts.items()]
    raw += [
        f"{each} as {quote_identifier(f'rule {number}')}" for number, each in enumerate(check.fails for check in rules)
    ]
    raw += [
        f"case when {check.fails} then {check.reason} end as {quote_identifier(f'rule reason {number}')}"
        for number, check in enumerate(rules)
    ]
    raw += [
        f"{reference_text(_found(records, name), _prefix_of(mapping, linked))} as {quote_identifier(f'link {linked}')}"
        for linked, name in mapping.read.links.items()
    ]
    raw.append(f"{records.row_number or 'null::bigint'} as given_number")
    raw.append(f"{records.fault or 'null::varchar'} as record_fault")
    raw += records.original_columns
    typed = [f"{cast.typed} as {quote_identifier(name)}" for name, cast in casts.items()]
    carried = [quote_identifier(f"raw {name}") for name in casts]
    carried += [quote_identifier(f"rule {number}") for number in range(len(rules))]
    carried += [quote_identifier(f"rule reason {number}") for number in range(len(rules))]
    carried += [quote_identifier(f"link {linked}") for linked in mapping.read.links]
    carried += ["given_number", "record_fault", *records.original_columns]
    checks = [check for cast in casts.values() for check in cast.checks] + _unmapped_checks(mapping)
    # A check that is NULL is none that fails, and CASE takes it so.
    fails = " or ".join(f"({check.fails})" for check in checks) or "false"
    excluded = " or ".join(quote_identifier(f"rule {number}") for number in range(len(rules))) or "false"
    rule_reasons = ", ".join(quote_identifier(f"rule reason {number}") for number in range(len(rules))) or "null"
    reasons = ", ".join(f"case when {check.fails} then {check.reason} end" for check in checks)
    kept = [
        f"{quote_identifier(name)}" if name in casts else f"cast(null as {column.type.sql}) as {quote_identifier(name)}"
        for name, column in columns.items()
    ]
    kept += [quote_identifier(f"link {linked}") for linked in mapping.read.links]
    checked = f"""
        select
            {", ".join([*kept, *records.original_columns])},
            given_number,
            case
                when record_fault is not null then [record_fault]
                when {excluded} then list_filter([{rule_reasons}], lambda reason: reason is not null)
                when {fails} then list_filter([{reasons}], lambda reason: reason is not null)
            end as reasons,
            record_fault is null and ({excluded}) as is_excluded
        from (select {", ".join([*typed, *carried])} from (select {", ".join(raw)} from ({records.relation})))
    """
    if not records.original_columns:
        return f"select *, cast(null as varchar) as original from ({checked})"
    return (
        f"select * exclude ({', '.join(records.original_columns)}), "
        f"case when reasons is not null then {records.original} end as original from ({checked})"
    )


def _casts(records: Records, mapping: Mapping, decimal: str, *, is_replay: bool) -> Iterator[tuple[str, Cast]]:
    read = mapping.read
    for name, column in read.mappable.items():
        spec = read.columns.get(name)
        if spec is None:
            spec = _implied(mapping, column)
            if spec is None:
                continue
        found = [each for source in spec.source_names if (each := records.find(source)) is not None]
        if not found and spec.source_names:
            found = [_found(records, spec.source_names[0])]
        sources = found if spec.sum_of is not None else found[:1]
        zones = Zones(spec.time_zone or mapping.source.time_zone, mapping.business.time_zone)
        yield name, cast_column(column, spec, sources, decimal=decimal, zones=zones, lenient_iso=is_replay)


def _implied(mapping: Mapping, column: Column) -> ColumnSpec | None:
    """What a column is where the mapping does not say: the source's currency, a stated default, not deleted."""
    if column.is_currency:
        return ColumnSpec(constant=mapping.source.currency or mapping.business.currency)
    if column.default is not None:
        return ColumnSpec(constant=column.default)
    return ColumnSpec(constant="false") if column.name == "is_deleted" else None


def _unmapped_checks(mapping: Mapping) -> list[Check]:
    """Checks that take more than one column."""
    if mapping.read.entity == "refunds":
        reason = quote_literal("customer_ref is missing, and so is order_id")
        return [Check("customer_ref is null and order_id is null", reason)]
    if mapping.read.entity == "orders":
        reason = quote_literal("refunded_at is missing beside refund_amount")
        return [Check("refund_amount > 0 and refunded_at is null", reason)]
    if mapping.read.is_orders_from_lines:
        reason = quote_literal("line_amount is missing, and cannot be made from quantity and unit_price")
        return [Check("line_amount is null and (quantity is null or unit_price is null)", reason)]
    return []


def _found(records: Records, name: str) -> SourceColumn:
    """The column, or a blank one: what is replayed or pulled need not hold all that the mapping names."""
    return records.find(name) or SourceColumn(name, "cast(null as varchar)")


def _decimal_mark(con: duckdb.DuckDBPyConnection, records: Records, mapping: Mapping, file_name: str) -> str:
    """The decimal mark of numbers in text: as given, else as the numbers of the mapped columns show it.

    Raises:
        SourceError: they show both marks, or only numbers such as 1,234 that can be read two ways.
    """
    if records.decimal != "auto":
        return records.decimal
    columns = [
        column
        for name, spec in mapping.read.columns.items()
        if mapping.read.mappable[name].type.is_number and not (spec.number and spec.number.decimal)
        for source in spec.source_names
        if (column := records.find(source)) is not None and column.type == "VARCHAR"
    ]
    if not columns:
        return "."
    shown = "select " + ", ".join(f"{column.sql} as n{index}" for index, column in enumerate(columns))
    pooled = " union all ".join(
        f"select {quote_identifier(f'n{index}')} as n from numbers" for index in range(len(columns))
    )
    evidence = number_evidence(SourceColumn("n", "n"))
    point = comma = unclear = False
    for limit in (f" limit {EVIDENCE_ROWS}", ""):
        try:
            point, comma, unclear = con.execute(
                f"with numbers as materialized ({shown} from ({records.relation}){limit}) "
                f"select {evidence} from ({pooled})"
            ).fetchall()[0]
        except duckdb.Error:
            if records.mend is None:
                raise
            return _decimal_mark(con, records.mend(), mapping, file_name)
        if point or comma:
            break
    drop_rejects(con)
    if point and not comma:
        return "."
    if comma and not point:
        return ","
    if not unclear:
        return "."
    problem = "show both marks" if point else "can be read two ways, such as 1,234"
    names = ", ".join(column.name for column in columns)
    raise SourceError(
        f"{file_name}: the decimal mark cannot be told, the numbers of {names} {problem}. "
        f"Set decimal ('.' or ',') at {mapping.place}, or number.decimal of a column."
    )


def _fill_broken(con: duckdb.DuckDBPyConnection, records: Records) -> None:
    con.execute("create or replace temp table broken (row_number bigint, text varchar, reason varchar)")
    if records.broken is not None:
        con.execute(f"insert into broken select record, text, reason from ({records.broken}) order by record")
    drop_rejects(con)


def _number_rows(con: duckdb.DuckDBPyConnection, records: Records) -> None:
    """Number the records as they stand in the file; a broken line keeps its place among them.

    A table filled from a scan keeps the file's order, so that its rowid is the place; a window over the scan would
    read the file with one thread.
    """
    if records.row_number is not None:
        number = "given_number"
    elif con.execute("select count(*) from broken").fetchall()[0][0] == 0:
        number = "rowid + 1"
    else:
        con.execute("create or replace temp table placed as select *, rowid + 1 as place from checked")
        con.execute(
            """
            create or replace temp table checked as
            with shifts as (
                select from_place, max(shift) as shift
                from (
                    select
                        row_number - row_number() over (order by row_number) + 1 as from_place,
                        row_number() over (order by row_number) as shift
                    from broken
                )
                group by from_place
            )
            select placed.* exclude (place) replace (place + coalesce(shift, 0) as given_number)
            from placed
            asof left join shifts on placed.place >= shifts.from_place
            order by place
            """
        )
        con.execute("drop table placed")
        number = "given_number"
    con.execute(
        f"create or replace temp view rows as select * exclude (given_number), {number} as row_number from checked"
    )


def _rewrite(con: duckdb.DuckDBPyConnection, select: str) -> None:
    """Replace `rows` by a selection from it, in file order. An UPDATE would move the rows that hold lists."""
    con.execute(f"create or replace temp table rewritten as select * from ({select}) order by row_number")
    con.execute("drop view rows")
    con.execute("drop table checked")
    con.execute("alter table rewritten rename to checked")
    con.execute("create temp view rows as select * from checked")


def _refuse_bad_expressions(con: duckdb.DuckDBPyConnection, mapping: Mapping, name: str) -> None:
    condition: Condition = mapping.read.where[name]
    for expression in (condition.matches, condition.not_matches):
        if expression is not None:
            try:
                con.execute("select regexp_matches('', ?)", [expression])
            except duckdb.Error as error:
                raise SettingsError(
                    f"{mapping.place}, where.{name}: the expression {expression!r} cannot be used ({error}). "
                    "Expressions are RE2: no look-ahead and no back-references."
                ) from None


def _hashes_references(mapping: Mapping) -> bool:
    spec = mapping.read.columns.get("customer_ref")
    return spec is not None and spec.hash is True


def _hash_references(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Replace customer references by their keyed hashes where the mapping asks for it."""
    if not _hashes_references(mapping):
        return
    _register_hashed_references(con, mapping, "rows")
    _rewrite(
        con,
        "select rows.* replace (hashed as customer_ref) from rows left join hashed_references "
        "on rows.customer_ref = hashed_references.value",
    )
    con.unregister("hashed_references")


def _register_hashed_references(con: duckdb.DuckDBPyConnection, mapping: Mapping, table: str) -> None:
    """A view `hashed_references` with the keyed hash of each customer reference of `table`."""
    if mapping.hash_key is None:
        raise SettingsError(
            f"{mapping.place}, columns.customer_ref: hash is true, which needs STRATA_HASH_KEY in the environment."
        )
    kind = f"customer_ref {mapping.source.name}"
    _register_distinct(
        con, "customer_ref", "hashed_references", lambda ref: ContactPoint(ref, True), mapping.hash_key, kind, of=table
    )


def _normalisers(mapping: Mapping) -> dict[str, Callable[[str], ContactPoint]]:
    """What makes a contact point of each kind normal."""
    return {
        "phone": lambda text: normalise_phone(text, mapping.business.default_country),
        "email": normalise_email,
        "wechat_id": normalise_wechat,
    }


def _refuse_erased(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Reject the rows of people who were erased, whatever else is wrong with them."""
    entity = mapping.read.contract
    points = {}
    if entity.name == "customers":
        points = {
            name: (lambda text, normalise=normalise: normalise(text).normal)
            for name, normalise in _normalisers(mapping).items()
        }
    there = [name for (name,) in con.execute("select column_name from (describe rows)").fetchall()]
    condition = ErasedRows(mapping.erased, mapping.source.name, entity, tuple(mapping.read.links)).condition(
        con, there, points
    )
    if condition is not None:
        _rewrite(
            con,
            f"select * replace (case when {condition} then [{quote_literal(ERASED_REASON)}] else reasons end "
            "as reasons, "
            f"({condition}) or is_excluded as is_excluded) from rows",
        )


def _add_contact_points(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Beside each phone, e-mail and WeChat id: whether it is well-formed, and its keyed hash where there is a key."""
    normalise = _normalisers(mapping)
    added, joins = [], []
    for name, hash_column in CONTACT_POINTS.items():
        flag = f"is_{hash_column.removesuffix('_hash')}_valid"
        spec = mapping.read.columns.get(name)
        if spec is None:
            added.append(f"cast(null as varchar) as {hash_column}, false as {flag}")
            continue
        key = mapping.hash_key if spec.hash is not False else None
        points = f"{name}_points"
        _register_distinct(con, name, points, normalise[name], key, name)
        added.append(f"{points}.hashed as {hash_column}, coalesce({points}.is_valid, false) as {flag}")
        joins.append(f"left join {points} on rows.{name} = {points}.value")
    _rewrite(con, f"select rows.*, {', '.join(added)} from rows {' '.join(joins)}")
    for name in CONTACT_POINTS:
        con.unregister(f"{name}_points")


def _register_distinct(
    con: duckdb.DuckDBPyConnection,
    column: str,
    view: str,
    normalise: Callable[[str], ContactPoint],
    key: str | None,
    kind: str,
    *,
    of: str = "rows",
) -> None:
    """A view with value, hashed and is_valid of each distinct value of a column of a table."""
    import pyarrow as pa

    distinct = con.execute(f"select distinct {column} from {of} where {column} is not null").fetchall()
    values = [value for (value,) in distinct]
    points = [normalise(value) for value in values]
    hashes = [keyed_hash(point.normal, key, kind=kind) if key and point.is_valid else None for point in points]
    con.register(
        view,
        pa.table(
            {
                "value": pa.array(values, pa.string()),
                "hashed": pa.array(hashes, pa.string()),
                "is_valid": pa.array([point.is_valid for point in points], pa.bool_()),
            }
        ),
    )


def _number_lines(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """Amounts that are made from quantity and price, and numbers in file order within an order where there are none."""
    replaced = []
    if mapping.read.is_orders_from_lines and {"quantity", "unit_price"} <= set(mapping.read.columns):
        replaced.append(
            "coalesce(line_amount, cast(quantity * unit_price - coalesce(discount_amount, 0) as decimal(18,4))) "
            "as line_amount"
        )
    if "line_number" not in mapping.read.columns:
        replaced.append(
            "case when reasons is null then row_number() over "
            "(partition by order_id, reasons is null order by row_number) end as line_number"
        )
    if replaced:
        _rewrite(con, f"select * replace ({', '.join(replaced)}) from rows")


def _refuse_unclear_orders(con: duckdb.DuckDBPyConnection, *, has_own_numbers: bool) -> None:
    """Reject the lines of orders whose lines contradict one another: an order stands or falls whole."""
    doubled = "count(distinct line_number) < count(*)" if has_own_numbers else "false"
    con.execute(
        f"""
        create or replace temp table unclear_orders as
        with orders as (
            select
                order_id,
                min(customer_ref) <> max(customer_ref) as has_customers,
                min(currency) <> max(currency) as has_currencies,
                {doubled} as has_doubled_numbers,
                round(sum(line_amount), 2) + round(sum(coalesce(discount_amount, 0)), 2) as gross_amount
            from rows
            where reasons is null
            group by order_id
        )
        select order_id, list_filter([
            case when has_customers then 'the lines of the order name several customers' end,
            case when has_currencies then 'the lines of the order have several currencies' end,
            case when has_doubled_numbers then 'two lines of the order have one line_number' end,
            case when gross_amount < 0
                then 'the gross amount of the order is below 0; leave returns out with where, or land them as refunds'
            end
        ], lambda reason: reason is not null) as reasons
        from orders
        where has_customers or has_currencies or has_doubled_numbers or gross_amount < 0
        """
    )
    if con.execute("select count(*) from unclear_orders").fetchall()[0][0]:
        _rewrite(
            con,
            "select rows.* replace (coalesce(rows.reasons, unclear_orders.reasons) as reasons) "
            "from rows left join unclear_orders using (order_id)",
        )
