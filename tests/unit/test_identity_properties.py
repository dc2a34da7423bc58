"""Whatever lands, in whatever order: who is one customer, against a slow answer worked out pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import duckdb
import pytest
from examples import tried_with
from hypothesis import given
from hypothesis import strategies as st
from identity_workshop import (
    Link,
    Record,
    Reference,
    customers,
    link_staged,
    merged_by_hand,
    partition,
    stage,
)

from dagster_project.settings.sources import CustomersAre, Identity

REFERENCES: tuple[Reference, ...] = tuple((source, ref) for source, ref in product(("crm", "shop", "club"), "abcd"))
EXAMPLES = tried_with(8)


@dataclass(frozen=True)
class World:
    """What has landed, and what people decided."""

    records: tuple[Record, ...]
    links: tuple[Link, ...]
    excluded: tuple[Link, ...]
    limit: int
    customers_are: CustomersAre

    @property
    def identity(self) -> Identity:
        return Identity(shared_by_more_than=self.limit, customers_are=self.customers_are)

    def linked(self, folder: pytest.TempPathFactory, arrival: Sequence[int] | None = None) -> Answer:
        """Link it, its records having landed in the order `arrival`."""
        batches = arrival or range(len(self.records))
        records = [replace(record, batch=batch + 1) for record, batch in zip(self.records, batches, strict=True)]
        with duckdb.connect(config={"threads": 1}) as con:
            stage(con, links=self.links, records=records)
            link_staged(con, folder.mktemp("registry"), self.identity, excluded=self.excluded)
            evidence = con.execute(
                "select (source, customer_ref), (other_source, other_ref), kind, evidence, is_used "
                "from identity.identity_links order by all"
            ).fetchall()
            aside = con.execute("select kind, hash from identity.shared_contact_points").fetchall()
            aliases = con.execute(
                "select registry_id, customer_id from identity.customer_aliases order by registry_id"
            ).fetchall()
            return Answer(customers(con), evidence, {(kind, hash_) for kind, hash_ in aside}, aliases)


@dataclass(frozen=True)
class Answer:
    """The tables of who is who."""

    customers: dict[Reference, int]
    evidence: list[tuple[Reference, Reference, str, str, bool]]
    aside: set[tuple[str, str]]
    aliases: list[tuple[int, int]]


@st.composite
def worlds(draw: st.DrawFn, *, has_rules: bool = True) -> World:
    hashes = st.none() | st.sampled_from(["1", "2", "3", "4", "5"])
    records = []
    for reference in REFERENCES:
        points = {kind: value for kind in ("phone", "email") if (value := draw(hashes)) is not None}
        records.append(Record(reference, points, kind=draw(st.sampled_from(["person", "person", "company", None]))))
    pairs = st.tuples(st.sampled_from(REFERENCES), st.sampled_from(REFERENCES)).filter(lambda pair: pair[0] != pair[1])
    return World(
        records=tuple(records),
        links=tuple(draw(st.lists(pairs, max_size=5, unique=True))),
        excluded=tuple(draw(st.lists(pairs, max_size=4 if has_rules else 0))),
        limit=draw(st.integers(1, 5)),
        customers_are=draw(st.sampled_from(CustomersAre)) if has_rules else CustomersAre.PERSON,
    )


def holders(world: World) -> dict[tuple[str, str], list[Reference]]:
    found: dict[tuple[str, str], list[Reference]] = {}
    for record in world.records:
        for kind, value in record.points.items():
            found.setdefault((kind, value), []).append(record.reference)
    return found


def edges_by_hand(world: World) -> list[Link]:
    """Every pair of holders of a point that stands, and every declared link."""
    exact = merged_by_hand(REFERENCES, world.links)
    standing = [each for each in holders(world).values() if len({exact[one] for one in each}) <= world.limit]
    return [*world.links, *(pair for each in standing for pair in combinations(each, 2))]


@EXAMPLES
@given(world=worlds(has_rules=False))
def test_customers_are_what_merging_pair_by_pair_gives(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    answer = world.linked(tmp_path_factory)
    assert partition(answer.customers) == partition(merged_by_hand(REFERENCES, edges_by_hand(world)))
    assert all(is_used for *_, is_used in answer.evidence)


@EXAMPLES
@given(world=worlds())
def test_the_evidence_in_use_makes_the_customers_and_every_id_is_the_smallest_number(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answer = world.linked(tmp_path_factory)
    used = [(own, other) for own, other, _, _, is_used in answer.evidence if is_used]
    assert partition(answer.customers) == partition(merged_by_hand(REFERENCES, used))
    numbers: dict[int, list[int]] = {}
    for registry_id, customer_id in answer.aliases:
        numbers.setdefault(customer_id, []).append(registry_id)
    assert all(customer_id == min(members) for customer_id, members in numbers.items())


@EXAMPLES
@given(world=worlds(), arrival=st.permutations(range(len(REFERENCES))))
def test_the_order_of_arrival_changes_numbers_only(
    world: World, arrival: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, other = world.linked(tmp_path_factory), world.linked(tmp_path_factory, arrival)
    assert partition(one.customers) == partition(other.customers)
    assert (one.evidence, one.aside) == (other.evidence, other.aside)


@EXAMPLES
@given(world=worlds())
def test_an_unrelated_customer_changes_nothing(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    stranger = Record(("bank", "z"), {"phone": "of nobody else", "email": "nor this"})
    one = world.linked(tmp_path_factory)
    other = replace(world, records=(*world.records, stranger)).linked(tmp_path_factory)
    assert other.customers.pop(stranger.reference) == len(REFERENCES) + 1
    assert (one.customers, one.evidence, one.aside) == (other.customers, other.evidence, other.aside)


@EXAMPLES
@given(world=worlds())
def test_what_must_be_apart_is_apart_and_no_link_is_cut_for_nothing(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answer = world.linked(tmp_path_factory)
    together = answer.customers
    assert all(together[own] != together[other] for own, other in world.excluded)
    accounts = accounts_by_hand(world, answer.evidence)
    for part in partition(together):
        assert len({accounts[reference] for reference in part if reference in accounts}) <= 1
    for own, other, _, _, is_used in answer.evidence:
        assert (together[own] == together[other]) is is_used
        if not is_used:
            joined = [
                reference for reference, customer in together.items() if customer in (together[own], together[other])
            ]
            assert must_be_apart(joined, world.excluded, accounts)


def accounts_by_hand(world: World, evidence: list[tuple[Reference, Reference, str, str, bool]]) -> dict[Reference, int]:
    """The account of each company, by links of companies among themselves; nobody's where customers are persons."""
    if world.customers_are is CustomersAre.PERSON:
        return {}
    companies = {record.reference for record in world.records if record.kind == "company"}
    own_links = [(own, other) for own, other, *_ in evidence if {own, other} <= companies]
    found = merged_by_hand(REFERENCES, own_links)
    return {company: found[company] for company in companies}


def must_be_apart(part: Iterable[Reference], excluded: Iterable[Link], accounts: dict[Reference, int]) -> bool:
    members = set(part)
    return (
        any(set(pair) <= members for pair in excluded) or len({accounts[each] for each in members & set(accounts)}) > 1
    )


@EXAMPLES
@given(world=worlds())
def test_a_point_that_more_customers_share_than_the_limit_is_no_evidence(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With accounts, a point that a contact of another account has, too, goes on linking companies to one another."""
    answer = world.linked(tmp_path_factory)
    has_accounts = world.customers_are is CustomersAre.ACCOUNT
    companies = {record.reference for record in world.records if has_accounts and record.kind == "company"}
    assert not answer.aside & {
        (kind, value)
        for own, other, kind, value, is_used in answer.evidence
        if is_used and not {own, other} <= companies
    }
    if world.customers_are is CustomersAre.PERSON and not world.excluded:
        exact = merged_by_hand(REFERENCES, world.links)
        shared = {point for point, each in holders(world).items() if len({exact[one] for one in each}) > world.limit}
        assert answer.aside == shared
