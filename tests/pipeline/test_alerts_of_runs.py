"""A run of the command line that fails tells its targets once, before it ends, and fails as it would without them."""

from __future__ import annotations

import socket
from pathlib import Path

from pytest_httpserver import HTTPServer
from shop_runs import SECOND_AS_OF, Shop
from tiny_shop import build_tiny_shop

ALERTS = """
alerts:
  targets: [{name: team, language: zh}, {name: deaf, events: [failed_run]}]
  late_after: "00:00"
"""


def alerted(shop: Shop) -> None:
    """Add targets to a shop's settings."""
    path = shop.config / "publishing.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.partition("\nalerts:")[0] + ALERTS, encoding="utf-8")


def test_a_failed_run_tells_who_is_named_and_fails_all_the_same(
    tmp_path: Path, parsed_project: Path, httpserver: HTTPServer
) -> None:
    shop = Shop(*build_tiny_shop(tmp_path)).spared_the_parse(parsed_project)
    alerted(shop)
    refunds = shop.data / "inbox" / "shop" / "refunds.csv"
    refunds.write_text(refunds.read_text(encoding="utf-8-sig").replace("退款编号", "编号", 1), encoding="utf-8")
    httpserver.expect_request("/hook").respond_with_data("")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        addresses = {
            "STRATA_ALERT_TEAM": httpserver.url_for("/hook"),
            "STRATA_ALERT_DEAF": f"http://127.0.0.1:{nobody.getsockname()[1]}/s3cret",
        }
        said = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1, **addresses)
    assert "refunds.csv" in said, "the failure itself is told as ever"
    assert "alert target deaf was not told" in said
    assert "alert target deaf was not told" in shop.newest_log()
    assert "s3cret" not in said + shop.newest_log()

    [(request, _)] = httpserver.log
    told = request.get_json()
    assert told["title"] == f"Customer Strata：运行失败（daily，{SECOND_AS_OF}）"
    assert "landing" in told["message"]
    assert f"strata run --as-of {SECOND_AS_OF}" in told["message"]
    assert str(next((shop.data / "logs").glob("*.log"))) in told["message"]

    # No day is stored, and yesterday is over.
    late = shop.strata("alerts", "late", **addresses)
    assert "Targets were told." in late
    assert "it was told today" in shop.strata("alerts", "late", **addresses)
    assert [request.get_json()["title"] for request, _ in httpserver.log[1:]] == ["Customer Strata：数据迟到"]

    tested = shop.strata("alerts", "test", code=1, **addresses)
    assert "arrived" in tested
    assert "1 of 2 targets cannot be reached." in tested
    assert "测试" in httpserver.log[-1][0].get_json()["title"]
