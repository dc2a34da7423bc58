"""The examples for 纷享销客 land one small business alike: through the Open API, and from exported Excel and CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from fxiaoke_server import FxiaokeServer, milliseconds
from landing_workshop import Workshop

from dagster_project.landing import LandingResult, land
from dagster_project.settings import Settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

EXAMPLES = PROJECT_ROOT / "config" / "examples"
NOW = datetime(2025, 6, 1, tzinfo=UTC)
MADE, CHANGED = datetime(2025, 1, 6, 1, tzinfo=UTC), datetime(2025, 5, 6, 2, 30, tzinfo=UTC)
MADE_HERE, CHANGED_HERE = "2025-01-06 09:00", "2025-05-06 10:30"


def at(*moment: int) -> int:
    return milliseconds(datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type,misc]


COMMON = {"create_time": milliseconds(MADE), "last_modified_time": milliseconds(CHANGED)}
OBJECTS: dict[str, list[dict[str, Any]]] = {
    "AccountObj": [
        {
            "_id": "A1",
            "name": "昆明茶业",
            "tel": "138 0013 8000",
            "email": "Buyer@Example.com",
            "industry_level1": "3",
            "industry_level1__r": "零售",
            "province": "272",
            "province__r": "云南省",
            "city": "2721",
            "city__r": "昆明市",
            "account_level": "1",
            "account_level__r": "重要客户",
        },
        {"_id": "A2", "name": "作废客户", "life_status": "invalid"},
    ],
    "ContactObj": [
        {"_id": "C1", "name": "赵一", "mobile1": "13900139000", "email": "z@example.com", "account_id": "A1"}
    ],
    "LeadsObj": [
        {
            "_id": "L1",
            "company": "大理酒店",
            "mobile": "13700137000",
            "email": "",
            "leads_stage__r": "跟进中",
            "account_id": "",
        },
        {"_id": "L2", "company": "昆明茶业", "mobile": "", "email": "", "leads_stage__r": "已转换", "account_id": "A1"},
    ],
    "NewOpportunityObj": [
        {
            "_id": "N1",
            "account_id": "A1",
            "sales_status": "2",
            "sales_status__r": "赢单",
            "sales_stage__r": "签约",
            "amount": "12800.00",
            "probability": "60",
            "close_date": at(2025, 3, 31, 16),
        }
    ],
    "SalesOrderObj": [
        {"_id": "S1", "account_id": "A1", "order_time": at(2025, 3, 31, 16), "order_amount": "1280.50"},
        {
            "_id": "S2",
            "account_id": "A1",
            "order_time": at(2025, 4, 1, 16),
            "order_amount": "60.00",
            "life_status": "under_review",
        },
    ],
    "ReturnedGoodsInvoiceObj": [
        {
            "_id": "R1",
            "order_id": "S1",
            "account_id": "A1",
            "returned_goods_time": at(2025, 4, 9, 16),
            "returned_goods_inv_amount": "80.50",
        }
    ],
    "ActiveRecordObj": [
        {
            "_id": "V1",
            "interactive_types": ["chat"],
            "related_object_data": [{"id": "A1", "describe_api_name": "AccountObj"}],
        },
        {
            "_id": "V2",
            "interactive_types": ["call"],
            "related_object_data": [{"id": "N1", "describe_api_name": "NewOpportunityObj"}],
        },
    ],
    "contact_consent__c": [
        {
            "_id": "G1",
            "account_id__c": "A1",
            "channel__c": "phone",
            "answered_at__c": milliseconds(MADE),
            "is_granted__c": True,
        }
    ],
}
TIMES = {"负责人": "王销售", "创建时间": MADE_HERE, "最后修改时间": CHANGED_HERE}
NORMAL = {"生命状态": "正常"}
FILES: dict[str, list[dict[str, str]]] = {
    "客户20250601.xlsx": [
        {
            "客户编号": "A1",
            "客户名称": "昆明茶业",
            "电话": "138 0013 8000",
            "邮箱": "Buyer@Example.com",
            "1级行业": "零售",
            "省": "云南省",
            "市": "昆明市",
            "客户级别": "重要客户",
            **NORMAL,
            **TIMES,
        },
        {"客户编号": "A2", "客户名称": "作废客户", **TIMES, "生命状态": "作废"},
    ],
    "联系人.csv": [
        {"联系人编号": "C1", "姓名": "赵一", "手机": "13900139000", "邮件": "z@example.com", "客户编号": "A1", **TIMES}
    ],
    "线索.csv": [
        {
            "线索编号": "L1",
            "公司": "大理酒店",
            "手机": "13700137000",
            "邮件": "",
            "线索阶段": "跟进中",
            "客户编号": "",
            **TIMES,
        },
        {"线索编号": "L2", "公司": "昆明茶业", "手机": "", "邮件": "", "线索阶段": "已转换", "客户编号": "A1", **TIMES},
    ],
    "商机.csv": [
        {
            "商机编号": "N1",
            "商机名称": "春茶",
            "客户编号": "A1",
            "阶段状态": "赢单",
            "商机阶段": "签约",
            "商机金额": "￥12,800.00",
            "赢率": "60",
            "结单日期": "2025-04-01",
            **TIMES,
        }
    ],
    "销售订单.xlsx": [
        {
            "销售订单编号": "S1",
            "客户编号": "A1",
            "下单日期": "2025-04-01",
            "销售订单金额(元)": "1,280.50",
            **NORMAL,
            **TIMES,
        },
        {
            "销售订单编号": "S2",
            "客户编号": "A1",
            "下单日期": "2025-04-02",
            "销售订单金额(元)": "60.00",
            **TIMES,
            "生命状态": "审核中",
        },
    ],
    "退货单.csv": [
        {
            "退货单编号": "R1",
            "销售订单编号": "S1",
            "客户编号": "A1",
            "退货日期": "2025-04-10",
            "退货单总金额": "80.50",
            **NORMAL,
        }
    ],
    "销售记录.csv": [{"编号": "V1", "客户编号": "A1", "跟进时间": MADE_HERE, "跟进方式": "微信", "负责人": "王销售"}],
    "授权.csv": [{"客户编号": "A1", "渠道": "电话", "授权时间": MADE_HERE, "是否同意": "是"}],
}
# What both bring, by hand: midnight in Shanghai is 16:00 of the day before in UTC.
LANDED: dict[str, list[tuple[Any, ...]]] = {
    "select customer_ref, kind, industry, region, city, crm_level, owner, is_phone_valid, is_deleted, created_at, "
    "updated_at from customers order by customer_ref": [
        ("A1", "company", "零售", "云南省", "昆明市", "重要客户", "王销售", True, False, MADE, CHANGED),
        ("A2", "company", None, None, None, None, "王销售", False, True, MADE, CHANGED),
        ("C1", "person", None, None, None, None, "王销售", True, False, MADE, CHANGED),
        ("L1", None, None, None, None, None, "王销售", True, False, MADE, CHANGED),
        ("L2", None, None, None, None, None, "王销售", False, False, MADE, CHANGED),
    ],
    "select customer_ref, linked_source, linked_ref from customer_links where not is_deleted order by customer_ref": [
        ("C1", "crm", "A1"),
        ("L2", "crm", "A1"),
    ],
    "select lead_id, customer_ref, stage from leads order by lead_id": [("L1", "L1", "跟进中"), ("L2", "L2", "已转换")],
    "select opportunity_id, customer_ref, status, stage, amount, probability, currency, "
    "cast(expected_close_on as varchar) from opportunities": [
        ("N1", "A1", "won", "签约", Decimal("12800.00"), Decimal("0.6"), "CNY", "2025-04-01")
    ],
    "select order_id, customer_ref, ordered_at, status, gross_amount, updated_at from orders order by order_id": [
        ("S1", "A1", datetime(2025, 3, 31, 16, tzinfo=UTC), "completed", Decimal("1280.50"), CHANGED),
        ("S2", "A1", datetime(2025, 4, 1, 16, tzinfo=UTC), "pending", Decimal("60.00"), CHANGED),
    ],
    "select refund_id, order_id, customer_ref, refunded_at, amount, is_deleted from refunds": [
        ("R1", "S1", "A1", datetime(2025, 4, 9, 16, tzinfo=UTC), Decimal("80.50"), False)
    ],
    "select interaction_id, customer_ref, occurred_at, channel, owner from interactions": [
        ("V1", "A1", MADE, "wechat", "王销售")
    ],
    "select customer_ref, channel, occurred_at, is_granted from consents": [("A1", "phone", MADE, True)],
}


@pytest.fixture(scope="module")
def server() -> Iterator[FxiaokeServer]:
    with FxiaokeServer({name: [{**COMMON, **record} for record in records] for name, records in OBJECTS.items()}) as it:
        yield it


def configured(workshop: Workshop, example: str, **replaced: str) -> Settings:
    """Settings with the example, as a user would copy it."""
    text = (EXAMPLES / example).read_text(encoding="utf-8")
    for before, after in replaced.items():
        assert before in text
        text = text.replace(before, after)
    loaded = workshop.settings(LEAST)
    (workshop.paths.config / "sources.yaml").write_text(text, encoding="utf-8")
    return replace(loaded, sources=load_model(workshop.paths.config / "sources.yaml", SourcesSettings))


LEAST = """
  - {name: none, reads: [{entity: campaigns, path: inbox/none.csv, columns: {campaign_id: id}}]}
"""


def rejected(result: LandingResult) -> list[tuple[str, int, int]]:
    return [(batch.entity, batch.rejected, batch.excluded) for batch in result.batches if batch.rejected]


def test_the_example_for_the_open_api_lands_a_business(tmp_path: Path, server: FxiaokeServer) -> None:
    workshop = Workshop(tmp_path, hash_key="k" * 32)
    settings = configured(
        workshop, "sources-fxiaoke-api.yaml", **{"kind: fxiaoke": f"kind: fxiaoke\n    url: {server.url}"}
    )
    settings = replace(settings, environment=replace(settings.environment, secrets=server.secrets("crm")))
    # The follow-up of an opportunity is left out by the example's own rule.
    assert rejected(land(settings, now=NOW)) == [("interactions", 1, 1)]
    for query, rows in LANDED.items():
        assert workshop.rows(query) == rows


def test_the_example_for_exports_lands_the_same_business(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, hash_key="k" * 32)
    settings = configured(workshop, "sources-fxiaoke-export.yaml")
    folder = workshop.inbox / "fxiaoke"
    folder.mkdir()
    for name, records in FILES.items():
        header = list(records[0])
        rows = [header, *[[record.get(column, "") for column in header] for record in records]]
        if name.endswith(".xlsx"):
            with xlsxwriter.Workbook(str(folder / name)) as book:
                sheet = book.add_worksheet("导出数据")
                for number, row in enumerate(rows):
                    sheet.write_row(number, 0, row)
        else:
            lines = "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
            (folder / name).write_bytes(lines.encode("gb18030"))
    assert rejected(land(settings, now=NOW)) == []
    for query, rows_landed in LANDED.items():
        assert workshop.rows(query) == rows_landed
