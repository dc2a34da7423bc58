"""A first look at everything that was named: tables, what each is, which belong to one system, and the company."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from pydantic import ValidationError

from dagster_project.errors import StrataError
from dagster_project.first_look.business import GuessedBusiness, guess_business
from dagster_project.first_look.databases import DATABASE, is_database, look_at_database, shown_address
from dagster_project.first_look.guesses import GuessedColumn, GuessedRead, guess_read
from dagster_project.first_look.matching import Matched, best_match
from dagster_project.first_look.reading import Looked, NotRead, look_at_file
from dagster_project.settings import Paths
from dagster_project.settings.environment import Secrets, secret_variable
from dagster_project.settings.sources import FORMAT_BY_EXTENSION, Business
from dagster_project.sources.files import COMPRESSED

# Headers that 纷享销客 adds to every object it exports, and its sheets; two of them are no accident.
FXIAOKE_HEADERS = frozenset(
    {
        "生命状态",
        "锁定状态",
        "负责人主属部门",
        "最后修改人",
        "最后修改时间",
        "业务类型",
        "归属部门",
        "相关团队",
        "外部负责人",
    }
)
FXIAOKE_SHEETS = frozenset({"客户", "联系人", "线索", "商机", "销售订单", "销售记录", "退货单", "回款"})
ZOHO_PREFIX = "zcrm_"
# Of the customers who ordered, the share that a column of another file must name to be taken for the same ids.
SAME_IDS_SHARE = 0.5
NO_SECRETS = Secrets()


@dataclass(frozen=True)
class GuessedSource:
    """One system and its reads."""

    name: str
    reads: tuple[GuessedRead, ...]
    told: str = ""
    kind: str = "files"


@dataclass(frozen=True)
class FirstLook:
    """All that was found. `not_read` are files, sheets and tables from which nothing is taken.

    `secrets` are what the user named and the file must not hold, by the variable of the environment that will.
    """

    business: GuessedBusiness
    sources: tuple[GuessedSource, ...]
    not_read: tuple[NotRead, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def reads(self) -> tuple[GuessedRead, ...]:
        return tuple(read for source in self.sources for read in source.reads)

    @property
    def missing(self) -> list[tuple[GuessedRead, str]]:
        """What a user has to fill in before anything can be landed."""
        return [(read, column.name) for read in self.reads for column in read.missing]

    @property
    def doubts(self) -> list[tuple[str, str]]:
        """Where and what: the whole first, then table by table."""
        return [("", doubt) for doubt in self.business.doubts] + [
            (read.looked.name, doubt) for read in self.reads for doubt in read.all_doubts
        ]


def look_first(
    names: Sequence[str],
    *,
    paths: Paths,
    now: datetime,
    secrets: Secrets = NO_SECRETS,
    time_zone: str | None = None,
    currency: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> FirstLook:
    """Look at files, at those in folders, and at the tables of a database that is named by its URL. `now` is aware.

    `secrets` are the environment's, for files elsewhere. `time_zone` and `currency` are what the user has said.

    Raises:
        StrataError: nothing was found that is of use; the message says why for each file.
    """
    _refuse_unknown(time_zone, currency)
    names = [each for name in names for each in _files_in(name)]
    addresses = [name for name in names if is_database(name)]
    if len(addresses) > 1:
        raise StrataError("Name one database at a time; describe the others as docs/connect-a-database.md shows.")
    plain_now = now.astimezone(UTC).replace(tzinfo=None)
    with tempfile.TemporaryDirectory(prefix="strata-init-") as folder:
        con = duckdb.connect(config={"temp_directory": folder})
        try:
            con.execute("set TimeZone = 'UTC'")

            def look(prefer_day_first: bool | None) -> FirstLook:
                found: list[Looked | NotRead] = []
                for name in names:
                    say(f"looking at {shown_address(name)}")
                    look_at = look_at_database if is_database(name) else look_at_file
                    found += look_at(
                        con,
                        name,
                        paths.data,
                        Path(folder),
                        secrets,
                        prefer_day_first=prefer_day_first,
                        now=plain_now,
                    )
                return understood(con, found, time_zone=time_zone, currency=currency, now=plain_now)

            found = look(None)
            if (
                found.business.currency.value == "USD"
                and "nothing" not in found.business.currency.why
                and any(
                    column.times is not None and column.times.order is not None and column.times.order.doubt
                    for read in found.reads
                    for column in read.looked.columns
                )
            ):
                # Only the usage of the country settles such dates, and the country was not known before.
                found = look(False)
        finally:
            con.close()
    if not found.reads:
        reasons = "\n".join(f"{each.name}: {each.reason}" for each in found.not_read)
        raise StrataError(
            f"{reasons or 'There is no file of a known format.'}\nNothing was written. Orders need a number, a "
            "customer, a time and an amount; describe other files by hand as docs/your-own-data.md shows."
        )
    return replace(found, secrets={secret_variable(DATABASE, "url"): address for address in addresses})


def _files_in(name: str) -> list[str]:
    """The name itself, or of a folder its files of known formats."""
    folder = Path(name).expanduser()
    if "://" in name or not folder.is_dir():
        return [name]
    known = {*FORMAT_BY_EXTENSION, *COMPRESSED}
    return [str(path) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in known]


def _refuse_unknown(time_zone: str | None, currency: str | None) -> None:
    try:
        Business(time_zone=time_zone or "UTC", currency=currency or "EUR", history_starts_on=date(2000, 1, 1))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        option = f"--{str(fault['loc'][0]).replace('_', '-')}"
        raise StrataError(f"{option} {fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}.") from None


def understood(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[Looked | NotRead],
    *,
    time_zone: str | None,
    currency: str | None,
    now: datetime,
) -> FirstLook:
    """What tables are, and how they belong together. Their rows stand in `con`."""
    not_read = [table for table in tables if isinstance(table, NotRead)]
    matched: list[tuple[Looked, Matched]] = []
    for table in tables:
        if isinstance(table, Looked):
            best = best_match(table)
            if best is None:
                headers = ", ".join(column.name for column in table.columns[:12])
                not_read.append(NotRead(_place(table), f"it is none of the known records; its columns are {headers}"))
            else:
                matched.append((table, best))
    by_system: dict[str, list[tuple[Looked, Matched]]] = {}
    for table, best in matched:
        by_system.setdefault(_system(table), []).append((table, best))
    sources = _linked(
        con,
        [
            GuessedSource(name, tuple(_reads(group)), _TOLD.get(name, ""), _kind(name))
            for name, group in by_system.items()
        ],
    )
    reads = [read for source in sources for read in source.reads]
    return FirstLook(
        guess_business(reads, time_zone=time_zone, currency=currency, now=now), tuple(sources), tuple(not_read)
    )


_TOLD = {
    "zoho": "An export of Zoho CRM: ids begin with zcrm_, and times name no zone.",
    "fxiaoke": "An export of 纷享销客.",
}


def _place(table: Looked) -> str:
    return table.name if table.form.sheet is None else f"{table.name}, sheet {table.form.sheet}"


def _kind(system: str) -> str:
    return "database" if system == DATABASE else "files"


def _system(table: Looked) -> str:
    if table.table is not None:
        return DATABASE
    hits = len({column.name for column in table.columns} & FXIAOKE_HEADERS) + (table.sheet in FXIAOKE_SHEETS)
    if any(value.startswith(ZOHO_PREFIX) for column in table.columns for value, _ in column.top[:3]):
        return "zoho"
    return "fxiaoke" if hits >= 2 else "shop"


def _reads(group: Sequence[tuple[Looked, Matched]]) -> list[GuessedRead]:
    has_orders = any(
        matched.entity == "orders" and not matched.missing and _is_one_row_an_order(matched) for _, matched in group
    )
    return _joined([guess_read(table, matched, has_orders_beside=has_orders) for table, matched in group])


def _is_one_row_an_order(matched: Matched) -> bool:
    order_id = matched.columns["order_id"].profile
    return order_id.distinct * 100 >= order_id.filled * 99


def _linked(con: duckdb.DuckDBPyConnection, sources: Sequence[GuessedSource]) -> list[GuessedSource]:
    """Sources whose customers carry the ids of the orders in another column, with links; tables that count in such
    ids of their own become a source of their own.
    """
    settled: list[GuessedSource] = []
    for source in sources:
        orders = [
            (other.name, read)
            for other in sources
            for read in other.reads
            if read.entity in ("orders", "order_lines") and _plain_ref(read) and read.looked.relation
        ]
        own = [read for read in source.reads if read.entity not in ("orders", "order_lines", "refunds", "products")]
        others = [read for read in source.reads if read not in own]
        linked = [_with_links(con, read, orders, source.name) for read in own]
        if others and any(read.links for read in linked):
            # Ids of one source mean one customer each, so those who count otherwise stand apart.
            settled += [replace(source, reads=tuple(others)), GuessedSource("members", tuple(linked), kind=source.kind)]
        else:
            by_place = dict(zip(map(id, own), linked, strict=True))
            settled.append(replace(source, reads=tuple(by_place.get(id(read), read) for read in source.reads)))
    return settled


def _with_links(
    con: duckdb.DuckDBPyConnection, read: GuessedRead, orders: Sequence[tuple[str, GuessedRead]], source: str
) -> GuessedRead:
    ref = _plain_ref(read)
    if read.entity != "customers" or not ref or not read.looked.relation or not orders:
        return read
    for name in dict.fromkeys(name for name, _ in orders):
        buyers = " union ".join(
            f"select distinct {each.looked.text(_plain_ref(each))} as ref from {each.looked.relation}"
            for other, each in orders
            if other == name
        )
        shares = {
            column.name: _share(con, buyers, read.looked, column.name)
            for column in read.looked.columns
            if column.filled and (column.name == ref or column.distinct >= SAME_IDS_SHARE * column.filled)
        }
        best = max(shares, key=lambda each: (shares[each], each == ref))
        if name == source and shares[ref] >= shares[best]:
            if not shares[ref]:
                doubt = f"no {ref} here is a customer of the orders: nobody's record would meet their orders"
                read = replace(read, doubts=(*read.doubts, doubt))
        elif best != ref and shares[best] >= SAME_IDS_SHARE:
            doubt = f"{best} is taken for the customer of the orders: {shares[best]:.0%} of them are the same"
            read = replace(
                read,
                links={name: best},
                doubts=(*read.doubts, doubt),
                unread=tuple(each for each in read.unread if each != best),
            )
    return read


def _plain_ref(read: GuessedRead) -> str:
    column = read.column("customer_ref")
    return column.source or "" if column is not None and not column.is_hashed else ""


def _share(con: duckdb.DuckDBPyConnection, buyers: str, looked: Looked, name: str) -> float:
    """Of those who ordered, or of those in the table where they are fewer, the share that is in both."""
    both, buying, here = con.execute(
        f"""
        with buyers as ({buyers}), here as (select distinct {looked.text(name)} as ref from {looked.relation})
        select
            (select count(*) from buyers semi join here using (ref)),
            (select count(ref) from buyers), (select count(ref) from here)
        """
    ).fetchall()[0]
    return float(both / max(1, min(buying, here)))


def _joined(reads: Sequence[GuessedRead]) -> list[GuessedRead]:
    """One read for exports of one kind, such as a file a year, where all of them would be read alike."""
    joined: list[GuessedRead] = []
    for read in reads:
        for place, other in enumerate(joined):
            if other.entity == read.entity and other.looked.shape == read.looked.shape and _is_alike(other, read):
                joined[place] = replace(
                    other,
                    columns=tuple(map(_joined_column, other.columns, read.columns)),
                    paths=tuple(dict.fromkeys([*other.paths, *read.paths])),
                    joined=(*other.joined, read),
                    doubts=tuple(dict.fromkeys([*other.doubts, *read.doubts])),
                )
                break
        else:
            joined.append(read)
    return joined


def _joined_column(one: GuessedColumn, other: GuessedColumn) -> GuessedColumn:
    values = {**one.values, **other.values} if one.values is not None and other.values is not None else one.values
    told = one.told if one.told == other.told else ""
    return replace(one, values=values, told=told, doubts=tuple(dict.fromkeys([*one.doubts, *other.doubts])))


def _is_alike(one: GuessedRead, other: GuessedRead) -> bool:
    def said(read: GuessedRead) -> list[object]:
        return [
            read.is_from_lines,
            list(read.where),
            read.decimal,
            read.looked.form,
            read.looked.table,
            [(each.name, each.source, each.formats, each.decimal, each.is_hashed) for each in read.columns],
        ]

    return said(one) == said(other)
