"""Customers and the standard that classifies them: why one is where they are, and who would move."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from dagster_project.cli.common import DayOption, LanguageOption, StoredDayOption, asked_day, new_console, read_settings
from dagster_project.errors import StrataError

if TYPE_CHECKING:
    import duckdb


def report(as_of: DayOption = None) -> None:
    """Write the report of a stored day again."""
    from dagster_project.defs.publishing import write_day_report
    from dagster_project.warehouse import opened

    console = new_console()
    settings = read_settings()
    with opened(
        settings.paths.warehouse,
        who="strata report",
        wait_seconds=settings.environment.warehouse_wait_seconds,
        progress=console.print,
    ) as con:
        day = asked_day(as_of) or _newest_stored_day(con)
        for page in write_day_report(con, settings, day):
            console.print(page)


def explain(
    customer: Annotated[
        str,
        typer.Argument(help="customer_id, SOURCE:REFERENCE, or a reference that one source has.", metavar="CUSTOMER"),
    ],
    as_of: StoredDayOption = None,
    language: LanguageOption = None,
) -> None:
    """Say of a customer why they are where they are on a day, what the plan is, and which classes they had."""
    from dagster_project.explaining.content import read_explanation
    from dagster_project.explaining.serving_copy import chosen_day, find_customer, opened_serving_copy
    from dagster_project.explaining.telling import tell
    from dagster_project.settings.publishing import Language
    from dagster_project.terminal import grouped_table, pairs_table, plain_table

    console = new_console()
    settings = read_settings()
    with opened_serving_copy(settings) as con:
        found = find_customer(con, customer)
        day = chosen_day(con, asked_day(as_of))
        explanation = read_explanation(con, found.customer_id, day)
    chosen = settings.publishing.language if language is None else Language(language)
    told = tell(explanation, found, customer, language=chosen, currency=settings.sources.business.currency)
    console.print(f"[bold]{escape(told.title)}[/]", highlight=False)
    for note in told.notes:
        console.print(f"[yellow]…[/] {escape(note)}", highlight=False)
    console.print(pairs_table(told.who), "")
    console.print(plain_table(told.classes.title, told.classes.columns, told.classes.rows), "")
    if told.plan:
        console.print(pairs_table(told.plan, told.plan_title), "")
    if told.history.rows:
        console.print(grouped_table(told.history.title, told.history.columns, told.history.rows))


def impact(
    file: Annotated[Path, typer.Argument(help="A standards.yaml that is not in use yet.", metavar="NEW_STANDARD.yaml")],
    as_of: StoredDayOption = None,
    language: LanguageOption = None,
) -> None:
    """Show who would move from which class to which under another standard, and what that brings. Changes nothing."""
    from dagster_project.impact import impact_tables, measure_impact, write_impact_page
    from dagster_project.settings.publishing import Language

    console = new_console()
    settings = read_settings()
    chosen = settings.publishing.language if language is None else Language(language)
    with console.status("reading the published copy") as status:
        measured = measure_impact(settings, file, asked_day(as_of), status.update)
    for table in impact_tables(measured, chosen):
        console.print(table)
    page = write_impact_page(measured, settings.paths.impact, chosen)
    console.print(escape(str(page)), highlight=False, soft_wrap=True)


def standards_list() -> None:
    """Show the standards used so far, in the order in which they were registered, and the days stored by each."""
    from dagster_project.explaining.serving_copy import published_versions
    from dagster_project.terminal import plain_table
    from dagster_project.warehouse.standard_register import read_standards, with_standard

    console = new_console()
    settings = read_settings()
    registered = read_standards(settings.paths.standards)
    days_of: dict[str, list[date]] = {}
    for day, version in published_versions(settings).items():
        days_of.setdefault(version, []).append(day)
    rows: list[list[object]] = []
    for entry in with_standard(registered, settings.standard):
        days = days_of.get(entry.standard.version, [])
        span = [str(days[0]), str(days[-1])] if days else ["", ""]
        number = entry.sequence if entry in registered else "with the next run"
        since = entry.standard.effective_from or "all days"
        rows.append([number, entry.standard.version, entry.standard.name, since, len(days), *span])
    columns = ["registered", "version", "name", "holds from", "days published", "first", "last"]
    console.print(plain_table("Standards", columns, rows))


def standards_check(
    file: Annotated[Path, typer.Argument(help="A standards.yaml that is not in use yet.", metavar="FILE")],
) -> None:
    """Check a standard and show what it says differently from the configured one."""
    from dagster_project.settings.standards import Standard
    from dagster_project.settings.standards.differences import differences
    from dagster_project.settings.yaml_documents import load_model
    from dagster_project.terminal import plain_table

    console = new_console()
    settings = read_settings()
    standard = load_model(file, Standard)
    since = f"from {standard.effective_from} on" if standard.effective_from else "for all days"
    console.print(f"[green]✓[/] {escape(str(file))}", highlight=False, soft_wrap=True)
    console.print(f"  {escape(standard.name)}, version {standard.version}, {since}", highlight=False)
    found = differences(settings.standard, standard)
    if not found:
        console.print("It says what the configured standard says.")
        return
    rows = [[each.place, each.before, each.after] for each in found]
    console.print(plain_table("Differences from the configured standard", ["place", "configured", "in the file"], rows))
    if standard.version == settings.standard.version:
        console.print("The version is the same: no customer changes class.")
    else:
        console.print(
            f"The configured version is {settings.standard.version}. `strata impact {escape(str(file))}` shows who "
            "would move.",
            highlight=False,
        )


def standards_schema() -> None:
    """Write the JSON Schema of standards.yaml, by which an editor completes and checks it."""
    from dagster_project.settings.standards import write_schema

    path = read_settings().paths.config / "schemas" / "standards.schema.json"
    write_schema(path)
    new_console().print(escape(str(path)), highlight=False, soft_wrap=True)


def clusters_fit(as_of: StoredDayOption = None) -> None:
    """Fit the centres of the clusters to the customers of a stored day and keep them."""
    from dagster_project.clustering.fitting import fit_clusters
    from dagster_project.clustering.register import keep_fit, read_fits
    from dagster_project.explaining.serving_copy import chosen_day, opened_serving_copy
    from dagster_project.terminal import plain_table

    console = new_console()
    settings = read_settings()
    wanted = settings.standard.clusters
    if wanted is None:
        raise StrataError("standards.yaml says clusters: none. Say how many, e.g. clusters: { count: 4, seed: 7 }.")
    before = read_fits(settings.paths.clusters)
    with opened_serving_copy(settings) as con:
        day = chosen_day(con, asked_day(as_of))
        fit, sizes = fit_clusters(con, day, count=wanted.count, seed=wanted.seed, kept=before)
    kept = keep_fit(settings.paths.clusters, fit)
    language = settings.publishing.language
    rows: list[list[object]] = []
    for size in sizes:
        label = settings.standard.label("cluster", size.cluster)
        name = getattr(label, language) if label else None
        measures = (size.recency_days, size.order_count_window, size.revenue_window)
        rows.append([size.cluster, name, size.customers, *measures])
    columns = ["cluster", "label", "customers", "recency_days", "order_count_window", "revenue_window"]
    console.print(plain_table(f"Clusters of {day}; medians of their customers", columns, rows))
    if kept in before:
        console.print("These are the centres of the last fit; nothing is kept anew.")
        return
    holds = "all days" if kept.fit.holds_from is None else f"all days from {kept.fit.holds_from} on"
    console.print(
        f"Kept as fit {kept.number}, which holds for {holds}. Stored days take it when they are rebuilt: "
        "`strata backfill --from DAY --to DAY`.",
        highlight=False,
        soft_wrap=True,
    )


def _newest_stored_day(con: duckdb.DuckDBPyConnection) -> date:
    from dagster_project.warehouse.control import stored_days

    days = stored_days(con)
    if not days:
        raise StrataError("No day is stored yet; `strata run` builds one.")
    return days[-1]
