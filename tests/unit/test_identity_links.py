"""Contact points, decided pairs and accounts: who they make one customer, and whom they do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from identity_workshop import Link, Record, Reference, customers, link_staged, partition, stage

from dagster_project.settings.sources import Identity

SHOP, MEMBER, CRM, OTHER = ("shop", "b1"), ("club", "m1"), ("crm", "c1"), ("crm", "c2")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def together(con: duckdb.DuckDBPyConnection, *references: Reference) -> bool:
    found = customers(con)
    return len({found[reference] for reference in references}) == 1


def links_in_use(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute(
        "select source, customer_ref, other_source, other_ref, kind, evidence, first_batch_sequence "
        "from identity.identity_links where is_used order by all"
    ).fetchall()


def shared_points(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute("from identity.shared_contact_points order by all").fetchall()


def test_phone_address_and_wechat_id_make_one_customer_of_a_buyer_a_member_and_a_contact(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    buyer = Record(SHOP, {"phone": "p1"}, batch=1)
    member = Record(MEMBER, {"phone": "p1", "wechat": "w1"}, batch=2)
    contact = Record(CRM, {"email": "e1", "wechat": "w1"}, batch=4)
    lead = Record(OTHER, {"email": "e1"}, batch=3)
    stage(con, records=[buyer, member, contact, lead])
    found = link_staged(con, tmp_path)
    assert together(con, SHOP, MEMBER, CRM, OTHER)
    assert found.links == {"email": 1, "phone": 1, "wechat": 1}
    assert (found.customers, found.linked_references, found.largest) == (1, 3, 4)
    # Each piece of evidence says since which batch both hold it.
    assert links_in_use(con) == [
        ("club", "m1", "crm", "c1", "wechat", "w1", 4),
        ("club", "m1", "shop", "b1", "phone", "p1", 2),
        ("crm", "c1", "crm", "c2", "email", "e1", 4),
    ]


def test_equal_hashes_of_different_kinds_link_no_one(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    stage(con, records=[Record(SHOP, {"phone": "same"}), Record(CRM, {"email": "same", "wechat": "same"})])
    link_staged(con, tmp_path)
    assert not together(con, SHOP, CRM)


def test_two_records_of_one_system_with_one_phone_are_one_customer(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    stage(con, records=[Record(CRM, {"phone": "p"}), Record(OTHER, {"phone": "p"})])
    link_staged(con, tmp_path)
    assert together(con, CRM, OTHER)


@pytest.mark.parametrize(
    ("match", "is_linked"),
    [(("phone",), True), (("email", "wechat_id"), False), ((), False), (("email", "phone"), True)],
)
def test_only_the_chosen_contact_points_link(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, match: tuple[str, ...], is_linked: bool
) -> None:
    stage(con, records=[Record(SHOP, {"phone": "p"}), Record(CRM, {"phone": "p"})])
    link_staged(con, tmp_path, Identity.model_validate({"match": match}))
    assert together(con, SHOP, CRM) is is_linked


def test_the_newest_version_of_a_record_says_its_contact_points(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A number that was given back belongs to somebody else now; a blank one to nobody."""
    old, new = date(2023, 1, 1), date(2024, 1, 1)
    moved = [Record(SHOP, {"phone": "old"}, valid_from=old), Record(SHOP, {"phone": "new"}, valid_from=new, batch=2)]
    lost = [Record(MEMBER, {"email": "e"}, valid_from=old), Record(MEMBER, {}, valid_from=new, batch=2)]
    others = [Record(CRM, {"phone": "old", "email": "e"}), Record(OTHER, {"phone": "new"})]
    stage(con, records=[*moved, *lost, *others])
    link_staged(con, tmp_path)
    assert partition(customers(con)) == {frozenset({SHOP, OTHER}), frozenset({MEMBER}), frozenset({CRM})}


def test_a_deleted_record_links_no_one(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deleted = [
        Record(SHOP, {"phone": "p"}, valid_from=date(2023, 1, 1)),
        Record(SHOP, {"phone": "p"}, valid_from=date(2024, 1, 1), is_deleted=True),
    ]
    stage(con, records=[*deleted, Record(CRM, {"phone": "p"})])
    link_staged(con, tmp_path)
    assert not together(con, SHOP, CRM)


@pytest.mark.parametrize(("customers_with_it", "is_linked"), [(3, True), (4, False)])
def test_a_point_of_more_customers_than_the_limit_links_no_one_and_is_reported(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, customers_with_it: int, is_linked: bool
) -> None:
    references = [("shop", f"b{number}") for number in range(customers_with_it)]
    stage(con, records=[Record(reference, {"email": "test@"}) for reference in references])
    found = link_staged(con, tmp_path, Identity(shared_by_more_than=3))
    assert together(con, *references) is is_linked
    reported = [] if is_linked else [("email", "test@", 4, 4, "many_customers")]
    assert shared_points(con) == reported
    assert found.shared_points == ({} if is_linked else {"many_customers": 1})


def test_references_that_exact_ids_join_count_as_one_customer_of_a_point(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Five systems hold one person; a sixth knows the phone alone."""
    own = [(f"system{number}", "x") for number in range(5)]
    records = [Record(reference, {"phone": "p"}) for reference in [*own, SHOP]]
    stage(con, links=[(own[0], reference) for reference in own[1:]], records=records)
    link_staged(con, tmp_path, Identity(shared_by_more_than=2))
    assert together(con, *own, SHOP)
    assert shared_points(con) == []


def test_forced_pairs_are_one_customer_and_their_line_is_the_evidence(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    stage(con, [SHOP, CRM, OTHER])
    found = link_staged(con, tmp_path, forced=[(CRM, SHOP), (SHOP, ("shop", "never landed"))])
    assert partition(customers(con)) == {frozenset({SHOP, CRM}), frozenset({OTHER})}
    assert links_in_use(con) == [("crm", "c1", "shop", "b1", "forced", "forced.csv:2", None)]
    assert found.unknown_pairs == ("forced.csv:3",)


def test_a_pair_of_a_reference_that_has_not_landed_holds_once_it_lands(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    stage(con, [SHOP])
    link_staged(con, tmp_path, forced=[(SHOP, CRM)])
    stage(con, [SHOP, CRM])
    found = link_staged(con, tmp_path, forced=[(SHOP, CRM)])
    assert together(con, SHOP, CRM)
    assert found.unknown_pairs == ()


def test_a_point_that_both_of_an_excluded_pair_have_links_no_third_to_either(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Father and son use one phone: whose the shop's order is cannot be told by it."""
    father, son, buyer = CRM, OTHER, SHOP
    stage(con, records=[Record(each, {"phone": "p"}) for each in (father, son, buyer)])
    found = link_staged(con, tmp_path, excluded=[(father, son)])
    assert len(set(customers(con).values())) == 3
    assert shared_points(con) == [("phone", "p", 3, 3, "excluded_pair")]
    assert (found.cut_links, found.shared_points) == (0, {"excluded_pair": 1})


def test_a_point_of_a_customer_by_exact_ids_and_of_whom_it_excludes_links_no_one(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """crm:c1 and club:m1 are one by a declared id; that club:m1 has the address of crm:c2 cannot join what is apart."""
    stage(con, links=[(CRM, MEMBER)], records=[Record(MEMBER, {"email": "e"}), Record(OTHER, {"email": "e"})])
    found = link_staged(con, tmp_path, excluded=[(CRM, OTHER)])
    assert partition(customers(con)) == {frozenset({CRM, MEMBER}), frozenset({OTHER})}
    assert found.shared_points == {"excluded_pair": 1}


@pytest.mark.parametrize("match", [("phone", "email"), ("email", "phone")])
def test_of_two_contact_points_the_one_named_first_in_the_settings_is_stronger(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, match: tuple[str, str]
) -> None:
    stage(
        con,
        records=[
            Record(CRM, {"phone": "p"}),
            Record(MEMBER, {"phone": "p", "email": "e"}),
            Record(OTHER, {"email": "e"}),
        ],
    )
    found = link_staged(con, tmp_path, Identity.model_validate({"match": match}), excluded=[(CRM, OTHER)])
    assert together(con, MEMBER, CRM) is (match[0] == "phone")
    assert together(con, MEMBER, OTHER) is (match[0] == "email")
    assert found.cut_links == 1
    cut = con.execute("select kind from identity.identity_links where not is_used").fetchall()
    assert cut == [(match[1],)]


def test_a_forced_pair_is_stronger_than_a_declared_id(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    stage(con, links=[(SHOP, CRM)], records=[Record(OTHER)])
    link_staged(con, tmp_path, forced=[(SHOP, OTHER)], excluded=[(CRM, OTHER)])
    assert partition(customers(con)) == {frozenset({SHOP, OTHER}), frozenset({CRM})}


ACCOUNTS = Identity.model_validate({"customers_are": "account"})
FIRM_A, FIRM_B, FIRM_A_ELSEWHERE = ("crm", "A"), ("crm", "B"), ("erp", "9")
ANN, BEN, EVE = ("crm", "ann"), ("crm", "ben"), ("crm", "eve")


def firm(reference: Reference, **points: str) -> Record:
    return Record(reference, points, kind="company")


def account_links() -> list[Link]:
    return [(ANN, FIRM_A), (BEN, FIRM_B)]


def test_contacts_are_part_of_their_account(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """With the order that a contact placed under the phone that the CRM knows."""
    records = [firm(FIRM_A), firm(FIRM_B), Record(ANN, {"phone": "p"}), Record(BEN), Record(SHOP, {"phone": "p"})]
    stage(con, links=account_links(), records=records)
    link_staged(con, tmp_path, ACCOUNTS)
    assert partition(customers(con)) == {frozenset({FIRM_A, ANN, SHOP}), frozenset({FIRM_B, BEN})}


def test_a_contact_never_links_two_accounts(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Ann and Ben have one phone; whose the shop's order under it is cannot be told."""
    points = {"phone": "p"}
    records = [firm(FIRM_A), firm(FIRM_B), Record(ANN, points), Record(BEN, points), Record(SHOP, points)]
    stage(con, links=account_links(), records=records)
    found = link_staged(con, tmp_path, ACCOUNTS)
    assert partition(customers(con)) == {frozenset({FIRM_A, ANN}), frozenset({FIRM_B, BEN}), frozenset({SHOP})}
    assert found.shared_points == {"several_accounts": 1}


def test_a_contact_of_two_accounts_stays_with_the_first_and_the_other_link_is_cut(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    stage(con, links=[(ANN, FIRM_B), (ANN, FIRM_A)], records=[firm(FIRM_A), firm(FIRM_B), Record(ANN)])
    found = link_staged(con, tmp_path, ACCOUNTS)
    assert partition(customers(con)) == {frozenset({FIRM_A, ANN}), frozenset({FIRM_B})}
    assert found.cut_links == 1


def test_companies_with_one_phone_are_one_account_whoever_else_has_it(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    points = {"phone": "switchboard"}
    records = [firm(FIRM_A, **points), firm(FIRM_A_ELSEWHERE, **points), firm(FIRM_B), Record(ANN), Record(BEN, points)]
    stage(con, links=account_links(), records=records)
    link_staged(con, tmp_path, ACCOUNTS)
    assert partition(customers(con)) == {frozenset({FIRM_A, FIRM_A_ELSEWHERE, ANN}), frozenset({FIRM_B, BEN})}


def test_contacts_of_one_account_count_as_one_customer_of_its_switchboard(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    people = [("crm", f"person{number}") for number in range(9)]
    records = [
        firm(FIRM_A, phone="p"),
        *(Record(person, {"phone": "p"}) for person in people),
        Record(SHOP, {"phone": "p"}),
    ]
    stage(con, links=[(person, FIRM_A) for person in people], records=records)
    link_staged(con, tmp_path, ACCOUNTS)
    assert together(con, FIRM_A, *people, SHOP)


def test_without_accounts_a_company_is_a_customer_like_any_other(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    points = {"phone": "p"}
    records = [firm(FIRM_A), firm(FIRM_B), Record(ANN, points), Record(BEN, points)]
    stage(con, links=account_links(), records=records)
    link_staged(con, tmp_path)
    assert together(con, FIRM_A, ANN, BEN, FIRM_B)


def test_a_warehouse_without_customers_links_no_one_and_has_its_tables(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    stage(con)
    found = link_staged(con, tmp_path)
    assert (found.references, found.customers, found.largest) == (0, 0, 0)
    assert links_in_use(con) == shared_points(con) == []
