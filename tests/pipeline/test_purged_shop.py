"""A whole shop after the purge: nothing personal is left where it was, and the pipeline goes on without it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from people_shop import LATER_AS_OF, keep_contacts_for_days, printed, rows
from planted_people import WORDS
from shop_runs import FIRST_AS_OF, Shop


def test_a_dry_run_shows_what_would_go_and_removes_nothing(rebuilt_shop: Shop, tmp_path: Path) -> None:
    shop = rebuilt_shop.copied_to(tmp_path)
    keep_contacts_for_days(shop)
    held = files_with_people(shop)
    shown = shop.strata("purge", "--dry-run")
    assert "Would be removed" in shown
    assert "landing/personal" in shown
    assert files_with_people(shop) == held
    assert "warehouse/strata.duckdb" in held
    assert any(file.startswith("landing/personal/customers/") for file in held)


def test_contact_data_past_its_age_is_gone(rebuilt_shop: Shop, purged_shop: Shop) -> None:
    """The shop's last order is of 2024: today everybody in it is a customer of whom nothing was heard for a month."""
    [(phones,)] = rows(rebuilt_shop, "select count(distinct phone) from personal.customer_contacts")
    assert phones > 30
    assert files_with_people(purged_shop) == []
    assert printed(purged_shop).strip() == "Nothing is past its age."


def test_later_days_are_built_without_it_and_their_lists_go_to_nobody(rebuilt_shop: Shop, last_shop: Shop) -> None:
    counts = "select count(*) from marts.customer_segments group by as_of_date"
    [customers] = rows(rebuilt_shop, counts)
    assert rows(last_shop, counts) == [customers, customers]
    # Who could be contacted before has no contact point now.
    became = rows(
        last_shop,
        "select later.suppressed_reason, count(*) from marts.silent_customers as earlier "
        "inner join marts.silent_customers as later using (customer_id) "
        f"where earlier.as_of_date = '{FIRST_AS_OF}' and earlier.suppressed_reason is null "
        f"and later.as_of_date = '{LATER_AS_OF}' group by all",
    )
    assert [reason for reason, _ in became] == ["invalid_contact_point"]
    assert [file.name for file in (last_shop.data / "lists" / str(FIRST_AS_OF)).glob("*.csv")]
    for file in (last_shop.data / "lists" / str(LATER_AS_OF)).glob("*.csv"):
        assert len(file.read_text(encoding="utf-8-sig").splitlines()) == 1, file
    assert files_with_people(last_shop) == []


def files_with_people(shop: Shop) -> list[str]:
    """Files of the warehouse and of landing that hold a personal value; Parquet is read through."""
    found = []
    for folder in ("warehouse", "landing"):
        for path in sorted((shop.data / folder).rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                if path.suffix == ".parquet":
                    content += pq.read_table(path).to_pandas().to_csv().encode()
                if any(word.encode() in content for word in WORDS):
                    found.append(str(path.relative_to(shop.data)))
    return found
