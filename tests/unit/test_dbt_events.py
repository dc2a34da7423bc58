"""Events that no log takes are left out, and every log holds what it would hold without that."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from dbt.adapters.events.types import AdapterRegistered, SQLQuery
from dbt.events.types import MainReportVersion
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.logger import LineFormat, LoggerConfig

from dagster_project.warehouse.dbt_events import leave_out_unheard_events


@pytest.fixture(autouse=True)
def left_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The change, undone at the end."""
    monkeypatch.setattr(EventManager, "fire_event", EventManager.fire_event)
    for name in ("__init__", "__getattr__"):
        monkeypatch.setattr(BaseEvent, name, getattr(BaseEvent, name))
    leave_out_unheard_events()
    return


def logged(level: EventLevel) -> list[str]:
    """Lines of a log of `level`, without their times, after three events: debug, info, and debug raised to info."""
    stream = io.StringIO()
    manager = EventManager()
    manager.add_logger(
        LoggerConfig(name=f"test {level}", level=level, output_stream=stream, line_format=LineFormat.PlainText)
    )
    manager.fire_event(SQLQuery(conn_name="one", sql="select 1", node_info={}))
    manager.fire_event(MainReportVersion(version="=1.11", log_version=3))
    manager.fire_event(AdapterRegistered(adapter_name="duckdb", adapter_version="=1.11"), level=EventLevel.INFO)
    return [line.partition("  ")[2] for line in stream.getvalue().splitlines() if line.strip()]


def test_a_log_of_level_info_has_what_is_information_however_it_came_to_be() -> None:
    assert logged(EventLevel.INFO) == ["Running with dbt=1.11", "Registered adapter: duckdb=1.11"]


def test_a_log_of_level_debug_has_everything() -> None:
    assert logged(EventLevel.DEBUG) == ["On one: select 1", "Running with dbt=1.11", "Registered adapter: duckdb=1.11"]
