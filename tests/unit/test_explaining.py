"""What a person is told of a customer: every rule has its sentence, the numbers in it are theirs, errors name a cure.

The classes come from the models themselves, compiled once, and are read from a serving copy that was really published.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest
import yaml
from company import make_company
from compiled_warehouse import CompiledWarehouse

from dagster_project.explaining.content import read_explanation
from dagster_project.explaining.sentences import MONEY, SHARES
from dagster_project.explaining.serving_copy import (
    FoundCustomer,
    ReadingError,
    chosen_day,
    find_customer,
    opened_serving_copy,
    published_versions,
)
from dagster_project.explaining.telling import Told, tell
from dagster_project.explaining.words import TEXTS
from dagster_project.publishing.serving import publish_serving_copy
from dagster_project.settings import Settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.publishing import Language, PublishedTable, PublishingSettings
from dagster_project.settings.standards import Standard
from dagster_project.settings.standards.feature_columns import AXIS_MEASURES
from dagster_project.settings.standards.rfm import Rfm
from dagster_project.settings.yaml_documents import load_model
from dagster_project.warehouse.opening import held

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE
EARLIER, DAY = date(2024, 5, 31), date(2024, 6, 30)
COMPANY_DAYS = [date(2022, 12, 31), date(2023, 5, 31)]
MODELS = PROJECT_ROOT / "dbt_project" / "models"

OWN_DIMENSION = {
    "dimension": "basket",
    "label": {"en": "Basket", "zh": "客单"},
    "rules": [
        {"class": "big", "label": {"en": "Big", "zh": "大单"}, "when": "average_order_value >= 100"},
        {"class": "middle", "label": {"en": "Middle", "zh": "中单"}, "when": "average_order_value >= 40"},
    ],
    "default": {"class": "small", "label": {"en": "Small", "zh": "小单"}},
}
# Days of orders and their amounts; what each customer is told is worked out below by hand.
ORDERS: dict[str, list[tuple[str, str]]] = {
    "anna": [("2024-03-20", "100"), ("2024-04-19", "100"), ("2024-05-19", "100"), ("2024-06-18", "100")],
    "bert": [("2024-06-20", "50")],
    "cleo": [("2023-01-01", "20"), ("2023-01-11", "20"), ("2023-01-21", "20"), ("2024-06-10", "30")],
    "dora": [("2023-12-21", "100"), ("2024-02-04", "100"), ("2024-03-20", "100")],
    "emil": [("2023-02-01", "45")],
}


@dataclass
class Published:
    """A warehouse whose tables are published, with the settings that lead to the copy."""

    warehouse: CompiledWarehouse
    settings: Settings

    def publish(self) -> None:
        with self.warehouse.connect() as con:
            publish_serving_copy(
                con,
                folder=self.settings.paths.published / "serving",
                settings=self.settings.publishing,
                days=[],
                code_version="0.1.0+test",
                anew=True,
            )

    def told(self, asked: str, language: Language = ENGLISH, day: date | None = None) -> Told:
        with opened_serving_copy(self.settings) as con:
            found = find_customer(con, asked)
            explanation = read_explanation(con, found.customer_id, chosen_day(con, day))
        return tell(explanation, found, asked, language=language, currency="EUR")

    def why(self, asked: str, dimension: str, language: Language = ENGLISH) -> tuple[str, str]:
        """(class, why) of a dimension by its label."""
        [row] = [row for row in self.told(asked, language).classes.rows if row[0] == dimension]
        return row[1], row[2]


def standard_of(folder: Path, **sections: Any) -> Standard:
    """The shipped standard with other sections, and with a file for who reads it as settings."""
    document = yaml.safe_load((PROJECT_ROOT / "config" / "standards.yaml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sources.yaml", "publishing.yaml"):
        shutil.copy(PROJECT_ROOT / "config" / name, folder / name)
    path = folder / "standards.yaml"
    path.write_text(yaml.safe_dump({**document, **sections}, allow_unicode=True), encoding="utf-8")
    return load_model(path, Standard)


def publishing_everything() -> PublishingSettings:
    shipped = load_model(PROJECT_ROOT / "config" / "publishing.yaml", PublishingSettings)
    return shipped.model_copy(update={"tables": tuple(PublishedTable)})


def make(folder: Path, compiled: Path, rows: dict[str, list[dict[str, Any]]], days: Sequence[date]) -> Published:
    warehouse = CompiledWarehouse(folder / "data", compiled=compiled)
    warehouse.use_standards(
        [standard_of(folder / "config", clusters={"count": 2, "seed": 7}, dimensions=[OWN_DIMENSION])]
    )
    for entity, landed in rows.items():
        warehouse.land(entity, landed)
    warehouse.build(days)
    settings = replace(warehouse.settings, publishing=publishing_everything())
    published = Published(warehouse, settings)
    published.publish()
    return published


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, compiled_models: Path) -> Iterator[Published]:
    """Six customers whose numbers are known by hand; two of them are linked, and two sources share a reference."""
    folder = tmp_path_factory.mktemp("shop")
    orders = [
        order(f"{name}-{number}", name, date.fromisoformat(day), amount)
        for name, bought in ORDERS.items()
        for number, (day, amount) in enumerate(bought)
    ]
    people = [person("shop", name) for name in ("fred", "twin", "2")] + [
        person("crm", name) for name in ("twin", "ann")
    ]
    link = {"source": "crm", "customer_ref": "ann", "linked_source": "shop", "linked_ref": "anna"}
    rows = {"orders": orders, "customers": people, "customer_links": [link]}
    published = make(folder, compiled_models, rows, [EARLIER, DAY])
    yield published
    published.warehouse.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, compiled_models: Path) -> Iterator[Published]:
    """A hundred and seventy invented customers with every entity."""
    published = make(tmp_path_factory.mktemp("company"), compiled_models, make_company(3), COMPANY_DAYS)
    yield published
    published.warehouse.close()


def order(order_id: str, customer_ref: str, day: date, amount: str) -> dict[str, Any]:
    return {
        "source": "shop",
        "order_id": order_id,
        "customer_ref": customer_ref,
        "ordered_at": datetime.combine(day, time(12), tzinfo=UTC),
        "status": "completed",
        "gross_amount": Decimal(amount),
        "discount_amount": Decimal(0),
        "currency": "EUR",
    }


def person(source: str, customer_ref: str) -> dict[str, Any]:
    return {
        "source": source,
        "customer_ref": customer_ref,
        "kind": "person",
        "region": "Nord",
        "created_at": datetime(2024, 6, 1, 12, tzinfo=UTC),
    }


# --- every rule has words ---------------------------------------------------------------------------------------------


def codes_of(model: str, column: str) -> set[str]:
    """The codes that a model's SQL can give a column: a literal, or those after `then` and `else` of a CASE."""
    sql = next(MODELS.rglob(f"{model}.sql")).read_text(encoding="utf-8")
    tokens = re.findall(
        r"'[^']*'|\|\||\b(?:case|end|then|else|as \w+)\b", re.sub(r"{[#%].*?[#%]}", "", sql, flags=re.S)
    )
    codes: set[str] = set()
    for place in (index for index, token in enumerate(tokens) if token == f"as {column}"):
        start = place
        depth = 0
        while start > 0 and (depth or tokens[start - 1] in ("end", "||") or tokens[start - 1].startswith("'")):
            start -= 1
            depth += {"end": 1, "case": -1}.get(tokens[start], 0)
            if depth == 0 and tokens[start] == "case":
                break
        made = tokens[start:place]
        codes |= {
            token.strip("'")
            for before, token in zip(["then", *made], made, strict=False)
            if token.startswith("'") and before in ("then", "else")
        }
    assert codes, (model, column)
    return codes


def every_rule() -> set[str]:
    rules = {
        *codes_of("int_lifecycles_staged", "lifecycle_reason"),
        *codes_of("int_values_tiered", "value_reason"),
        *codes_of("int_rfm_scored", "rfm_reason"),
        *codes_of("int_needs_determined", "clarity_reason"),
        *codes_of("int_needs_determined", "type_reason"),
        *codes_of("customer_reasons", "rule"),
    }
    # The parts that a method of the standard, or a number, completes.
    methods = {
        "scored_by_": get_args(Rfm.model_fields["method"].annotation),
        "typed_by_": get_args(Rfm.model_fields["type_cut"].annotation),
        "own_rule_": ("",),
    }
    complete = {rule for rule in rules if rule not in methods}
    return complete | {(part + method).rstrip("_") for part in rules & methods.keys() for method in methods[part]}


def test_every_rule_of_the_models_has_a_sentence_in_both_languages() -> None:
    rules = every_rule()
    assert {"returned_after_silence", "share_of_value_above", "scored_by_median", "typed_by_mean", "own_rule"} <= rules
    assert {"highest_percentile", "both_axes_against_cuts", "nearest_centre", "own_default", "no_sign"} <= rules
    assert len(rules) >= 38
    assert rules - {key.removeprefix("rule.") for key in TEXTS if key.startswith("rule.")} == set()


def test_no_sentence_is_left_of_a_rule_that_is_gone() -> None:
    assert {key.removeprefix("rule.") for key in TEXTS if key.startswith("rule.")} - every_rule() == set()


def test_every_reason_of_a_risk_has_words() -> None:
    reasons = codes_of("int_behaviours_flagged", "at_risk_reason") - {"no_sign"}
    assert reasons == {key.removeprefix("at_risk.") for key in TEXTS if key.startswith("at_risk.")}


def test_every_measure_that_an_axis_may_have_has_words_and_money_and_shares_are_measures() -> None:
    named = {key.removeprefix("measure.") for key in TEXTS if key.startswith("measure.")}
    assert set(AXIS_MEASURES) <= named
    assert named >= MONEY | SHARES
    assert {name for name in AXIS_MEASURES if name.endswith("_share")} <= SHARES


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_of_a_text_take_the_same_values(key: str) -> None:
    english, chinese = (set(re.findall(r"{(\w+)}", text)) for text in TEXTS[key])
    assert english == chinese
    assert all(TEXTS[key])


# --- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "label", "english", "chinese"),
    [
        (
            "anna",
            "Active",
            "last order 12 days ago, within the silence limit of 60 days (2 × own median gap of 30 days)",
            "最近一单在 12 天前，未超过沉默界限 60 天（2 × 自身间隔中位数 30 天）",
        ),
        (
            "bert",
            "New",
            "first order 10 days ago; a customer is new for 30 days",
            "首单在 10 天前；首单后 30 天内为新客户",
        ),
        (  # 2 × 10 days is below the least limit
            "cleo",
            "Reactivated",
            "ordered again after 506 days without an order, more than the silence limit of 30 days "
            "(2 × own median gap of 10 days, at least 30)",
            "间隔 506 天后再次下单，超过沉默界限 30 天（2 × 自身间隔中位数 10 天，至少 30 天）",
        ),
        (
            "dora",
            "Silent",
            "last order 102 days ago, 12 days beyond the silence limit, within the churn limit of 180 days "
            "(4 × own median gap of 45 days)",
            "最近一单在 102 天前，超过沉默界限 12 天，未超过流失界限 180 天（4 × 自身间隔中位数 45 天）",
        ),
        (  # medians of the others: 30, 10 and 45
            "emil",
            "Churned",
            "last order 515 days ago, beyond the churn limit of 120 days (4 × the median gap of all customers)",
            "最近一单在 515 天前，超过流失界限 120 天（4 × 全体客户间隔中位数）",
        ),
        ("fred", "Prospect", "no order yet", "尚无订单"),
    ],
)
def test_a_stage_is_told_by_days_limit_and_whose_rhythm_it_follows(
    shop: Published, asked: str, label: str, english: str, chinese: str
) -> None:
    assert shop.why(asked, "Lifecycle stage") == (label, english)
    assert shop.why(asked, "生命周期阶段", CHINESE)[1] == chinese


def test_a_value_tier_is_told_by_what_stands_above(shop: Published) -> None:
    # 400, 300, 50 and 30 in the window, 780 in all: 400, 700 and 750 of it stand above the others.
    assert shop.why("anna", "Value tier")[1] == (
        "customers above bring 0% of all value (less than 80%); own revenue in the window 400.00 EUR"
    )
    assert shop.why("bert", "Value tier") == (
        "Mid value",
        "customers above bring 89.7% of all value (less than 95%); own revenue in the window 50.00 EUR",
    )
    assert shop.why("cleo", "价值等级", CHINESE) == (
        "低价值",
        "排名更高的客户贡献了全部价值的 96.2%（不低于 95%）；本人窗口期收入 30.00 EUR",
    )
    assert shop.why("emil", "Value tier") == ("Low value", "no order in the last 365 days")


def test_types_and_matrices_are_told_by_their_measures_against_the_mean(shop: Published) -> None:
    # Means over anna, bert, cleo and dora: recency (12 + 10 + 20 + 102) / 4 = 36, orders 9 / 4, revenue 780 / 4 = 195.
    assert shop.why("dora", "RFM type") == (
        "Important to keep",
        "days since the last order 102 (more than the mean, 36); orders in the window 3 (at least the mean, 2.3); "
        "revenue in the window 300.00 EUR (at least the mean, 195.00 EUR)",
    )
    assert shop.why("dora", "Value × frequency")[1] == (
        "revenue in the window 300.00 EUR (at least the mean, 195.00 EUR); "
        "orders in the window 3 (at least the mean, 2.3)"
    )
    assert shop.why("dora", "价值 × 频率", CHINESE)[1] == (
        "窗口期收入 300.00 EUR（不低于平均值 195.00 EUR）；窗口期订单数 3（不低于平均值 2.3）"
    )


def test_an_own_dimension_is_told_by_its_expression(shop: Published) -> None:
    label, why = shop.why("bert", "Basket")
    assert (label, why.lower()) == ("Middle", "rule 2: average_order_value >= 40")
    assert shop.why("cleo", "Basket") == ("Small", "no rule holds")


def test_the_day_decides_what_is_told(shop: Published) -> None:
    [stage] = [row for row in shop.told("dora", day=EARLIER).classes.rows if row[0] == "Lifecycle stage"]
    assert stage[1:] == (
        "Active",
        "last order 72 days ago, within the silence limit of 90 days (2 × own median gap of 45 days)",
    )


def test_the_history_tells_each_class_with_its_days(shop: Published) -> None:
    stages = [row[1:] for row in shop.told("dora").history.rows if row[0] == "Lifecycle stage"]
    assert stages == [("Active", "2024-05-31", "2024-06-30"), ("Silent", "2024-06-30", "still")]
    [stage] = [row[1:] for row in shop.told("bert", CHINESE).history.rows if row[0] == "生命周期阶段"]
    assert stage == ("新客户", "2024-06-30", "至今")


def test_who_and_the_plan_are_told_in_either_language(shop: Published) -> None:
    told = shop.told("anna")
    assert told.title == "Customer 1 on 2024-06-30"
    assert dict(told.who)["references"] == "crm:ann, shop:anna"
    assert dict(told.who)["orders"] == "4 from 2024-03-20 to 2024-06-18, 400.00 EUR after refunds"
    plan = dict(told.plan)
    assert plan["because of"].startswith("Value ×")
    assert {"aim", "actions", "channels", "service", "contact", "feature", "evidence"} <= plan.keys()
    in_chinese = shop.told("anna", CHINESE)
    assert in_chinese.title == "客户 1，2024-06-30"
    assert dict(in_chinese.who)["类型"] == "个人"
    assert re.fullmatch(r"每 \d+ 天一次", dict(in_chinese.plan)["联系频率"])


def test_every_class_of_a_customer_has_a_full_sentence_in_both_languages(company: Published) -> None:
    said = set()
    with opened_serving_copy(company.settings) as con:
        people = con.execute("select distinct as_of_date, customer_id from customer_segments order by all").fetchall()
        for day, customer_id in people[::4]:
            explanation = read_explanation(con, customer_id, day)
            for language in Language:
                found = FoundCustomer(customer_id, ())
                rows = tell(explanation, found, "", language=language, currency="EUR").classes.rows
                assert len(rows) == 12  # seven of every standard, three matrices, the own one, clusters
                for dimension, label, why in rows:
                    assert dimension
                    assert label
                    assert why, (customer_id, dimension)
                    assert not re.search(r"[{}]|None|  |\(\)|（）", why), (customer_id, dimension, why)
                    said.add(re.sub(r"[\d.,]+", "#", why))
    assert len(said) > 60


def test_numbers_get_the_digits_that_tell_them_from_the_cut(shop: Published) -> None:
    from dagster_project.explaining.content import Reason
    from dagster_project.explaining.sentences import Sentences
    from dagster_project.explaining.words import Words

    with opened_serving_copy(shop.settings) as con:
        sentences = Sentences(read_explanation(con, 1, DAY), Words(ENGLISH), "EUR")
    pair = sentences._pair
    assert pair(Reason("r", "share_above", Decimal("0.799999"), "<", Decimal("0.8"))) == ("79.9999%", "80%")
    assert pair(Reason("r", "share_above", Decimal("0.8"), ">=", Decimal("0.8"))) == ("80%", "80%")
    assert pair(Reason("r", "revenue_window", Decimal("99.996"), "<", Decimal(100))) == ("99.996 EUR", "100.000 EUR")
    assert pair(Reason("r", "recency_days", Decimal(60), "<=", Decimal("60.04"))) == ("60", "60.04")


# --- who is meant, and when -------------------------------------------------------------------------------------------


def test_a_customer_is_found_by_number_by_source_and_by_a_reference_of_one_source(shop: Published) -> None:
    with opened_serving_copy(shop.settings) as con:
        anna = find_customer(con, " anna ")
        assert anna.references == ("crm:ann", "shop:anna")
        assert find_customer(con, "crm:ann") == anna
        assert find_customer(con, str(anna.customer_id)) == anna
        assert find_customer(con, "fred").references == ("shop:fred",)


def test_an_absorbed_number_leads_to_the_customer_it_belongs_to_now(shop: Published) -> None:
    with opened_serving_copy(shop.settings) as con:
        rows = con.execute(
            "select registry_id, customer_id from customer_aliases where registry_id <> customer_id"
        ).fetchall()
    [(absorbed, customer_id)] = rows
    told = shop.told(str(absorbed))
    assert told.title == f"Customer {customer_id} on {DAY}"
    assert told.notes == (f"{absorbed} belongs to customer {customer_id} now: the two are linked.",)
    assert shop.told(str(absorbed), CHINESE).notes == (f"{absorbed} 现归属客户 {customer_id}：二者已合并。",)


def test_a_number_is_a_customer_first_and_a_reference_of_that_name_is_pointed_out(shop: Published) -> None:
    told = shop.told("2")
    assert told.title == f"Customer 2 on {DAY}"
    assert told.notes == ("2 is also a reference: shop:2. Write it so to ask for that customer.",)
    assert dict(shop.told("shop:2").who)["references"] == "shop:2"


def test_a_reference_of_several_customers_is_refused_with_their_names(shop: Published) -> None:
    with opened_serving_copy(shop.settings) as con, pytest.raises(ReadingError) as refused:
        find_customer(con, "twin")
    assert re.fullmatch(
        r"twin is a reference of 2 customers: crm:twin \(customer \d+\), shop:twin \(customer \d+\). Name the source.",
        str(refused.value),
    )


@pytest.mark.parametrize(
    "asked", ["nobody", "99999", "shop:nobody", "nowhere:anna", "", "1; drop table x", "٣", "9" * 30]
)
def test_who_is_not_there_is_refused_with_the_sources(shop: Published, asked: str) -> None:
    with opened_serving_copy(shop.settings) as con, pytest.raises(ReadingError, match="crm:…, shop:…"):
        find_customer(con, asked)


def test_a_day_that_is_not_stored_is_refused_with_the_nearest_ones(shop: Published) -> None:
    with opened_serving_copy(shop.settings) as con:
        assert chosen_day(con, None) == DAY
        with pytest.raises(ReadingError, match="the nearest stored days are 2024-05-31 and 2024-06-30"):
            chosen_day(con, DAY - timedelta(days=1))
        with pytest.raises(
            ReadingError, match=r"2024-07-01 is not stored; the nearest is 2024-06-30\. `strata backfill"
        ):
            chosen_day(con, DAY + timedelta(days=1))


def test_a_customer_who_came_later_is_told_so(shop: Published) -> None:
    with pytest.raises(ReadingError, match=r"is not known on 2024-05-31; of the stored days 2024-06-30 to 2024-06-30"):
        shop.told("bert", day=EARLIER)


def test_the_versions_of_published_days_are_those_of_the_copy(shop: Published, tmp_path: Path) -> None:
    version = shop.settings.standard.version
    assert published_versions(shop.settings) == {EARLIER: version, DAY: version}
    elsewhere = replace(shop.settings, paths=replace(shop.settings.paths, data=tmp_path))
    assert published_versions(elsewhere) == {}


# --- what the copy holds ----------------------------------------------------------------------------------------------


def test_the_copy_holds_the_reasons_as_a_view_with_the_rows_of_the_warehouse(company: Published) -> None:
    every = "select * from {} order by all"
    with company.warehouse.connect() as con:
        expected = con.execute(every.format("marts.customer_reasons")).fetchall()
    assert len(expected) > 4000
    with opened_serving_copy(company.settings) as copy:
        assert copy.execute(every.format("customer_reasons")).fetchall() == expected
        assert copy.execute("select view_name from duckdb_views() where not internal").fetchall() == [
            ("customer_reasons",)
        ]
    path = company.settings.paths.published / "serving" / "strata.duckdb"
    with duckdb.connect() as other:
        other.execute(f"attach '{path}' as attached (read_only)")
        other.execute("create table standards (standard_version varchar)")  # not to be taken for the copy's own
        assert other.execute(every.format("attached.customer_reasons")).fetchall() == expected


def test_every_class_of_the_segments_has_reasons_and_they_stand_to_their_cuts_as_they_say(company: Published) -> None:
    with opened_serving_copy(company.settings) as con:
        for dimension in ("lifecycle_stage", "value_tier", "rfm_segment", "rfm_type", "need_clarity", "need_type"):
            different = con.execute(
                f"""
                select count(*) from customer_segments as s left join (
                    select distinct as_of_date, customer_id, class from customer_reasons where dimension = '{dimension}'
                ) as r using (as_of_date, customer_id) where r.class is distinct from s.{dimension}
                """
            ).fetchall()
            assert different == [(0,)], dimension
        twice = con.execute(
            "select 1 from customer_reasons group by as_of_date, customer_id, dimension, measure having count(*) > 1"
        ).fetchall()
        assert twice == []
        # Stored cuts are rounded, so a value may seem to stand on the cut that it just meets or misses.
        wrong = con.execute(
            """
            select * from customer_reasons where case comparison
                when '=' then value <> cut
                when '<' then value > cut + 0.000001 when '<=' then value > cut + 0.000001
                when '>' then value < cut - 0.000001 when '>=' then value < cut - 0.000001
                else comparison is not null
            end
            """
        ).fetchall()
        assert wrong == []


def test_without_the_tables_that_reasons_need_classes_are_told_and_what_is_missing(
    shop: Published, tmp_path: Path
) -> None:
    few = (PublishedTable.CUSTOMER_SEGMENTS, PublishedTable.CUSTOMER_FEATURES)
    settings = replace(
        shop.settings,
        paths=replace(shop.settings.paths, data=tmp_path),
        publishing=shop.settings.publishing.model_copy(update={"tables": few}),
    )
    published = Published(shop.warehouse, settings)
    published.publish()
    told = published.told("anna")
    assert ("Lifecycle stage", "Active", "") in told.classes.rows
    assert told.history.rows == ()
    [note] = told.notes
    assert note.startswith("Why is not told: the published copy lacks customer_lifecycle, customer_reasons")
    assert dict(told.plan).keys() == {"because of", "aim", "service", "contact"}


# --- the command ------------------------------------------------------------------------------------------------------


def strata(published: Published, *words: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    paths = published.settings.paths
    return subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", *words],
        env={**os.environ, "STRATA_CONFIG": str(paths.data.parent / "config"), "STRATA_DATA": str(data or paths.data)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_strata_explain_needs_no_lock_and_prints_tables(shop: Published) -> None:
    warehouse = shop.settings.paths.warehouse
    with held(warehouse, who="a run", wait_seconds=5):
        done = strata(shop, "explain", "shop:dora", "--as-of", "2024-06-30")
    assert done.returncode == 0, done.stderr
    shown = " ".join(re.sub(r"[│┃]", " ", done.stdout).split())
    assert re.match(r"Customer \d+ on 2024-06-30 references shop:dora", shown)
    assert "last order 102 days ago" in shown
    for title in ("Classes", "Plan", "History"):
        assert re.search(rf"^{title}\b", done.stdout, re.MULTILINE)


def test_strata_explain_speaks_chinese_when_asked(shop: Published) -> None:
    done = strata(shop, "explain", "anna", "--language", "zh")
    assert done.returncode == 0, done.stderr
    assert "活跃客户" in done.stdout
    assert "所属类别" in done.stdout


def test_strata_explain_says_that_nothing_is_published(shop: Published, tmp_path: Path) -> None:
    done = strata(shop, "explain", "anna", data=tmp_path)
    assert done.returncode == 1
    assert "There is no published copy to read at" in done.stderr
    assert "`strata run` writes it." in done.stderr
    assert "Traceback" not in done.stderr


def test_clusters_are_fitted_from_the_copy_and_told_once_the_day_is_rebuilt(company: Published) -> None:
    [asked] = [
        str(row[0])
        for row in company.warehouse.frame(
            f"select customer_id from marts.customer_segments where as_of_date = '{COMPANY_DAYS[1]}' "
            "and order_count_window > 0 order by 1 limit 1"
        ).itertuples(index=False)
    ]
    assert company.why(asked, "Cluster")[1].startswith("no clusters are fitted")
    done = strata(company, "clusters", "fit", "--as-of", str(COMPANY_DAYS[1]))
    assert done.returncode == 0, done.stderr
    assert "Kept as fit 1, which holds for all days." in done.stdout
    company.warehouse.build(COMPANY_DAYS)
    company.publish()
    label, why = company.why(asked, "Cluster")
    assert re.fullmatch("Cluster [12]", label)
    assert why == "recency, orders and revenue in the window lie nearest to this cluster's centre"
    # The table that the command showed counts the same customers as the models put into each cluster.
    counted = company.warehouse.frame(
        f"select cluster, count(*) as n from marts.customer_segments where as_of_date = '{COMPANY_DAYS[1]}' "
        "and cluster <> 'unknown' group by all order by all"
    )
    shown = re.findall(r"│ (cluster_\d) +│ [^│]+│ +(\d+) │", done.stdout)
    assert shown == [(row.cluster, str(row.n)) for row in counted.itertuples()]
