"""Published Parquet: whole days, the same bytes for the same tables, and nothing lost when a run is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.publishing.code_version import code_version
from dagster_project.publishing.parquet import ROW_GROUP_ROWS, publish_parquet, read_manifest, write_rows
from dagster_project.publishing.tables import PublishingError, Table, columns_of, is_stored_sorted, rows_sql, select_sql
from dagster_project.settings.publishing import PublishedTable

DAYS = [date(2017, 12, 31), date(2018, 1, 1)]


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "parquet"


def publish(con, folder, settings, days=DAYS, code="0.1.0+aaaa"):
    return publish_parquet(con, folder=folder, settings=settings, days=days, code_version=code)


def snapshot(folder: Path) -> dict[str, tuple[str, int, str]]:
    """Every file and link below `folder`: content, modification time and link target."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.lstat().st_mtime_ns,
            str(path.readlink()) if path.is_symlink() else "",
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_a_published_day_holds_the_rows_of_the_day_sorted_by_key(con, folder, publishing_settings) -> None:
    publish(con, folder, publishing_settings)
    rows = pq.read_table(folder / "as_of_date=2018-01-01" / "customer_segments.parquet")
    expected = con.execute(
        "from marts.customer_segments where as_of_date = '2018-01-01' order by customer_id"
    ).fetchall()
    assert [tuple(row.values()) for row in rows.to_pylist()] == expected
    assert rows["customer_id"].to_pylist() == sorted(rows["customer_id"].to_pylist())


def test_the_manifest_names_schema_rows_checksum_standard_and_code_and_no_clock(
    con, folder, publishing_settings
) -> None:
    publish(con, folder, publishing_settings)
    part = folder / "as_of_date=2018-01-01"
    manifest = read_manifest(part)
    assert set(manifest) == {"format", "as_of_date", "standard_version", "code_version", "tables"}
    assert manifest["as_of_date"] == "2018-01-01"
    assert manifest["standard_version"] == "default-5d1c0f2a"
    assert manifest["code_version"] == "0.1.0+aaaa"
    entry = manifest["tables"]["customer_segments"]
    content = (part / entry["file"]).read_bytes()
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert entry["bytes"] == len(content)
    assert entry["rows"] == pq.read_metadata(part / entry["file"]).num_rows == 60
    assert entry["columns"][:2] == [{"name": "as_of_date", "type": "DATE"}, {"name": "customer_id", "type": "BIGINT"}]
    assert set(manifest["tables"]) == {path.stem for path in part.glob("*.parquet")}


def test_numbers_are_whole_or_decimal_and_times_are_utc(con, folder, publishing_settings) -> None:
    con.execute("set timezone = 'America/New_York'")
    tables = (*publishing_settings.tables, PublishedTable.FCT_ORDERS)
    publish(con, folder, publishing_settings.model_copy(update={"tables": tables}))
    for file in folder.rglob("*.parquet"):
        schema = pq.read_schema(file)
        assert not [field for field in schema if pa.types.is_floating(field.type)], file
    features = pq.read_schema(folder / "as_of_date=2018-01-01" / "customer_features.parquet")
    assert features.field("discount_share").type == pa.decimal128(28, 6)
    assert features.field("usual_hour").type == pa.int32()
    orders = pq.read_table(folder / "as_known_now" / "fct_orders.parquet")
    assert orders.schema.field("ordered_at").type == pa.timestamp("us", "UTC")
    assert {moment.hour for moment in orders["ordered_at"].to_pylist()} == {22}


def test_no_published_table_has_a_personal_column(con, folder, publishing_settings) -> None:
    publish(con, folder, publishing_settings)
    # A standard has a name; it is nobody's.
    for file in set(folder.rglob("*.parquet")) - set(folder.rglob("standards.parquet")):
        assert not {"name", "phone", "email", "wechat_id", "contact"} & set(pq.read_schema(file).names), file
    published = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"+1606555" not in published


def test_publishing_again_changes_no_byte_and_no_time(con, folder, publishing_settings) -> None:
    first = publish(con, folder, publishing_settings)
    before = snapshot(folder)
    second = publish(con, folder, publishing_settings)
    assert snapshot(folder) == before
    assert [part.is_changed for part in first] == [True, True, True]
    assert [part.is_changed for part in second] == [False, False, False]


def test_bytes_do_not_depend_on_row_order_threads_or_range(con, folder, tmp_path, publishing_settings) -> None:
    publish(con, folder, publishing_settings)
    con.execute("create table shuffled as select * from marts.customer_segments order by hash(customer_id, 7)")
    con.execute("drop table marts.customer_segments")
    con.execute("create table marts.customer_segments as select * from shuffled")
    con.execute("set threads = 4")
    one_by_one = tmp_path / "one_by_one"
    for day in reversed(DAYS):
        publish(con, one_by_one, publishing_settings, days=[day])
    assert {name: entry[0] for name, entry in snapshot(folder).items()} == {
        name: entry[0] for name, entry in snapshot(one_by_one).items()
    }


@pytest.mark.parametrize(
    "values",
    [
        ["(1, 'a')", "(1, 'b')", "(2, 'a')"],
        ["(1, 'b')", "(1, 'a')"],
        ["(1, 'a')", "(1, null)"],
        ["(1, null)", "(0, 'b')"],
    ],
)
def test_rows_come_sorted_by_key_with_nothing_first_however_they_are_stored(con, tmp_path, values) -> None:
    con.execute(f"create table marts.stored as from (values {', '.join(values)}) as rows (number, text)")
    table = Table("stored", "marts.stored", ("number", "text"))
    select = rows_sql if is_stored_sorted(con, table, None) else select_sql
    write_rows(con, select(table, columns_of(con, table), None), tmp_path / "file.parquet")
    rows = pq.read_table(tmp_path / "file.parquet").to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["number"], row["text"] is not None, row["text"]))


def test_a_table_of_several_row_groups_is_written_whole_and_the_same(
    con, folder, tmp_path, publishing_settings
) -> None:
    rows = 2 * ROW_GROUP_ROWS + 17
    con.execute("delete from marts.customer_value")
    con.execute(
        "insert into marts.customer_value "
        "select date '2018-01-01', hash(i) >> 2, 's', 'revenue', 1, 'low', 'share', 0, 1, 0 from range(?) t(i)",
        [rows],
    )
    publish(con, folder, publishing_settings, days=DAYS[-1:])
    con.execute("set threads = 1")
    publish(con, tmp_path / "again", publishing_settings, days=DAYS[-1:])
    file = "as_of_date=2018-01-01/customer_value.parquet"
    metadata = pq.read_metadata(folder / file)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [
        ROW_GROUP_ROWS,
        ROW_GROUP_ROWS,
        17,
    ]
    ids = pq.read_table(folder / file)["customer_id"].to_pylist()
    assert ids == sorted(ids)
    assert len(ids) == rows
    assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_a_changed_day_switches_alone_and_its_last_version_stays_for_readers(con, folder, publishing_settings) -> None:
    def change(owner: str):
        con.execute("update marts.customer_segments set owner = ? where as_of_date = '2018-01-01'", [owner])
        return publish(con, folder, publishing_settings)

    first = publish(con, folder, publishing_settings)
    untouched = snapshot(folder / "as_of_date=2017-12-31")
    second = change("A")
    assert [part.is_changed for part in second] == [False, True, False]
    assert snapshot(folder / "as_of_date=2017-12-31") == untouched
    versions = folder / ".versions"
    assert (versions / first[1].version / "manifest.json").exists()
    third = change("B")
    assert not (versions / first[1].version).exists()
    assert (versions / second[1].version).exists()
    assert (versions / third[1].version).exists()


def test_days_that_are_not_named_stay_in_current(con, folder, publishing_settings) -> None:
    publish(con, folder, publishing_settings, days=DAYS[:1])
    publish(con, folder, publishing_settings, days=DAYS[1:])
    current = json.loads((folder / "current.json").read_text())
    assert current["latest_day"] == "2018-01-01"
    assert set(current["days"]) == {"2017-12-31", "2018-01-01"}
    for day, version in current["days"].items():
        assert (folder / ".versions" / version).samefile(folder / f"as_of_date={day}")


def test_duckdb_reads_all_days_by_one_pattern_and_no_old_version(con, folder, publishing_settings) -> None:
    publish(con, folder, publishing_settings)
    con.execute("update marts.customer_segments set owner = 'X'")
    publish(con, folder, publishing_settings)
    pattern = str(folder / "*" / "customer_segments.parquet")
    counts = duckdb.execute(
        f"select as_of_date, count(*), min(owner) from '{pattern}' group by 1 order by 1"
    ).fetchall()
    assert counts == [(day, 60, "X") for day in DAYS]


def test_a_published_file_that_somebody_changed_is_mended(con, folder, publishing_settings) -> None:
    publish(con, folder, publishing_settings)
    before = {name: entry[0] for name, entry in snapshot(folder).items()}
    damaged = folder / "as_of_date=2018-01-01" / "customer_rfm.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    publish(con, folder, publishing_settings)
    assert {name: entry[0] for name, entry in snapshot(folder).items()} == before


def test_a_new_code_version_shows_in_the_manifest(con, folder, publishing_settings) -> None:
    publish(con, folder, publishing_settings)
    publish(con, folder, publishing_settings, code="0.2.0+bbbb")
    assert read_manifest(folder / "as_of_date=2018-01-01")["code_version"] == "0.2.0+bbbb"


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
import duckdb
from marts_fixture import build_marts
from dagster_project.publishing import parquet
from dagster_project.settings.publishing import PublishingSettings

folder, at = Path(sys.argv[1]), sys.argv[2]
con = duckdb.connect()
days = [date(2017, 12, 31), date(2018, 1, 1)]
build_marts(con, days, list_for=days[-1])
con.execute("update marts.customer_segments set owner = 'X'")
seen = []

def trace(frame, event, arg):
    if event == "call" and frame.f_code.co_name == at:
        seen.append(at)
        if len(seen) == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

settings = PublishingSettings.model_validate_json(sys.argv[4])
sys.setprofile(trace)
parquet.publish_parquet(con, folder=folder, settings=settings, days=days, code_version="0.1.0+aaaa")
"""


@pytest.mark.parametrize(("function", "call"), [("_write_table", 4), ("_is_intact", 2), ("switch_current", 1)])
def test_a_run_killed_half_way_leaves_whole_days_and_the_next_finishes(
    con, folder, tmp_path, publishing_settings, function, call
) -> None:
    publish(con, folder, publishing_settings)
    current = (folder / "current.json").read_bytes()
    settings = publishing_settings.model_dump_json(by_alias=True)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), function, str(call), settings],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (folder / "current.json").read_bytes() == current
    for version in json.loads(current)["days"].values():
        assert_is_whole(folder / ".versions" / version)
    for day in DAYS:
        assert_is_whole(folder / f"as_of_date={day}")

    con.execute("update marts.customer_segments set owner = 'X'")
    publish(con, folder, publishing_settings)
    undisturbed = tmp_path / "undisturbed"
    publish(con, undisturbed, publishing_settings)
    for day in DAYS:
        assert (folder / f"as_of_date={day}").resolve().name == (undisturbed / f"as_of_date={day}").resolve().name
    assert not [path for path in folder.rglob("*") if "unfinished" in path.name]


def assert_is_whole(part: Path) -> None:
    for entry in read_manifest(part)["tables"].values():
        assert hashlib.sha256((part / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_a_missing_table_is_named_with_its_cure(con, folder, publishing_settings) -> None:
    con.execute("drop table marts.customer_value")
    with pytest.raises(PublishingError, match=r'marts\."customer_value" is not in the warehouse.*`strata run`'):
        publish(con, folder, publishing_settings)
    assert not list(folder.glob("as_of_date=*"))


def test_a_day_of_two_standards_is_refused(con, folder, publishing_settings) -> None:
    con.execute("update marts.customer_segments set standard_version = 'other' where customer_id = 3")
    with pytest.raises(PublishingError, match="mixes the standards default-5d1c0f2a, other"):
        publish(con, folder, publishing_settings)


def test_a_type_that_files_cannot_hold_exactly_is_refused(con, folder, publishing_settings) -> None:
    con.execute("alter table marts.customer_value add column reasons varchar[]")
    with pytest.raises(PublishingError, match=r"reasons is VARCHAR\[\]"):
        publish(con, folder, publishing_settings)


def test_the_code_version_changes_with_a_model_and_not_with_line_ends(tmp_path) -> None:
    dbt, package = tmp_path / "dbt_project", tmp_path / "package"
    (dbt / "models").mkdir(parents=True)
    package.mkdir()
    (dbt / "models" / "a.sql").write_bytes(b"select 1\n")
    (package / "a.py").write_bytes(b"x = 1\n")
    first = code_version(dbt, package)
    assert first.startswith("0.1.0+")
    (package / "a.py").write_bytes(b"x = 1\r\n")
    (dbt / "models" / "notes.txt").write_text("not code")
    assert code_version(dbt, package) == first
    (dbt / "models" / "a.sql").write_bytes(b"select 2\n")
    assert code_version(dbt, package) != first
