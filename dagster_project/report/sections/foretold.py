"""How far predictions came true: who foretold best, month end by month end, by tenths, and the shape of the model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.foretold import MEASURES, RULES, CurvePlace, Foretold, Proof, Record, Tenth
from dagster_project.report.figures.foretold import DRAWN
from dagster_project.report.sections.pieces import (
    cells_of,
    chart_place,
    columns_of,
    escaped,
    folded,
    note_of,
    section_of,
    table_of,
)
from dagster_project.report.words import Words

RANKS_ONLY = "recency"  # foretells no amount, so that it cannot be published


def foretold_section(content: ReportContent, words: Words) -> str:
    """A sentence on who foretold best, the record of each predictor, the newest month end, and what can be drawn."""
    foretold = content.foretold
    if not foretold.proofs:
        return section_of("foretold", words, words("foretold_none"), "")
    days = foretold.days
    newest = [proof for proof in foretold.proofs if proof.day == days[-1]]
    heading = words("foretold_newest", day=numbers.long_day(days[-1], words.language))
    inner = (
        f'<p class="headline">{escaped(_headline(foretold, words))}</p>{note_of(words("foretold_measures"))}'
        f"{_records(foretold, words)}"
        f'<h3 class="spaced">{escaped(heading)}</h3>{_proofs(foretold, newest, words)}'
        f"{_charts(content, ('chances', 'gain'), words)}{_charts(content, ('tracking', 'frequency'), words)}"
        f"{_numbers(content, words)}"
    )
    ends = {name: numbers.long_day(day, words.language) for name, day in (("first", days[0]), ("last", days[-1]))}
    note = words("foretold_note" if len(days) > 1 else "foretold_note_one", **ends)
    return section_of("foretold", words, note, inner)


def _headline(foretold: Foretold, words: Words) -> str:
    """Who won most; where that is not what is published, what to set."""
    records = foretold.records
    best = next((record for record in records if record.is_best), records[0])
    others = [record for record in records if record is not best]
    alike = _alike(records)
    if alike and any(record.is_published for record in alike):
        names = [predictor_in_a_sentence(record.predictor, words) for record in alike]
        measures = str(MEASURES * len(foretold.days))
        return words("foretold_alike", predictors=words.listed(names), wins=str(best.wins), measures=measures)
    published = next((record for record in others if record.is_published), None)
    model = next((record for record in others if not record.is_rule), None)
    other = published or model
    said = {
        "best": predictor_in_a_sentence(best.predictor, words, at_start=True),
        "wins": str(best.wins),
        "measures": str(MEASURES * len(foretold.days)),
        "code": best.predictor,
    }
    if other is None or (best.is_published and not best.is_rule):
        return words("foretold_best", **said)
    said |= {"other": predictor_in_a_sentence(other.predictor, words), "other_wins": str(other.wins)}
    if best.is_published:
        return words("foretold_rule_published", **said)
    if best.predictor == RANKS_ONLY:
        return words("foretold_rank_only", **said)
    return words("foretold_switch" if published else "foretold_best", **said)


def _alike(records: Sequence[Record]) -> list[Record]:
    """Who won most, where several did as often."""
    most = max(record.wins for record in records)
    winners = [record for record in records if record.wins == most]
    return winners if len(winners) > 1 else []


def _records(foretold: Foretold, words: Words) -> str:
    """A row a predictor over all month ends, and below them what nobody could do better."""
    rows = [
        cells_of(
            [
                _name(record.predictor, words),
                numbers.share(record.purchases_error),
                numbers.share(record.value_error),
                _correlation(record.rank_correlation),
                numbers.share(record.top_tenth_share),
                str(record.wins),
                _standing(record, words, is_alone=not _alike(foretold.records)),
            ],
            numeric=range(1, 6),
        )
        for record in foretold.records
    ]
    most = numbers.share(foretold.oracle_top_tenth_share)
    total = cells_of([words("foretold_oracle"), "", "", "", most, "", ""], numeric=range(1, 6))
    return table_of([*_heads(words), ("", "")], rows, total=total)


def _proofs(foretold: Foretold, proofs: Sequence[Proof], words: Words) -> str:
    """The same of one month end, with the signs of its errors."""
    order = [record.predictor for record in foretold.records]
    placed = sorted(proofs, key=lambda proof: order.index(proof.predictor))
    rows = [cells_of([_name(proof.predictor, words), *_figures(proof)], numeric=range(1, 6)) for proof in placed]
    most = numbers.share(placed[0].oracle_top_tenth_share)
    total = cells_of([words("foretold_oracle"), "", "", "", most, ""], numeric=range(1, 6))
    return table_of(_heads(words), rows, total=total)


def _figures(proof: Proof) -> list[str]:
    return [
        _signed(proof.purchases_error),
        _signed(proof.value_error),
        _correlation(proof.rank_correlation),
        numbers.share(proof.top_tenth_share),
        str(proof.wins),
    ]


def _heads(words: Words) -> list[tuple[str, str]]:
    keys = ("off_purchases", "off_value", "rank", "top_tenth", "wins")
    return [(words("h.predictor"), ""), *((words(f"h.{key}"), "number") for key in keys)]


def _charts(content: ReportContent, names: tuple[str, str], words: Words) -> str:
    """Those of a pair of charts that can be drawn, side by side under their headings."""
    shown = [
        f'<h3 class="spaced">{escaped(words(name))}</h3>{chart_place(name)}{_caption(content, name, words)}'
        for name in names
        if DRAWN[name](content, words)
    ]
    return columns_of(*shown) if shown else ""


def _caption(content: ReportContent, name: str, words: Words) -> str:
    said = [words(f"{name}_caption")]
    if name == "gain" and (most := content.foretold.newest_oracle_share) is not None:
        said.append(words("gain_oracle", y=numbers.share(most)))
    return note_of(words.sentences(said))


def _numbers(content: ReportContent, words: Words) -> str:
    """Every month end, and the numbers of the charts."""
    foretold = content.foretold
    order = [record.predictor for record in foretold.records]
    rows = [
        cells_of([str(day), _name(proof.predictor, words), *_figures(proof)], numeric=range(2, 7))
        for day in reversed(foretold.days)
        for proof in sorted(
            (proof for proof in foretold.proofs if proof.day == day), key=lambda proof: order.index(proof.predictor)
        )
    ]
    tables = [table_of([(words("h.snapshot"), ""), *_heads(words)], rows)]
    if foretold.by_chance or foretold.by_value:
        tables.append(columns_of(_chances(foretold.by_chance, words), _values(content, foretold.by_value, words)))
    curves = [_curve(foretold.tracking, "tracking", words), _curve(foretold.frequency, "frequency", words)]
    if any(curves):
        tables.append(columns_of(*(curve for curve in curves if curve)))
    apart = "".join(f'<div class="spaced">{table}</div>' for table in tables)
    return folded(words("numbers"), apart)


def _chances(tenths: Sequence[Tenth], words: Words) -> str:
    rows = [
        cells_of(
            [
                str(each.tenth),
                numbers.decimals(each.customers, 1),
                numbers.share(_part(each.predicted_customers, each.customers)),
                numbers.share(_part(each.actual_customers, each.customers)),
            ],
            numeric=range(1, 4),
        )
        for each in tenths
    ]
    heads = [(words(f"h.{key}"), "number") for key in ("customers", "chance", "ordered")]
    return table_of([(words("h.tenth"), ""), *heads], rows)


def _values(content: ReportContent, tenths: Sequence[Tenth], words: Words) -> str:
    whole = sum((each.actual_value for each in tenths), Decimal(0))
    rows = [
        cells_of(
            [
                str(each.tenth),
                numbers.money(each.predicted_value, content.currency),
                numbers.money(each.actual_value, content.currency),
                numbers.share(_part(each.actual_value, whole)),
            ],
            numeric=range(1, 4),
        )
        for each in tenths
    ]
    heads = [(words(f"h.{key}"), "number") for key in ("value_foretold", "value_came", "share")]
    return table_of([(words("h.tenth"), ""), *heads], rows)


def _curve(places: Sequence[CurvePlace], name: str, words: Words) -> str:
    if not places:
        return ""
    rows = [
        cells_of([str(each.place), numbers.whole(each.actual), numbers.whole(each.predicted)], numeric=range(1, 3))
        for each in places
    ]
    if name == "frequency":
        last = places[-1]
        more = words("or_more", count=str(last.place))
        rows[-1] = cells_of([more, numbers.whole(last.actual), numbers.whole(last.predicted)], numeric=range(1, 3))
    heads = [(words(f"{name}_x"), ""), (words("in_fact"), "number"), (words("by_model"), "number")]
    return table_of(heads, rows)


def predictor_in_a_sentence(predictor: str, words: Words, *, at_start: bool = False) -> str:
    """A predictor as a sentence names it: a rule is called one."""
    name = words.or_code("predictor", predictor)
    if predictor not in RULES:
        return name
    return words("rule_first" if at_start else "rule_within", name=name)


def _name(predictor: str, words: Words) -> str:
    name = words.or_code("predictor", predictor)
    return words("rule", name=name) if predictor in RULES else name


def _standing(record: Record, words: Words, *, is_alone: bool) -> str:
    said = [("foretold_is_best", record.is_best and is_alone), ("foretold_is_published", record.is_published)]
    return words.listed([words(key) for key, holds in said if holds])


def _signed(error: Decimal | None) -> str:
    """An error with its sign: 0.062 → +6.2%."""
    return numbers.NONE if error is None else f"{numbers.points(error)}%"


def _correlation(value: Decimal | None) -> str:
    return numbers.NONE if value is None else numbers.decimals(value, 2)


def _part(part: Decimal, whole: Decimal) -> Decimal | None:
    return part / whole if whole else None
