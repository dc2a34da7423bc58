"""`strata forget`: one erasure from its plan to its proof, in steps that can each be done again.

    plan → log of erasures → registry → landed batches → entries and lists → warehouse → published copies → traces
    → proof

The plan is on the disk before anything changes and goes when the proof is written, so a killed erasure is finished by
doing every step again; what a step has done already, it finds nothing to do for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from dagster_project.atomic_files import PRIVATE_FILE, private_folder, written_beside
from dagster_project.errors import StrataError
from dagster_project.identity.registry import append_references, erase_references, next_number, read_registry
from dagster_project.landing import Manifest
from dagster_project.landing.erased import REFERENCE, erasure_key, key_check, read_erased, read_log, write_log
from dagster_project.privacy.at_rest import at_rest, connection_at_rest
from dagster_project.privacy.copies import (
    erase_from_assignments,
    erase_from_parquet,
    erase_from_postgres,
    erase_from_serving_copy,
)
from dagster_project.privacy.holdings import (
    Holding,
    in_assignments,
    in_choices,
    in_landing,
    in_published,
    in_warehouse,
    rows_in_quarantine,
)
from dagster_project.privacy.landed import erase_landed, fill_kept
from dagster_project.privacy.objections import erase_choices
from dagster_project.privacy.people import Person, collect_aliases, find_person
from dagster_project.privacy.plan import Plan, make_plan, plan_file, read_plan, totals, write_plan
from dagster_project.privacy.postgres import held_in_postgres
from dagster_project.privacy.searching import Needles
from dagster_project.privacy.stored import erase_stored
from dagster_project.privacy.traces import blot_out, files_that_hold
from dagster_project.settings import Settings
from dagster_project.warehouse import HeldWarehouse
from dagster_project.warehouse.control import stored_days

Say = Callable[[str], None]
WHO = "strata forget"


class ErasureFailed(StrataError):
    """An erasure left something behind, or changed what it must not; its plan stays."""


@dataclass(frozen=True)
class Asked:
    """Somebody to forget: a reference of theirs, what they are called on a screen, and what was found of them."""

    reference: str
    title: str
    held: Sequence[tuple[str, str, int]]


class Publisher(Protocol):
    """What publishes and draws up lists: the targets are declared elsewhere."""

    def publish(self, warehouse: HeldWarehouse, days: Sequence[date]) -> None:
        """Publish days and the tables without a day to every target that is switched on."""

    def draw_lists(self, warehouse: HeldWarehouse, day: date) -> None:
        """Write the files of the lists issued for a day again."""


@dataclass(frozen=True)
class Proof:
    """What an erasure did, as it is written down: numbers and counts, and no name, reference or contact point."""

    document: dict[str, Any]
    file: Path
    table: Path


def forget(
    settings: Settings,
    asked: Sequence[Asked],
    publisher: Publisher,
    *,
    clock: Callable[[], datetime],
    who: str,
    say: Say,
) -> Proof:
    """Erase the customers that `asked` names; `clock` says when it began and when it was done.

    Raises:
        SettingsError: there is no key for the log of erasures, or another than it was begun with.
        ReadingError: somebody asked for is nobody; nothing was changed.
        LandingHeld, WarehouseHeld: another process is at work.
        ErasureFailed: something is left or a total has changed; `resume` goes on.
    """
    key = erasure_key(settings)
    now = clock()
    with at_rest(settings, who=WHO, now=now, say=say) as warehouse:
        if read_plan(settings.paths) is not None:
            raise StrataError("An erasure was interrupted; finish it first with `strata forget --resume`.")
        with connection_at_rest(warehouse) as con:
            people: dict[int, Person] = {}
            for each in asked:
                person = find_person(con, settings, each.reference)
                people[person.customer_id] = person
            found: dict[tuple[str, str], int] = {}
            for place, what, rows in (row for each in asked for row in each.held):
                found[place, what] = found.get((place, what), 0) + rows
            before = [(place, what, rows) for (place, what), rows in found.items()]
            plan = make_plan(con, settings, list(people.values()), key=key, held=before, now=now, who=who)
        write_plan(settings.paths, plan)
        return _carry_out(settings, warehouse, plan, publisher, key=key, clock=clock, say=say)


def resume(settings: Settings, publisher: Publisher, *, clock: Callable[[], datetime], say: Say) -> Proof | None:
    """Finish an erasure that was interrupted; None where none was."""
    plan = read_plan(settings.paths)
    if plan is None:
        return None
    key = erasure_key(settings)
    with at_rest(settings, who=WHO, now=clock(), say=say) as warehouse:
        return _carry_out(settings, warehouse, plan, publisher, key=key, clock=clock, say=say)


def erased_who_are_back(settings: Settings) -> list[str]:
    """References, as `source:reference`, that the log of erasures names and that are held: after a restore, say."""
    erased = read_erased(settings)
    if not erased:
        return []
    manifest = Manifest.load(settings.paths)
    with duckdb.connect() as con:
        collect_aliases(con, settings, manifest)
        rows = con.execute("select source, customer_ref from customer_aliases order by all").fetchall()
    return [f"{source}:{ref}" for source, ref in rows if erased.holds(f"{REFERENCE} {source}", ref)]


def _carry_out(
    settings: Settings,
    warehouse: HeldWarehouse | None,
    plan: Plan,
    publisher: Publisher,
    *,
    key: str,
    clock: Callable[[], datetime],
    say: Say,
) -> Proof:
    say("writing the log of erasures")
    _log(settings, plan, key=key)
    _erase_from_registry(settings, plan)
    say("rewriting landed batches")
    erase_landed(settings, plan, say)
    say("taking entries and lists back")
    erase_from_assignments(settings, plan)
    if warehouse is not None:
        say("taking rows out of the warehouse")
        erase_stored(warehouse, settings, plan, say)
        with warehouse.connection() as con:
            days = stored_days(con)
        for day in sorted({date.fromisoformat(day) for day, _ in plan.lists}):
            publisher.draw_lists(warehouse, day)
        if days:
            say("publishing")
            publisher.publish(warehouse, days)
    erase_from_parquet(settings, plan)
    erase_from_serving_copy(settings, plan)
    erase_from_postgres(settings, plan, say)
    say("looking for traces")
    needles = Needles(plan.own_texts)
    blotted = blot_out(settings, needles, say)
    say("proving it")
    totals_now = _refuse_what_is_left(settings, warehouse, plan)
    own_files, other_files = files_that_hold(settings, needles)
    own_files = sorted({*own_files, *plan.read_from})
    document = _document(settings, plan, totals_now, blotted, own_files, other_files, clock())
    proof = _write_proof(settings, plan, document)
    plan_file(settings.paths).unlink()
    return proof


def _log(settings: Settings, plan: Plan, *, key: str) -> None:
    records = read_log(settings.paths)
    if any(record["erasure_id"] == plan.erasure_id for record in records):
        return
    private_folder(settings.paths.erasures)
    known = {each for record in records for each in record["hashes"]}
    write_log(
        settings.paths,
        [
            *records,
            {
                "erasure_id": plan.erasure_id,
                "at": plan.began_at,
                "who": plan.who,
                "key": key_check(key),
                "hashes": [each for each in plan.hashes if each not in known],
            },
        ],
    )


def _erase_from_registry(settings: Settings, plan: Plan) -> None:
    """Number the random references as planned, and take out what the people's numbers were given for and had chosen."""
    folder = settings.paths.registry
    if plan.references:
        sources, references, numbers, _ = zip(*plan.references, strict=True)  # in the order of their numbers
        if numbers[0] >= next_number(folder):
            append_references(folder, pa.table({"source": sources, "customer_ref": references}), first_id=numbers[0])
    erase_references(folder, plan.keys.registry_ids)
    erase_choices(settings.paths, plan.keys.registry_ids)


def _refuse_what_is_left(settings: Settings, warehouse: HeldWarehouse | None, plan: Plan) -> dict[str, str]:
    """The totals as they are now.

    Raises:
        ErasureFailed: a row of the people is left somewhere, or a total is not what it was.
    """
    manifest = Manifest.load(settings.paths)
    left: list[Holding] = list(rows_in_quarantine(settings, Person(keys=plan.keys, spellings=plan.spellings)))
    left += in_choices(settings, plan.keys)
    with connection_at_rest(warehouse) as con:
        fill_kept(con, plan)
        for part in (in_landing(con, manifest), in_warehouse(con), in_assignments(con, settings)):
            left += part
        left += in_published(con, settings)
        totals_now = totals(con, manifest)
    left += [Holding(schema, table, rows) for schema, table, rows in held_in_postgres(settings, plan.keys)]
    numbers = set(plan.keys.registry_ids) & set(read_registry(settings.paths.registry)["registry_id"].to_pylist())
    if numbers:
        left.append(Holding("identity", "numbered references", len(numbers)))
    if left:
        places = ", ".join(f"{each.rows} in {each.place} ({each.what})" for each in left)
        raise ErasureFailed(f"Rows are left: {places}. Mend what holds them and run `strata forget --resume`.")
    if totals_now != plan.totals:
        changed = [name for name in {*totals_now, *plan.totals} if totals_now.get(name) != plan.totals.get(name)]
        raise ErasureFailed(
            f"Totals of {', '.join(sorted(changed))} are not what they were. Restore landing from a backup, and "
            "report it."
        )
    return totals_now


def _document(
    settings: Settings,
    plan: Plan,
    totals_now: dict[str, str],
    blotted: Sequence[str],
    own_files: Sequence[str],
    other_files: Sequence[str],
    finished_at: datetime,
) -> dict[str, Any]:
    rewritten = [
        {
            "batch_id": batch.batch_id,
            "source": batch.source,
            "entity": batch.entity,
            "before": {name: value for name, value in before.items() if name != "erasure_id" and value},
            "after": {
                name: value
                for name in ("path_sha256", "personal_sha256", "quarantine_sha256")
                if (value := getattr(batch, name))
            },
        }
        for batch in Manifest.load(settings.paths).batches
        for before in batch.before_erasures
        if before["erasure_id"] == plan.erasure_id
    ]
    return {
        "erasure_id": plan.erasure_id,
        "began_at": plan.began_at,
        "finished_at": finished_at.isoformat(),
        "who": plan.who,
        "customers": list(plan.customers),
        "rows_found": [{"place": place, "what": what, "rows": rows} for place, what, rows in plan.held],
        "rows_left": 0,
        "orders_kept_under_random_keys": len(plan.orders),
        "refunds_kept_under_random_keys": len(plan.refunds),
        "totals_before": plan.totals,
        "totals_after": totals_now,
        "batches_rewritten": rewritten,
        "lists_drawn_up_again": [f"{day}/{channel}" for day, channel in plan.lists],
        "traces_blotted_out": list(blotted),
        "days_to_rebuild_from": plan.changed_from,
        "your_files_not_changed": list(own_files),
        "other_files_not_changed": list(other_files),
    }


def _write_proof(settings: Settings, plan: Plan, document: dict[str, Any]) -> Proof:
    folder = private_folder(settings.paths.erasures)
    file, table = folder / f"{plan.erasure_id}.json", folder / f"{plan.erasure_id}.txt"
    with written_beside(table, mode=PRIVATE_FILE) as beside:
        beside.write_text("\n".join(_lines(document)) + "\n", encoding="utf-8")
    with written_beside(file, mode=PRIVATE_FILE) as beside:
        beside.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return Proof(document, file, table)


def _lines(document: dict[str, Any]) -> Iterator[str]:
    """The proof as a person reads it."""
    yield f"Erasure {document['erasure_id']}"
    yield f"begun {document['began_at']}, finished {document['finished_at']}, by {document['who']}"
    yield f"customers: {', '.join(map(str, document['customers']))}"
    yield ""
    yield f"{'rows found':>10}  {'rows left':>9}  place"
    for each in document["rows_found"]:
        yield f"{each['rows']:>10,}  {0:>9}  {each['place']}: {each['what']}"
    yield ""
    yield (
        f"Kept under random keys, with day, amounts and product: {document['orders_kept_under_random_keys']} orders, "
        f"{document['refunds_kept_under_random_keys']} refunds."
    )
    yield "Totals of what has landed (count and sums), before and after:"
    for name, before in document["totals_before"].items():
        yield f"  {name}: {before} | {document['totals_after'][name]}"
    yield ""
    rewritten = len(document["batches_rewritten"])
    yield f"Batches rewritten, with the fingerprints of before and after in the JSON: {rewritten}"
    for title, name in (
        ("Lists drawn up again", "lists_drawn_up_again"),
        ("Traces blotted out", "traces_blotted_out"),
        ("Your own files that still hold them; nothing here changes these", "your_files_not_changed"),
        ("Other files that still hold them", "other_files_not_changed"),
    ):
        yield f"{title}: {len(document[name])}"
        yield from (f"  {each}" for each in document[name])
    yield "Database backups and copies elsewhere are not known here."
