"""A whole shop after the purge: nothing personal is left where it was, and the pipeline goes on without it."""

from __future__ import annotations

import duckdb
import pyarrow.parquet as pq
import yaml
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop

from dagster_project.definitions import build_definitions
from dagster_project.defs.purging import PURGE_JOB
from dagster_project.defs.runs import opened_instance


def test_contact_data_past_its_age_is_gone_and_lists_go_to_nobody(shop: Shop) -> None:
    """The shop's last order is of 2024: today everybody in it is a customer of whom nothing was heard for a month."""
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        contacts = con.execute(
            "select unnest([name, phone, email, wechat_id]) as text from personal.customer_contacts"
        ).fetchall()
        customers = con.execute("select count(*) from marts.customer_segments").fetchall()
    texts = {text for (text,) in contacts if text}
    assert len(texts) > 100
    file = shop.config / "publishing.yaml"
    document = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**document, "retention": {"contacts": 30}}, allow_unicode=True))
    shown = shop.strata("purge", "--dry-run")
    assert "Would be removed" in shown
    assert "landing/personal" in shown
    assert held_texts(shop, texts)

    with opened_instance(shop.settings.paths) as instance:
        job = build_definitions(shop.settings).resolve_job_def(PURGE_JOB)
        result = job.execute_in_process(instance=instance)
    assert result.success
    assert not held_texts(shop, texts)
    assert shop.strata("purge").strip() == "Nothing is past its age."

    shop.strata("run", "--as-of", str(SECOND_AS_OF))
    with duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"), read_only=True) as con:
        counted = con.execute("select count(*) from marts.customer_segments group by as_of_date").fetchall()
        assert counted[0] == counted[1] == customers[0]
        reasons = con.execute(
            "select as_of_date, list(distinct suppressed_reason) from marts.silent_customers group by all order by 1"
        ).fetchall()
    # Nobody is without a reason any more; who had none has no contact point now.
    [(_, before), (_, after)] = reasons
    assert None in before
    assert None not in after
    assert "invalid_contact_point" in after
    assert [file.name for file in (shop.data / "lists" / str(FIRST_AS_OF)).glob("*.csv")]
    for file in (shop.data / "lists" / str(SECOND_AS_OF)).glob("*.csv"):
        assert len(file.read_text(encoding="utf-8-sig").splitlines()) == 1, file
    assert not held_texts(shop, texts)


def held_texts(shop: Shop, texts: set[str]) -> list[str]:
    """Files of the warehouse and of landing that hold one of `texts`; Parquet is read through."""
    found = []
    for folder in ("warehouse", "landing"):
        for path in sorted((shop.data / folder).rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                if path.suffix == ".parquet":
                    content += pq.read_table(path).to_pandas().to_csv().encode()
                if any(text.encode() in content for text in texts):
                    found.append(str(path.relative_to(shop.data)))
    return found
