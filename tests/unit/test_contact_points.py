"""A phone, an e-mail address and a WeChat id have one normal form, however they were typed, and no two share one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.contract.contact_points import normalise_email, normalise_phone, normalise_wechat

MOBILE = "+8613800138000"
LANDLINE = "+862162345678"


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "138　0013　8000",  # ideographic spaces
        "１３８００１３８０００",
        "＋８６１３８００１３８０００",
        "+86 138 0013 8000",
        "+86-138-0013-8000",
        "(+86)13800138000",
        "（86）138 0013 8000",
        "(86)138 0013 8000",
        "8613800138000",
        "008613800138000",
        "0086 138-0013-8000",
        "013800138000",
        "0138 0013 8000",
        "+86\u00a013800138000",
        "\u202a+8613800138000\u202c",  # as copied from a phone's contact list
        "\ufeff13800138000",
        "13800138000\u200b",
        "tel:+8613800138000",
        "手机：13800138000",
        "13800138000（本人）",
        "13800138000.0",  # a spreadsheet's number
    ],
)
def test_a_chinese_mobile_has_one_form_however_it_is_typed(text: str) -> None:
    point = normalise_phone(text, "CN")
    assert (point.normal, point.is_valid) == (MOBILE, True)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("(021)62345678", LANDLINE),
        ("021-6234-5678", LANDLINE),
        ("0086-021-62345678", LANDLINE),
        ("+86 21 62345678", LANDLINE),
        ("021-62345678-801", f"{LANDLINE};ext=801"),
        ("021-62345678 转 801", f"{LANDLINE};ext=801"),
        ("０２１－６２３４５６７８转801", f"{LANDLINE};ext=801"),
        ("021-62345678 分机：801", f"{LANDLINE};ext=801"),
        ("021 62345678 ext. 801", f"{LANDLINE};ext=801"),
        ("13800138000 转 2", f"{MOBILE};ext=2"),
    ],
)
def test_an_extension_is_part_of_the_number(text: str, normal: str) -> None:
    """A switchboard is shared by colleagues, and by the buyers to whom a market place lends a number."""
    point = normalise_phone(text, "CN")
    assert (point.normal, point.is_valid) == (normal, True)


@pytest.mark.parametrize("text", ["+86 13800138000", "0086 138 0013 8000", "(+86)13800138000", "+1 212 555 0101"])
@pytest.mark.parametrize("country", ["CN", "US", "GB", None])
def test_a_number_that_says_its_country_needs_no_default(text: str, country: str | None) -> None:
    expected = "+12125550101" if text.startswith("+1") else MOBILE
    assert normalise_phone(text, country) == normalise_phone(expected, None)
    assert normalise_phone(expected, None).is_valid


@pytest.mark.parametrize("text", ["13800138000", "138-0013-8000", "8613800138000", "(212) 555-0101", "021-62345678"])
def test_a_number_without_a_country_is_nobodys_where_there_is_no_default(text: str) -> None:
    assert not normalise_phone(text, None).is_valid


def test_the_default_country_decides_whose_number_it_is() -> None:
    assert normalise_phone("650-253-0000", "US").normal == "+16502530000"
    assert not normalise_phone("650-253-0000", "CN").is_valid
    assert not normalise_phone("13800138000", "US").is_valid


@pytest.mark.parametrize(
    "text",
    [
        "13800138000/13900139000",
        "13800138000 13900139000",
        "1380013800",
        "138001380000",
        "62345678",
        "10086",
        "1-800-FLOWERS",
        "1.3800138e10",
        "电话不详",
        "无",
        "",
        "   ",
        "00",
        "+",
    ],
)
def test_what_cannot_be_dialled_for_certain_is_no_phone(text: str) -> None:
    assert not normalise_phone(text, "CN").is_valid


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" Ann.Lee@Example.com ", "ann.lee@example.com"),
        ("\tann@example.com\r\n", "ann@example.com"),
        ("\u3000ann@example.com\u00a0", "ann@example.com"),
        ("\ufeffann@example.com", "ann@example.com"),
        ("ann@example.com\u200b", "ann@example.com"),
        ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com"),
        ("ann@BÜCHER.de", "ann@bücher.de"),
        ("ann@xn--bcher-kva.de", "ann@bücher.de"),
        ("ann@XN--FSQU00A.xn--4rr70v", "ann@例子.广告"),
        ("王芳@例子.广告", "王芳@例子.广告"),
    ],
)
def test_an_address_has_one_form_whatever_its_case_blanks_and_spelling_of_the_domain(text: str, normal: str) -> None:
    point = normalise_email(text)
    assert (point.normal, point.is_valid) == (normal, True)


def test_dots_and_tags_of_an_address_are_left_alone() -> None:
    forms = [
        "a.nn@gmail.com",
        "ann@gmail.com",
        "ann+shop@gmail.com",
        "ann@googlemail.com",
        "straße@x.de",
        "strasse@x.de",
    ]
    assert len({normalise_email(form).normal for form in forms}) == len(forms)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ann", "ann@", "@example.com", "ann@localhost", "an n@example.com", "a@example..com"),
        *("a@b.com, c@d.com", "Ann <ann@example.com>", "mailto:ann@example.com", "ann@example.com.", "ann@-x.com"),
        "ann@xn--\x80.com",
    ],
)
def test_what_is_no_single_address_is_not_well_formed(text: str) -> None:
    assert not normalise_email(text).is_valid


@pytest.mark.parametrize("text", ["WxId_Ab12", " wxid_ab12\n", "ｗｘｉｄ＿ａｂ１２", "wxid_ab12\u200b"])
def test_a_wechat_id_has_one_form_whatever_its_case_and_width(text: str) -> None:
    point = normalise_wechat(text)
    assert (point.normal, point.is_valid) == ("wxid_ab12", True)


@pytest.mark.parametrize("text", ["", "无", "微信", "ab", "wx id", "unknown", "WeChat", "a" * 31, "ann@example.com"])
def test_what_is_no_wechat_id_is_not_well_formed(text: str) -> None:
    assert not normalise_wechat(text).is_valid


@given(text=st.text(max_size=40), country=st.sampled_from(["CN", "US", None]))
def test_any_text_has_a_normal_form_that_is_its_own(text: str, country: str | None) -> None:
    for point in (normalise_phone(text, country), normalise_email(text), normalise_wechat(text)):
        assert isinstance(point.normal, str)
    for normalise in (lambda each: normalise_phone(each, country), normalise_email, normalise_wechat):
        point = normalise(text)
        if point.is_valid:
            assert normalise(point.normal) == point


@given(number=st.integers(0, 10**8 - 1), prefix=st.sampled_from(["", "+86", "0086", "+86-", "(+86) ", "86 "]))
def test_mobiles_that_differ_stay_different(number: int, prefix: str) -> None:
    own, other = f"138{number:08d}", f"138{(number + 1) % 10**8:08d}"
    assert normalise_phone(prefix + own, "CN").normal == f"+86{own}"
    assert normalise_phone(other, "CN").normal == f"+86{other}"
