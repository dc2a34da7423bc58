"""What the lists brought in against the control group, and how far they were worked."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from dagster_project.measurement.mixing import control_shares_differ
from dagster_project.publishing.list_words import CHANNELS
from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.lift import HORIZONS, Difference, Lift
from dagster_project.report.figures.lift import BREAKDOWNS, breakdown_name, class_name, classes_of
from dagster_project.report.sections.pieces import cells_of, chart_place, escaped, folded, note_of, section_of, table_of
from dagster_project.report.words import Words

_UNKNOWN_OWNER = "unknown"


def lift_section(content: ReportContent, words: Words) -> str:
    """A sentence that says it, the plot, the three horizons, what the next campaign needs, and who worked the list."""
    horizon = content.lifts.shown_horizon
    overall = content.lifts.overall(horizon)
    if overall is None or not overall.treated + overall.control:
        return section_of("lift", words, words("lift_none"), _work(content, words))
    chart = chart_place("lift") + note_of(words("lift_caption")) if overall.rate else ""
    headline, *asides = _headline(content, overall, words)
    inner = (
        f'<p class="headline">{escaped(headline)}</p>{note_of(" ".join(asides)) if asides else ""}{chart}'
        f"{_horizons(content, words)}{_classes(content, horizon, words)}"
        f"{_needed(content, overall, words)}{_work(content, words)}"
    )
    return section_of("lift", words, words("lift_note", days=str(horizon)), inner)


def _headline(content: ReportContent, row: Lift, words: Words) -> list[str]:
    detectable = _plain_points(row.detectable_difference)
    if row.verdict == "too_small" or row.rate is None:
        reason = words.or_code("lift_reason", row.reason or "").replace("{detectable}", detectable)
        sizes = {"treated": numbers.whole(row.treated), "control": numbers.whole(row.control)}
        said = [words("lift_too_small", **sizes, reason=reason)]
    else:
        key = (
            {True: "lift_up", False: "lift_down"}[row.rate.value > 0]
            if row.verdict == "effect"
            else "lift_no_effect_shown"
        )
        said = [
            words(
                key,
                treated=numbers.share(row.treated_rate),
                control=numbers.share(row.control_rate),
                detectable=detectable,
                **_ends(row.rate),
            ),
            _money(content, row, words),
        ]
    campaigns = content.lifts.compared_campaigns(row.horizon_days)
    if row.rate and control_shares_differ([(each.treated, each.control) for each in campaigns]):
        shares = [Decimal(each.control) / (each.treated + each.control) for each in campaigns]
        said.append(words("lift_mixed", low=numbers.share(min(shares)), high=numbers.share(max(shares))))
    if row.waiting:
        said.append(words("lift_waiting", waiting=numbers.whole(row.waiting), days=str(row.horizon_days)))
    return said


def _money(content: ReportContent, row: Lift, words: Words) -> str:
    if row.incremental is None:
        return words("lift_money_too_small")
    is_less = row.incremental.value < 0
    ends = sorted((row.incremental.low, row.incremental.high), key=abs if is_less else None)
    shown = {"sum": abs(row.incremental.value), "low": ends[0], "high": ends[1]}
    if is_less and row.revenue_verdict == "effect":
        shown = {name: abs(value) for name, value in shown.items()}
    values = {name: numbers.money(value, content.currency) for name, value in shown.items()}
    if row.revenue_verdict != "effect":
        return words("lift_money_no_effect_shown", **values)
    return words("lift_less_money" if is_less else "lift_money", **values)


def _horizons(content: ReportContent, words: Words) -> str:
    """All customers after each horizon."""
    rows = [
        cells_of([str(days), *_figures(content, row, words)], numeric=range(1, 8))
        for days in HORIZONS
        if (row := content.lifts.overall(days))
    ]
    table = table_of([(words("h.days"), ""), *_heads(words)], rows)
    return f'<h3 class="spaced">{escaped(words("lift_horizons"))}</h3>{table}'


def _classes(content: ReportContent, horizon: int, words: Words) -> str:
    """The numbers of the plot."""
    tables = []
    for breakdown in BREAKDOWNS:
        rows = [
            cells_of([class_name(content, row, words), *_figures(content, row, words)], numeric=range(1, 8))
            for row in classes_of(content, horizon, breakdown)
        ]
        tables.append(table_of([(breakdown_name(content, breakdown, words), ""), *_heads(words)], rows))
    return folded(words("lift_numbers"), "".join(tables))


def _heads(words: Words) -> list[tuple[str, str]]:
    keys = ("treated", "left_alone", "contacted_back", "control_back", "points", "p_value", "brought_in")
    return [*((words(f"h.{key}"), "number") for key in keys), (words("h.verdict"), "")]


def _figures(content: ReportContent, row: Lift, words: Words) -> list[str]:
    short = numbers.short_money
    return [
        numbers.whole(row.treated),
        numbers.whole(row.control),
        numbers.share(row.treated_rate),
        numbers.share(row.control_rate),
        _between([numbers.points(end) for end in _values(row.rate)], words),
        numbers.NONE if row.rate_p_value is None else numbers.p_value(row.rate_p_value),
        _between([short(end, content.currency, words.language) for end in _values(row.incremental)], words),
        words(f"verdict.{row.verdict}"),
    ]


def _needed(content: ReportContent, overall: Lift, words: Words) -> str:
    """What the next campaign needs, as large as the newest one whose horizon has passed for everybody."""
    campaigns = [row for row in content.lifts.of(overall.horizon_days, "campaign") if row.treated and not row.waiting]
    row = campaigns[0] if campaigns else overall
    if row.control_needed is None or row.treated_needed is None:
        return ""
    share = Decimal(row.control_needed) / (row.control_needed + row.treated_needed)
    said = note_of(
        words(
            "lift_needed" if row.treated_needed <= row.treated else "lift_needed_more",
            detectable=_plain_points(row.detectable_difference),
            control=numbers.whole(row.control_needed),
            treated=numbers.whole(row.treated_needed),
            share=str(share.quantize(Decimal("0.01"), ROUND_UP)),
        )
    )
    return f'<h3 class="spaced">{escaped(words("lift_next"))}</h3>{said}'


def _work(content: ReportContent, words: Words) -> str:
    """Per channel and sales rep of the newest campaigns."""
    if not content.lifts.work:
        return ""
    rows = [
        cells_of(
            [
                work.campaign_id,
                CHANNELS.get(work.channel, {}).get(words.language, work.channel),
                _owner(work.owner, words),
                numbers.whole(work.treated),
                numbers.whole(work.worked),
                numbers.share(Decimal(work.worked) / work.treated if work.treated else None),
                numbers.NONE if work.median_hours is None else numbers.decimals(work.median_hours, 1),
                numbers.whole(work.open),
            ],
            numeric=range(3, 8),
        )
        for work in content.lifts.work
    ]
    heads = [(words("breakdown.campaign"), ""), (words("h.channel"), ""), (words("h.owner"), "")]
    heads += [(words(f"h.{key}"), "number") for key in ("treated", "worked", "worked_share", "hours", "open")]
    title = f'<h3 class="spaced">{escaped(words("work"))}</h3>'
    return f"{title}{note_of(words('work_note'))}{table_of(heads, rows)}"


def _owner(owner: str | None, words: Words) -> str:
    if owner is None:
        return words("work_rest")
    return words("work_unknown") if owner == _UNKNOWN_OWNER else owner


def _between(ends: list[str], words: Words) -> str:
    """A difference and its interval; a dash where nothing is stated."""
    if not ends:
        return numbers.NONE
    return words("lift_between", value=ends[0], low=ends[1], high=ends[2])


def _ends(difference: Difference) -> dict[str, str]:
    names = ("difference", "low", "high")
    return {name: numbers.points(value) for name, value in zip(names, _values(difference), strict=True)}


def _values(difference: Difference | None) -> tuple[Decimal, ...]:
    return (difference.value, difference.low, difference.high) if difference else ()


def _plain_points(value: Decimal) -> str:
    """0.0500 → 5."""
    return numbers.plain(100 * value)
