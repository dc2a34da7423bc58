"""marts.reactivation_outcomes with rows of a test's own: entries into campaigns and what came of them."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa
from marts_columns import COLUMNS

OUTCOMES = "marts.reactivation_outcomes"

# Of the invented campaigns: the chance to come back by cause of silence, and what being contacted adds by channel.
_CHANCES = {"fading": 0.22, "one_time_buyer": 0.08, "price": 0.16, "seasonal": 0.3, "after_complaint": 0.1}
_ADDED = {"telesales": 0.12, "wechat": 0.06, "sms": 0.0, "email": -0.01}
_OWNERS = ("Han Yuchen", "Finley Novak", "unknown")
_TIERS = ("high", "mid", "low")


def create_outcomes(con: duckdb.DuckDBPyConnection) -> None:
    """The empty table."""
    con.execute("create schema if not exists marts")
    con.execute(f"create table {OUTCOMES} ({COLUMNS[OUTCOMES]})")


def add_entries(
    con: duckdb.DuckDBPyConnection,
    arm: str,
    customers: int,
    returned: int,
    *,
    evaluated_on: date,
    entered_on: date,
    returned_after_days: int = 10,
    spent: str = "100.00",
    campaign_id: str = "reactivation-2018-01",
    channel: str = "telesales",
    silence_cause: str | None = "fading",
    value_tier: str | None = "high",
    first_customer: int = 1,
    is_contaminated: bool = False,
) -> None:
    """Add `customers` entries of an arm, numbered on from `first_customer`; the first `returned` of them came back.

    They came back `returned_after_days` after their entry and spent `spent`. What has not passed is not known.
    """
    con.execute(
        f"""
        insert into marts.reactivation_outcomes by name
        with entries as (
            select
                $first_customer + number as customer_id,
                number < $returned as is_back,
                date_diff('day', $entered_on::date, $evaluated_on::date) as days_passed
            from range($customers) as numbers (number)
        )
        select
            $evaluated_on as evaluated_on, $campaign_id as campaign_id, customer_id as registry_id, customer_id,
            $entered_on as entered_on, $arm as arm, $channel as channel, $silence_cause as silence_cause,
            $value_tier as value_tier, $is_contaminated as is_contaminated,
            {_horizons()}
        from entries
        """,
        {
            "arm": arm,
            "customers": customers,
            "returned": returned,
            "evaluated_on": evaluated_on,
            "entered_on": entered_on,
            "after": returned_after_days,
            "spent": spent,
            "campaign_id": campaign_id,
            "channel": channel,
            "silence_cause": silence_cause,
            "value_tier": value_tier,
            "first_customer": first_customer,
            "is_contaminated": is_contaminated,
        },
    )


def _horizons() -> str:
    return ", ".join(
        f"days_passed >= {days} as has_{days}_days, "
        f"case when days_passed >= {days} then is_back and $after <= {days} end as returned_{days}d, "
        f"case when days_passed >= {days} then if(is_back and $after <= {days}, $spent::decimal(18,2), 0) end "
        f"as revenue_{days}d"
        for days in (30, 60, 90)
    )


def invent_campaigns(con: duckdb.DuckDBPyConnection, evaluated_on: date, *, entries: int = 2400) -> None:
    """Outcomes and work of four campaigns of a month before `evaluated_on`, each a month long, three in ten left alone.

    The newest campaign has not reached its 90 days. The same day, the same rows.
    """
    rng = np.random.default_rng(11)
    days_before = rng.integers(31, 151, entries)
    causes, channels = rng.choice(list(_CHANCES), entries), rng.choice(list(_ADDED), entries, p=[0.4, 0.4, 0.17, 0.03])
    is_treated = rng.random(entries) >= 0.3
    chances = [
        _CHANCES[cause] + _ADDED[channel] * treated
        for cause, channel, treated in zip(causes, channels, is_treated, strict=True)
    ]
    returns_after = np.where(rng.random(entries) < chances, rng.integers(1, 90, entries), 1000)
    spent = np.round(rng.lognormal(4, 0.8, entries), 2)
    is_worked = is_treated & (rng.random(entries) < np.where(channels == "telesales", 0.7, 0.95))
    con.register(
        "invented",
        pa.table(
            {
                "number": np.arange(1, entries + 1),
                "entered_on": [evaluated_on - timedelta(days=int(days)) for days in days_before],
                "days": days_before,
                "arm": np.where(is_treated, "treated", "control"),
                "channel": channels,
                "silence_cause": causes,
                "owner": rng.choice(list(_OWNERS), entries, p=[0.6, 0.39, 0.01]),
                "value_tier": rng.choice(list(_TIERS), entries, p=[0.3, 0.4, 0.3]),
                "returns_after": returns_after,
                "spent": spent,
                "is_worked": is_worked,
                "hours": np.round(rng.lognormal(2, 1, entries), 2),
            }
        ),
    )
    known = ", ".join(
        f"days >= {span} as has_{span}_days, "
        f"case when days >= {span} then returns_after <= {span} end as returned_{span}d, "
        f"case when days >= {span} then if(returns_after <= {span}, spent, 0) end as revenue_{span}d"
        for span in (30, 60, 90)
    )
    con.execute(
        f"""
        insert into {OUTCOMES} by name
        select date '{evaluated_on}' as evaluated_on, strftime(entered_on, 'reactivation-%Y-%m') as campaign_id,
            number as registry_id, number as customer_id, entered_on, arm, channel, owner, silence_cause, value_tier,
            false as is_contaminated, is_worked, if(is_worked, hours, null) as hours_to_first_contact, {known}
        from invented
        """
    )
    con.execute(
        f"""
        insert into marts.reactivation_work by name
        select evaluated_on, campaign_id, channel, owner, count(*) as treated, count(*) filter (is_worked) as worked,
            count(*) filter (is_worked) / count(*) as share_worked,
            median(hours_to_first_contact) as median_hours_to_first_contact,
            count(*) filter (not is_worked) as open
        from {OUTCOMES} where arm = 'treated' and evaluated_on = date '{evaluated_on}' group by all
        """
    )
    con.unregister("invented")
