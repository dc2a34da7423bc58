"""The section `identity` of sources.yaml, its files of pairs, and what a user is told of linking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from identity_workshop import Record, stage
from landing_workshop import Workshop
from pydantic import SecretStr

from dagster_project.defs.identity import link_references
from dagster_project.errors import SettingsError
from dagster_project.identity import LinkResult, link_notes, missing_key_note
from dagster_project.settings import Settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.sources import CustomersAre, Identity, Pair, SourcesSettings, read_pairs
from dagster_project.settings.yaml_documents import load_model
from dagster_project.warehouse import held

HEADER = "source,customer_ref,other_source,other_ref"
SOURCES = """\
- name: crm
  kind: files
  time_zone: UTC
  reads:
    - {entity: customers, path: inbox/c.csv, columns: {customer_ref: id, phone: phone, name: name}}
"""


def pairs_of(folder: Path, *, forced: str | bytes = HEADER, excluded: str | bytes = HEADER) -> tuple[Pair, ...]:
    for name, text in (("forced.csv", forced), ("excluded.csv", excluded)):
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    found = read_pairs(folder, Identity(forced_pairs="forced.csv", excluded_pairs="excluded.csv"))
    return (*found.forced, *found.excluded)


def refusal(folder: Path, **texts: str | bytes) -> str:
    with pytest.raises(SettingsError) as caught:
        pairs_of(folder, **texts)
    return str(caught.value)


def test_the_shipped_settings_show_the_defaults() -> None:
    shipped = load_model(PROJECT_ROOT / "config" / "sources.yaml", SourcesSettings)
    assert shipped.identity == Identity()
    assert (PROJECT_ROOT / "config" / "sources.yaml").read_text(encoding="utf-8").count("shared_by_more_than: 3") == 1


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("{match: [fax]}", "'fax' is not one of phone, email, wechat_id"),
        ("{match: [phone, phone]}", "name each contact point once"),
        ("{shared_by_more_than: 0}", "greater than or equal to 1"),
        ("{shared_by_more_than: 2.5}", "valid integer"),
        ("{customers_are: accounts}", "did you mean 'account'?"),
        ("{forced_pair: x.csv}", "did you mean 'forced_pairs'?"),
        ('{forced_pairs: ""}', "at least 1 character"),
    ],
)
def test_a_mistake_in_the_section_is_named_with_its_place(tmp_path: Path, section: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Workshop(tmp_path).settings(SOURCES + f"identity: {section}\n")
    assert "identity" in str(caught.value)
    assert words in str(caught.value)


def test_a_section_that_is_left_out_takes_the_defaults(tmp_path: Path) -> None:
    identity = Workshop(tmp_path).settings(SOURCES).sources.identity
    assert identity.match == ("phone", "email", "wechat_id")
    assert (identity.shared_by_more_than, identity.customers_are) == (3, CustomersAre.PERSON)


def test_pairs_are_read_with_their_lines_whatever_the_order_of_columns(tmp_path: Path) -> None:
    header = "\ufeffother_ref,other_source, source ,customer_ref,reason"
    forced = f"{header}\r\n b1 ,shop,crm,王,same desk\r\n\r\nb2,shop,crm,2,\r\n"
    assert pairs_of(tmp_path, forced=forced, excluded=f"{HEADER}\n crm,2,crm,3\n") == (
        Pair("crm", "王", "shop", "b1", "forced.csv:2"),
        Pair("crm", "2", "shop", "b2", "forced.csv:4"),
        Pair("crm", "2", "crm", "3", "excluded.csv:2"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "forced.csv:1: the column source is missing"),
        ("source,customer_ref,other_source\n", "forced.csv:1: the column other_ref is missing"),
        ("source,customer_ref,other_source,othr_ref\n", "did you mean 'other_ref'?"),
        (f"{HEADER},source\n", "a column stands twice"),
        (f"{HEADER}\ncrm,,shop,SECRET\n", "forced.csv:2: customer_ref is blank"),
        (f"{HEADER}\ncrm,SECRET,shop\n", "forced.csv:2: other_ref is blank"),
        (f"{HEADER}\ncrm,SECRET,shop,2,why,more\n", "forced.csv:2: there are 6 cells for 4 columns"),
        (f"{HEADER}\ncrm,SECRET,crm,SECRET\n", "forced.csv:2: the pair names one reference twice"),
        (f'{HEADER}\ncrm,"SECRET,shop,2\n', "not valid CSV"),
        (f"{HEADER}\ncrm,王,shop,2\n".encode("gb18030"), "is not UTF-8"),
    ],
)
def test_a_file_of_pairs_that_cannot_be_meant_is_refused_without_naming_a_reference(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    message = refusal(tmp_path, forced=text)
    assert words in message
    assert "SECRET" not in message


def test_a_missing_file_of_pairs_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pairs\.csv, identity\.excluded_pairs, is missing\. Put it there"):
        read_pairs(tmp_path, Identity(excluded_pairs="pairs.csv"))


def test_forced_pairs_may_not_join_an_excluded_one_along_any_way(tmp_path: Path) -> None:
    forced = f"{HEADER}\ncrm,1,shop,a\nclub,m,shop,a\nclub,m,crm,2\n"
    message = refusal(tmp_path, forced=forced, excluded=f"{HEADER}\ncrm,9,crm,1\ncrm,1,crm,2\n")
    assert message.startswith("excluded.csv:3 excludes a pair that forced pairs make one customer")


def test_that_contact_points_link_no_one_is_said_where_some_are_mapped_and_there_is_no_key(tmp_path: Path) -> None:
    without = Workshop(tmp_path).settings(SOURCES)
    assert "linked by phone," in str(missing_key_note(without))
    assert missing_key_note(with_key(without)) is None
    assert missing_key_note(Workshop(tmp_path).settings(SOURCES + "identity: {match: [email]}\n")) is None
    assert missing_key_note(Workshop(tmp_path).settings(SOURCES.replace("phone: phone, ", ""))) is None


def with_key(settings: Settings) -> Settings:
    return replace(settings, environment=replace(settings.environment, hash_key=SecretStr("k")))


def test_notes_hold_counts_and_places_and_there_are_none_where_nothing_was_left_out() -> None:
    quiet = LinkResult(references=2, new_references=0, customers=1, linked_references=1)
    assert link_notes(quiet) == []
    loud = replace(
        quiet,
        cut_links=1,
        shared_points={"many_customers": 1_200, "excluded_pair": 34},
        unknown_pairs=tuple(f"pairs.csv:{line}" for line in range(2, 9)),
    )
    assert link_notes(loud) == [
        "1,234 contact points are shared and linking no one; see shared_contact_points.",
        "1 link is cut to keep customers apart; see identity_links where not is_used.",
        "7 pairs are listed with a reference that has not landed: "
        "pairs.csv:2, pairs.csv:3, pairs.csv:4, pairs.csv:5, pairs.csv:6 ….",
    ]


def test_a_run_says_once_what_linking_left_out_by_the_settings_that_hold(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    settings = workshop.settings(SOURCES + "identity: {shared_by_more_than: 1}\n")
    said: list[str] = []
    with held(workshop.paths.warehouse, who="test", wait_seconds=5) as warehouse:
        with warehouse.connection() as con:
            stage(con, records=[Record(("crm", ref), {"phone": "p"}) for ref in "ab"])
        found = link_references(warehouse, settings, said.append)
    assert found.customers == 2
    assert [note.split()[0] for note in said] == ["STRATA_HASH_KEY", "1"]
