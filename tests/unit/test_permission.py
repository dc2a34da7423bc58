"""A withdrawal that lands after the day was built wins over its list: in files, and in what goes to a CRM."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from landing_workshop import Workshop

from dagster_project.publishing.list_rows import channel_rows
from dagster_project.publishing.lists import DayLists, write_lists
from dagster_project.settings.publishing import Channel, PublishingSettings

DAY = date(2018, 1, 1)
BUILT_AT = datetime(2018, 1, 2, 6, 30, tzinfo=UTC)
SOURCES = """
  - name: grocery
    kind: files
    time_zone: UTC
    reads:
      - entity: consents
        path: inbox/consents*.csv
        columns:
          customer_ref: who
          channel: channel
          occurred_at: {from: at, formats: iso}
          is_granted: granted
      - entity: customers
        path: inbox/customers*.csv
        columns:
          customer_ref: who
          do_not_contact: leave
          updated_at: {from: at, formats: iso}
"""


class Company:
    """A warehouse whose list of DAY is built, and a landing folder in which things go on."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: PublishingSettings, root: Path) -> None:
        self.con = con
        self.settings = settings
        self.workshop = Workshop(root)
        self.listed = self.references("telesales")
        self.lands_consents(*((who, "phone", "2017-06-01T10:00:00Z", "true") for who in self.listed))
        self.number = 1

    def references(self, channel: str) -> list[str]:
        rows = self.con.execute(
            "select customer_id from marts.reactivation_list where channel = ? and arm = 'treated' order by position",
            [channel],
        ).fetchall()
        return [str(customer_id) for (customer_id,) in rows]

    def lands_consents(self, *rows: tuple[str, str, str, str]) -> None:
        """(who, channel, at, granted)"""
        self._lands("consents", ("who", "channel", "at", "granted"), rows)

    def lands_customers(self, *rows: tuple[str, str, str]) -> None:
        """(who, leave, at)"""
        self._lands("customers", ("who", "leave", "at"), rows)

    def _lands(self, name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        number = len(list(self.workshop.inbox.glob("*.csv")))
        self.workshop.write(f"{name}{number}.csv", text.getvalue())
        result = self.workshop.land(SOURCES)
        assert not sum(batch.rejected for batch in result.batches)

    def channel(self, name: str = "telesales") -> Channel:
        return next(channel for channel in self.settings.reactivation.channels if channel.name == name)

    def write(self, now: datetime = BUILT_AT) -> DayLists:
        return write_lists(
            self.con, paths=self.workshop.paths, settings=self.settings, day=DAY, currency="USD", now=now,
            who="ann", why="test",
        )  # fmt: skip

    def shown(self, now: datetime = BUILT_AT, channel: str = "telesales") -> list[str]:
        """Who can be read on the list."""
        from dagster_project.publishing.assignments import issue

        issued = issue(self.con, self.workshop.paths, DAY)
        assert issued is not None
        rows = channel_rows(self.con, self.channel(channel), issued, paths=self.workshop.paths, now=now)
        assert all((row["name"] is None) == (row["contact"] is None) for row in rows)
        return [str(row["customer_id"]) for row in rows if row["contact"]]


@pytest.fixture
def company(marts: duckdb.DuckDBPyConnection, publishing_settings: PublishingSettings, tmp_path: Path) -> Company:
    return Company(marts, publishing_settings, tmp_path)


def test_without_news_the_list_is_as_it_was_built(company: Company) -> None:
    assert company.shown() == company.listed
    assert len(company.listed) > 3


def test_a_withdrawal_that_lands_between_build_and_export_takes_the_customer_off_and_is_counted(
    company: Company,
) -> None:
    gone, *others = company.listed
    company.lands_consents((gone, "phone", "2018-01-02T05:00:00Z", "false"))
    written = next(entry for entry in company.write().lists if entry.channel == "telesales")
    assert (written.rows, written.withheld) == (len(others), 1)
    text = written.csv.read_text(encoding="utf-8-sig")
    [(name, phone)] = company.con.execute(
        "select name, phone from personal.customer_contacts where customer_id = ?", [int(gone)]
    ).fetchall()
    assert phone not in text
    assert name not in text
    assert company.shown() == others


def test_a_withdrawal_that_lands_after_the_export_takes_the_customer_off_when_it_is_written_again(
    company: Company,
) -> None:
    company.write()
    company.lands_consents((company.listed[0], "phone", "2018-01-02T09:00:00Z", "false"))
    again = next(entry for entry in company.write(datetime(2018, 1, 2, 10, tzinfo=UTC)).lists)
    assert (again.rows, again.withheld) == (len(company.listed) - 1, 1)


@pytest.mark.parametrize(
    ("event", "is_shown"),
    [
        (("phone", "2018-01-02T05:00:00Z", "false"), False),
        (("phone", "2018-02-01T00:00:00Z", "false"), False),  # of a time to come: a refusal counts
        (("phone", "2017-05-31T10:00:00Z", "false"), True),  # before the grant that stands
        (("phone", "2017-06-01T10:00:00Z", "false"), False),  # the grant corrected
        (("email", "2018-01-02T05:00:00Z", "false"), True),
        (("phone", "2018-01-02T05:00:00Z", "true"), True),
    ],
)
def test_the_newest_event_of_the_channel_decides(company: Company, event: tuple[str, str, str], is_shown: bool) -> None:
    who = company.listed[0]
    company.lands_consents((who, *event))
    assert (who in company.shown()) == is_shown
    assert company.shown()[-1] == company.listed[-1]


def test_a_grant_after_a_refusal_counts_from_its_time_on(company: Company) -> None:
    who = company.listed[0]
    company.lands_consents(
        (who, "phone", "2018-01-02T05:00:00Z", "false"), (who, "phone", "2018-01-02T08:00:00Z", "true")
    )
    assert who not in company.shown(datetime(2018, 1, 2, 7, tzinfo=UTC))
    assert who in company.shown(datetime(2018, 1, 2, 9, tzinfo=UTC))


def test_whom_a_record_says_not_to_contact_is_taken_off_until_a_newer_one_says_otherwise(company: Company) -> None:
    who = company.listed[0]
    company.lands_customers((who, "true", "2018-01-02T05:00:00Z"))
    assert company.shown() == company.listed[1:]
    company.lands_customers((who, "false", "2018-01-02T06:00:00Z"))
    assert company.shown() == company.listed


def test_a_refusal_under_another_of_the_customers_references_counts(company: Company) -> None:
    who = company.listed[0]
    company.con.execute("insert into identity.customer_aliases values ('grocery', 'twin', 9001, ?)", [int(who)])
    company.lands_consents(("twin", "phone", "2018-01-02T05:00:00Z", "false"))
    assert company.shown() == company.listed[1:]


def test_an_assumed_consent_stands_until_a_refusal_lands(company: Company, marts: duckdb.DuckDBPyConnection) -> None:
    assumed = company.references("wechat")
    marts.execute("update marts.reactivation_list set consent_basis = 'default' where channel = 'wechat'")
    assert company.shown(channel="wechat") == assumed
    company.lands_consents((assumed[0], "wechat", "2018-01-02T05:00:00Z", "false"))
    assert company.shown(channel="wechat") == assumed[1:]


def test_who_entered_by_a_recorded_consent_that_is_gone_is_taken_off(company: Company) -> None:
    assert company.references("wechat")
    assert company.shown(channel="wechat") == []  # their consents were never landed here
