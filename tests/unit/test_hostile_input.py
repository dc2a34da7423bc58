"""What files may hold to harm who reads them: it is text in a column, or refused with its reason, and never done."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest
from landing_workshop import BUSINESS, Workshop

from dagster_project.errors import SettingsError, StrataError
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import load_model

DROP = "\"; drop table orders; -- '); attach 'x.duckdb'; --"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def campaigns(path: str, columns: str = "{campaign_id: id, name: name}", form: str = "") -> str:
    read = f"      - entity: campaigns\n        path: {path}\n        columns: {columns}\n{form}"
    return f"\n  - name: shop\n    reads:\n{read}"


def test_sql_in_the_names_of_files_columns_and_sheets_and_in_cells_is_text(workshop: Workshop) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "a'); drop --\""
    sheet.append(["id", DROP])
    sheet.append(["1", DROP])
    book.save(workshop.inbox / "b'); select 1; --.xlsx")
    columns = "{campaign_id: id, name: '" + DROP.replace("'", "''") + "'}"
    form = '        sheet: "a\'); drop --\\""\n'
    [excel] = workshop.land(campaigns("inbox/*.xlsx", columns, form)).batches
    quoted = DROP.replace('"', '""')
    workshop.write("c\"; drop --'.csv", f'id,"{quoted}"\n2,"{quoted}"\n')
    [text] = workshop.land(campaigns("inbox/*.csv", columns)).batches
    assert (excel.source_file, text.source_file) == ("inbox/b'); select 1; --.xlsx", "inbox/c\"; drop --'.csv")
    assert workshop.rows("select campaign_id, name from campaigns order by campaign_id") == [("1", DROP), ("2", DROP)]
    assert not list(workshop.root.rglob("x.duckdb"))


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048576"])
def test_a_sheet_of_a_few_cells_that_claims_billions_is_read_or_refused_and_ends_nobody(
    workshop: Workshop, cell: str
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "name"])
    sheet.append(["1", "spring"])
    sheet[cell] = "2"
    book.save(workshop.inbox / "a.xlsx")
    if cell == "A1048576":
        [batch] = workshop.land(campaigns("inbox/a.xlsx")).batches
        assert batch.rows_read == 2
    else:
        with pytest.raises(StrataError, match=r"a\.xlsx takes more than 8 GiB of memory .* save it as CSV"):
            workshop.land(campaigns("inbox/a.xlsx"))


def test_a_member_of_an_archive_is_written_nowhere_but_into_the_landing_folder(workshop: Workshop) -> None:
    with zipfile.ZipFile(workshop.inbox / "a.zip", "w") as archive:
        archive.writestr("../../../outside.csv", "id,name\n1,spring\n")
    workshop.land(campaigns("inbox/a.zip"))
    assert workshop.rows("select campaign_id from campaigns") == [("1",)]
    assert not list(workshop.root.parent.rglob("outside.csv"))


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir [{made}]", "!!python/name:os.system", "!made {made}"])
@pytest.mark.parametrize("model", [SourcesSettings, Standard])
def test_yaml_builds_no_objects(tmp_path: Path, model: type[SourcesSettings | Standard], tag: str) -> None:
    made = tmp_path / "made"
    file = tmp_path / "settings.yaml"
    file.write_text(BUSINESS.format(limit=1.0) + "  - name: " + tag.format(made=made) + "\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"settings\.yaml:\d+"):
        load_model(file, model)
    assert not made.exists()


def test_a_document_that_repeats_itself_a_billion_times_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    layers = "\n".join(f"l{at}: &l{at} [{', '.join([f'*l{at - 1}'] * 10)}]" for at in range(1, 10))
    file.write_text(f"l0: &l0 [laugh, laugh]\n{layers}\nsources: *l9\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"sources\.yaml: its anchors and aliases multiply"):
        load_model(file, SourcesSettings)


def test_a_document_nested_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(f"sources: {'[' * 3000}{']' * 3000}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"sources\.yaml: its values are nested too deep"):
        load_model(file, SourcesSettings)


@pytest.mark.parametrize("name", ["../shop", "shop/..", 'shop"; drop', "Shop", "シ"])
def test_a_source_is_named_by_nothing_that_could_be_a_path_or_sql(workshop: Workshop, name: str) -> None:
    quoted = name.replace('"', '\\"')
    with pytest.raises(SettingsError, match="name"):
        workshop.settings(campaigns("inbox/a.csv").replace("name: shop", f'name: "{quoted}"'))
