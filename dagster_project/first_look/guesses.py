"""From a matched table to a read of sources.yaml: what each column means, what is left out, and what is doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dagster_project.contract.entities import ENTITIES, ColumnType
from dagster_project.first_look.matching import (
    SURE,
    Match,
    Matched,
    contract_column,
    fits,
    known_share,
    match_as,
    required_columns,
)
from dagster_project.first_look.names import MEANINGS, has_chinese, meaning
from dagster_project.first_look.profiles import Profile
from dagster_project.first_look.reading import Looked
from dagster_project.terminal import counted

OF_A_LINE = frozenset(
    {
        *("order_id", "line_number", "product_id", "category"),
        *("quantity", "unit_price", "discount_amount", "line_amount"),
    }
)
SHOWN_VALUES = 12
SHOWN_LENGTH = 40
# An order id on so many rows, of 100, is a line's; below, it is a row that an export repeats.
LEAST_REPEATED = 0.01
# Of the rows of a column that no name tells, the share that must hold known words for how an order stands.
MOSTLY_KNOWN = 0.8


@dataclass(frozen=True)
class GuessedColumn:
    """One line of `columns`. No `source` and no `constant`: it was not found and must be named by the user.

    `told` and `doubts` are comments. `values` maps what the file holds to the contract's choices.
    """

    name: str
    source: str | None = None
    constant: str | None = None
    formats: tuple[str, ...] = ()
    decimal: str | None = None
    values: Mapping[str, str] | None = None
    strip_prefix: str | None = None
    is_hashed: bool = False
    told: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        return self.source is None and self.constant is None


@dataclass(frozen=True)
class GuessedRead:
    """One read: the table it was guessed from, its columns, its rules with their reasons, and doubts of the whole.

    `links`: columns that hold the same customers' ids in other sources. `joined` are reads of tables of the same kind
    that are read by this one.
    """

    looked: Looked
    entity: str
    columns: tuple[GuessedColumn, ...]
    is_from_lines: bool = False
    where: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    decimal: str | None = None
    told: str = ""
    doubts: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    joined: tuple[GuessedRead, ...] = ()
    watermark: str | None = None

    @property
    def missing(self) -> tuple[GuessedColumn, ...]:
        """Columns that the user must name, and statuses of which none is understood."""
        return tuple(column for column in self.columns if column.is_missing or column.values == {})

    @property
    def all_doubts(self) -> tuple[str, ...]:
        left_out = (f"left out: {reason}" for _, reason in self.where.values())
        return (
            *self.doubts,
            *left_out,
            *(f"{column.name}: {doubt}" for column in self.columns for doubt in column.doubts),
        )

    def column(self, name: str) -> GuessedColumn | None:
        """The line of this contract column, None where there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def profile(self, name: str) -> Profile | None:
        """The profile of the file's column that a contract column is read from."""
        column = self.column(name)
        return self.looked.column(column.source) if column is not None and column.source else None


def guess_read(looked: Looked, matched: Matched, *, has_orders_beside: bool) -> GuessedRead:
    """The read that would take this table in.

    `has_orders_beside`: another table of the same system holds the orders that lines belong to.
    """
    matched, lines_doubt, told = _orders_or_lines(looked, matched)
    matches = dict(matched.columns)
    doubts: list[str] = [lines_doubt] if lines_doubt else []
    columns: dict[str, GuessedColumn] = {}
    is_from_lines = matched.entity == "order_lines" and not has_orders_beside
    is_beside_orders = matched.entity == "order_lines" and has_orders_beside
    by_content = _by_content(looked, matched.entity, matches)
    if is_beside_orders:  # what its orders are is read from their own table
        matches = {name: match for name, match in matches.items() if name in OF_A_LINE}
        by_content = {name: found for name, found in by_content.items() if name in OF_A_LINE}
    if (
        matched.entity in ("orders", "order_lines")
        and "status" not in matches
        and not _is_beside(matched, has_orders_beside)
    ):
        by_content |= _status_by_content(looked, matches)
        if "status" not in by_content:
            doubts.append("no column tells a status: every order counts as completed")
    matches |= {name: match for name, (match, _) in by_content.items()}
    doubts += _settle_shares(matches)
    if matched.entity == "orders":
        doubts += [*_settle_amounts(matches), *_settle_refunds(matches)]
    if matched.entity == "opportunities" and "status" not in matches and "stage" in matches:
        matches["status"] = matches["stage"]
    for name, match in matches.items():
        guessed = _column(matched.entity, name, match)
        if guessed is not None:
            why = by_content[name][1] if name in by_content else ""
            columns[name] = replace(guessed, doubts=((why,) if why else ()) + guessed.doubts)
    where = _rules(matched.entity, matches, is_from_lines=is_from_lines)
    required = required_columns(matched.entity, columns)
    if is_beside_orders:
        required = ("order_id",)
    for name in required:
        if name not in columns:
            columns[name] = GuessedColumn(name)
    if matched.entity == "refunds" and not {"order_id", "customer_ref"} & set(columns):
        columns["customer_ref"] = GuessedColumn("customer_ref")
    doubts += _doubled_keys(matched)
    decimal, decimal_doubts = _decimal(matched.entity, columns, matches)
    order = {name: rank for rank, name in enumerate([*_required_first(matched.entity, columns)])}
    used = {column.source for column in columns.values()} | set(where)
    if looked.doubled:
        doubts.append(f"{_listed(looked.doubled)} stand twice in the header and cannot be read; rename one in the file")
    if not looked.is_whole:
        doubts.append(f"only the first {looked.rows:,} rows were looked at")
    return GuessedRead(
        looked=looked,
        entity=matched.entity,
        columns=tuple(sorted(columns.values(), key=lambda column: order[column.name])),
        is_from_lines=is_from_lines,
        where=where,
        decimal=decimal,
        told=told,
        doubts=(*doubts, *decimal_doubts),
        unread=tuple(column.name for column in looked.columns if column.name not in used),
        paths=(looked.path,),
        watermark=_watermark(looked, matched.entity, columns),
    )


def _watermark(looked: Looked, entity: str, columns: Mapping[str, GuessedColumn]) -> str | None:
    """The column of a table by which changes are pulled: one that every row has. Lines need a query for it."""
    updated = columns.get("updated_at")
    if looked.table is None or entity == "order_lines" or updated is None or updated.source is None:
        return None
    return updated.source if not looked.column(updated.source).blank else None


def _required_first(entity: str, columns: Mapping[str, GuessedColumn]) -> list[str]:
    required = [name for name in required_columns(entity, columns) if name in columns]
    return [*required, *(name for name in columns if name not in required)]


def _orders_or_lines(looked: Looked, matched: Matched) -> tuple[Matched, str, str]:
    """Orders whose number stands on several rows are lines; lines whose number never repeats are orders."""
    if matched.entity not in ("orders", "order_lines") or "order_id" not in matched.columns:
        return matched, "", ""
    order_id = matched.columns["order_id"].profile
    repeated = order_id.filled - order_id.distinct
    as_orders, as_lines = match_as(looked, "orders"), match_as(looked, "order_lines")
    if repeated <= LEAST_REPEATED * order_id.filled:
        told = f"one row an order: {order_id.name} is {'unique' if not repeated else f'repeated on {repeated:,} rows'}"
        doubt = ""
        if repeated:
            doubt = _repeats(order_id.name, repeated)
        if matched.entity == "order_lines" and not as_orders.missing:
            return as_orders, doubt, told
        return (matched if matched.entity == "order_lines" else as_orders), doubt, told
    told = f"lines of orders: {order_id.filled:,} rows hold {order_id.distinct:,} different {order_id.name}"
    has_line = {"product_id", "quantity", "unit_price", "line_number"} & set(as_lines.columns)
    if has_line or matched.entity == "order_lines":
        return as_lines, "", told
    if "updated_at" in as_orders.columns:
        return as_orders, f"{order_id.name} repeats; the row with the newest updated_at counts", "versions of orders"
    doubt = f"{order_id.name} repeats and no column names a product; read as lines whose amounts add up to the order's"
    return as_lines, doubt, told


def _by_content(looked: Looked, entity: str, matches: Mapping[str, Match]) -> dict[str, tuple[Match, str]]:
    """Required columns that no name tells, by what only one column could be; each with its doubt."""
    found: dict[str, tuple[Match, str]] = {}
    for name in required_columns(entity, matches):
        if name in matches or (name == "gross_amount" and "paid_amount" in matches):
            continue
        taken = {match.profile.name for match in matches.values()} | {match.profile.name for match, _ in found.values()}
        free = [column for column in looked.columns if column.name not in taken and column.filled]
        if entity in ("orders", "order_lines") and name == "customer_ref":
            chosen = next((column for column in free if column.is_email), None) or next(
                (column for column in free if column.is_phone and 1 < column.distinct < column.filled), None
            )
            if chosen is not None:
                found[name] = (
                    Match(chosen, 0.5),
                    f"nothing else tells the customer; {chosen.name} does, kept as a hash",
                )
            continue
        column_of = contract_column(entity, name)
        if column_of.is_id:
            could_be = [column for column in free if column.is_unique and fits(column_of, column)]
        elif column_of.type in (ColumnType.TIMESTAMP, ColumnType.DATE):
            could_be = [column for column in free if column.times is not None and not column.times.is_weak]
        elif column_of.type.is_number:
            could_be = [column for column in free if column.numbers is not None and column.numbers.has_decimals]
        else:
            could_be = []
        if len(could_be) == 1:
            found[name] = (Match(could_be[0], 0.5), "by its values alone: no other column could be it")
    return found


def _is_beside(matched: Matched, has_orders_beside: bool) -> bool:
    return matched.entity == "order_lines" and has_orders_beside


def _status_by_content(looked: Looked, matches: Mapping[str, Match]) -> dict[str, tuple[Match, str]]:
    taken = {match.profile.name for match in matches.values()}
    for column in looked.columns:
        is_free = column.name not in taken and column.has_all_values and column.distinct > 1
        if is_free and known_share("orders", column) >= MOSTLY_KNOWN:
            return {"status": (Match(column, 0.5), "by its values alone, which are words for how an order stands")}
    return {}


def _settle_amounts(matches: dict[str, Match]) -> list[str]:
    """Revenue is gross less discount: which of the amounts are to be read so that it is what was paid."""
    paid, gross, discount = (
        matches.pop("paid_amount", None),
        matches.get("gross_amount"),
        matches.get("discount_amount"),
    )
    if paid is not None and (gross is None or discount is None):
        before = gross.profile.name if gross is not None else None
        matches["gross_amount"] = paid
        matches.pop("discount_amount", None)
        if before is not None:
            return [f"of the amounts, {paid.profile.name} is read as what the order brought, and {before} is not read"]
        if discount is not None:
            return [f"{paid.profile.name} is what was paid, so {discount.profile.name} is not taken off again"]
        return []
    if discount is not None and discount.profile.numbers is not None and discount.profile.numbers.negative:
        del matches["discount_amount"]
        return [
            f"{discount.profile.name} holds negative amounts and is not read: a discount is a positive amount that is "
            "taken off the gross"
        ]
    if gross is not None and discount is not None and paid is not None:
        read = f"revenue is read as {gross.profile.name} less {discount.profile.name}"
        return [f"{read}; {paid.profile.name} is not read"]
    if gross is not None and discount is not None:
        return [f"revenue is read as {gross.profile.name} less {discount.profile.name}; take discount_amount out if "
                f"{gross.profile.name} is after the discount already"]  # fmt: skip
    return []


def _settle_shares(matches: dict[str, Match]) -> list[str]:
    """A discount of 0.2 beside amounts of hundreds is a fifth, not twenty cents."""
    discount = matches.get("discount_amount")
    whole = [matches[name].profile.numbers for name in ("gross_amount", "line_amount", "unit_price") if name in matches]
    if discount is None or discount.profile.numbers is None or not any(each and each.largest > 10 for each in whole):
        return []
    if not 0 < discount.profile.numbers.largest <= 1:
        return []
    del matches["discount_amount"]
    return [
        f"{discount.profile.name} is not read: it holds shares such as {discount.profile.numbers.example}, no amounts"
    ]


def _settle_refunds(matches: dict[str, Match]) -> list[str]:
    refund = matches.get("refund_amount")
    if refund is None or "refunded_at" in matches:
        if refund is None:
            matches.pop("refunded_at", None)
        return []
    del matches["refund_amount"]
    has_some = refund.profile.numbers is not None and refund.profile.numbers.zero < refund.profile.filled
    if not has_some:
        return []
    return [f"{refund.profile.name} is not read: nothing says when it was refunded, and a refund counts on its day"]


def _rules(entity: str, matches: Mapping[str, Match], *, is_from_lines: bool) -> dict[str, tuple[str, str]]:
    """Conditions, each with its reason, for rows that belong to nobody or are returns."""
    where: dict[str, tuple[str, str]] = {}
    order_id = matches.get("order_id")
    if entity in ("orders", "order_lines") and order_id is not None and order_id.profile.blank:
        profile = order_id.profile
        where[profile.name] = (
            "{present: true}",
            f"{profile.blank:,} of {profile.rows:,} rows have no {profile.name}, as totals and further lines have none",
        )
    customer = matches.get("customer_ref")
    if entity in ("orders", "order_lines") and customer is not None and customer.profile.blank:
        profile = customer.profile
        where[profile.name] = ("{present: true}", f"{profile.blank:,} of {profile.rows:,} rows name no customer")
    if is_from_lines:
        names = ("quantity",) if "quantity" in matches else ("line_amount",)
        for name in names:
            if name in matches and (numbers := matches[name].profile.numbers) is not None and numbers.negative:
                profile = matches[name].profile
                where[profile.name] = (
                    "{above: 0}",
                    f"{numbers.negative:,} rows are below 0, as returns are; to count them, land them as refunds",
                )
    if entity == "orders" and "gross_amount" in matches:
        profile = matches["gross_amount"].profile
        if profile.numbers is not None and profile.numbers.negative:
            where[profile.name] = (
                "{at_least: 0}",
                f"{profile.numbers.negative:,} orders are below 0, as returns are; to count them, land them as refunds",
            )
    return where


def _column(entity: str, name: str, match: Match) -> GuessedColumn | None:
    profile, column = match.profile, contract_column(entity, name)
    doubts: list[str] = []
    if match.score < SURE and match.score > 0.5:
        doubts.append(f"{profile.name} is only nearly a name for it")
    guessed = GuessedColumn(name, profile.name)
    if column.is_id:
        prefix = "zcrm_" if any(value.startswith("zcrm_") for value, _ in profile.top[:3]) else None
        guessed = replace(
            guessed,
            strip_prefix=prefix,
            is_hashed=name == "customer_ref" and (profile.is_email or _is_mobile(profile)),
            told=f"{profile.distinct:,} different",
        )
        if any("E+" in value for value, _ in profile.top):
            doubts.append("a spreadsheet has cut digits off, such as 1.23E+17; export it again as text")
        if name == "customer_ref" and entity in ("orders", "order_lines") and not profile.is_unique:
            doubts += _name_doubt(profile)
    elif column.type in (ColumnType.TIMESTAMP, ColumnType.DATE) and profile.times is not None:
        times = profile.times
        told = f"{times.first:%Y-%m-%d} to {times.last:%Y-%m-%d}"
        if times.order is not None and times.order.sure:
            told += f"; {times.order.sure}"
        if times.order is not None and times.order.doubt:
            doubts.append(times.order.doubt)
        if times.share < 0.9995:
            doubts.append(f"{1 - times.share:.1%} of the values are no such time and go to quarantine")
        is_typed = profile.type != "VARCHAR" and not times.is_weak
        formats = () if times.is_iso or is_typed else times.formats
        guessed = replace(guessed, formats=formats, told=told)
    elif column.choices:
        return _choice(entity, name, guessed, profile, tuple(doubts))
    elif column.is_currency:
        codes = [value for value, _ in profile.top]
        if any(len(code) != 3 or not code.isalpha() for code in codes):
            return None
    return replace(guessed, doubts=tuple(doubts))


def _choice(
    entity: str, name: str, guessed: GuessedColumn, profile: Profile, doubts: tuple[str, ...]
) -> GuessedColumn | None:
    kind = "orders.status" if name == "status" and entity == "order_lines" else f"{entity}.{name}"
    table = kind if kind in MEANINGS else name
    choices = contract_column(entity, name).choices
    known: dict[str, str] = {}
    unknown: list[tuple[str, int]] = []
    for value, count in profile.top:
        means = meaning(table, value) or (value if value in choices else None)
        if means in choices:
            known[value] = str(means)
        else:
            unknown.append((value, count))
    if not known and entity != "opportunities" and name != "status":
        return None
    if unknown and known:
        rows = sum(count for _, count in unknown)
        shown = _listed([value for value, _ in unknown])
        doubts = (
            *doubts,
            f"until somebody says whether {shown} means {', '.join(choices)}, it goes to quarantine: "
            f"{counted(rows, 'row')}",
        )
    return replace(guessed, values=known, doubts=doubts)


def _doubled_keys(matched: Matched) -> list[str]:
    key = ENTITIES[matched.entity].own_key
    match = matched.columns.get(key[0])
    if len(key) > 1 or matched.entity in ("orders", "exchange_rates") or match is None:
        return []
    doubled = match.profile.filled - match.profile.distinct
    if not doubled:
        return []
    return [_repeats(match.profile.name, doubled)]


def _repeats(name: str, rows: int) -> str:
    said = f"{counted(rows, 'row')} with a {name} that another row has"
    return f"{said}; the newest updated_at counts, else the later row"


def _name_doubt(profile: Profile) -> list[str]:
    said = profile.name.casefold()
    if any(word in said for word in ("name", "姓名", "名称", "昵称")):
        return [f"{profile.name} is a name: two customers of one name become one, and one who is renamed two"]
    return []


def _is_mobile(profile: Profile) -> bool:
    said = profile.name.casefold()
    return profile.is_phone and any(word in said for word in ("phone", "mobile", "手机", "电话"))


def _decimal(
    entity: str, columns: dict[str, GuessedColumn], matches: Mapping[str, Match]
) -> tuple[str | None, list[str]]:
    """The decimal mark to state where landing would not tell it by itself; columns that differ state their own."""
    numbers = {
        name: matches[name].profile.numbers
        for name in columns
        if name in matches and contract_column(entity, name).type.is_number and matches[name].profile.type == "VARCHAR"
    }
    marks = {name: each.marks for name, each in numbers.items() if each is not None}
    if not marks:
        return None, []
    point = [name for name, (has_point, has_comma, _) in marks.items() if has_point and not has_comma]
    comma = [name for name, (has_point, has_comma, _) in marks.items() if has_comma and not has_point]
    both = [name for name, (has_point, has_comma, _) in marks.items() if has_comma and has_point]
    unclear = [
        name for name, (has_point, has_comma, any_mark) in marks.items() if any_mark and not has_point | has_comma
    ]
    if both:
        return ".", [f"the numbers of {_listed(both)} show both a decimal point and a decimal comma; read with a point"]
    if point and comma:
        for name in comma:
            columns[name] = replace(columns[name], decimal=",")
        return ".", [f"numbers are written in two ways: {_listed(comma)} with a decimal comma, the others with a point"]
    if point or comma or not unclear:
        return None, []
    example = next(each.example for name, each in numbers.items() if name in unclear and each is not None)
    mark = "," if "." in example else "."
    return mark, [
        f"{example} can be read two ways; no amount has three decimals, so the mark is read as thousands (decimal: "
        f"{'comma' if mark == ',' else 'point'})"
    ]


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= SHOWN_LENGTH else name[: SHOWN_LENGTH - 1] + "…" for name in names[:SHOWN_VALUES]]
    more = f" and {len(names) - SHOWN_VALUES} more" if len(names) > SHOWN_VALUES else ""
    return ", ".join(shown) + more


def is_chinese(reads: Sequence[GuessedRead]) -> bool:
    """Whether most headers are Chinese."""
    names = [column.name for read in reads for column in read.looked.columns]
    return sum(map(has_chinese, names)) * 2 > len(names)
