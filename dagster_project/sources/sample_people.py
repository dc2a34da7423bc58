"""Invented people for the sample's CRM exports: names in two scripts and contact points that reach nobody.

Phones lie in 555-0100 to 555-0199, which every North American area code keeps for fiction and which still pass as
valid numbers; e-mail is at the reserved example domains; WeChat ids say that they are generated.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np

AREA_CODES = (
    *(201, 203, 207, 212, 215, 267, 301, 302, 304, 330, 401, 410, 412, 413, 443, 484, 502, 508, 513, 516),
    *(518, 570, 585, 603, 607, 609, 610, 614, 617, 631, 646, 703, 716, 717, 718, 724, 732, 740, 757, 781, 804, 814),
)
PHONES_PER_AREA_CODE = 100

# City in English, city in Chinese, state, state in Chinese.
PLACES = (
    ("New York", "纽约", "NY", "纽约州"),
    ("Buffalo", "布法罗", "NY", "纽约州"),
    ("Albany", "奥尔巴尼", "NY", "纽约州"),
    ("Newark", "纽瓦克", "NJ", "新泽西州"),
    ("Philadelphia", "费城", "PA", "宾夕法尼亚州"),
    ("Pittsburgh", "匹兹堡", "PA", "宾夕法尼亚州"),
    ("Boston", "波士顿", "MA", "马萨诸塞州"),
    ("Hartford", "哈特福德", "CT", "康涅狄格州"),
)
_PLACE_LIMITS = (0.28, 0.36, 0.41, 0.55, 0.74, 0.83, 0.95)  # cumulative shares of all places but the last
CHINESE_SHARE = 0.45

_GIVEN = (
    *("Mary", "James", "Patricia", "Robert", "Jennifer", "John", "Linda", "Michael", "Elizabeth", "David", "Barbara"),
    *("William", "Susan", "Richard", "Jessica", "Joseph", "Sarah", "Thomas", "Karen", "Charles", "Lisa", "Daniel"),
    *("Nancy", "Matthew", "Betty", "Anthony", "Sandra", "Mark", "Margaret", "Paul", "Ashley", "Steven", "Kimberly"),
    *("Andrew", "Emily", "Kenneth", "Donna", "Joshua", "Michelle", "Kevin", "Carol", "Brian", "Amanda", "George"),
    *("Melissa", "Edward", "Deborah", "Ronald", "José", "Zoë", "Anne-Marie", "Siobhán"),
)
_FAMILY = (
    *("Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Lopez"),
    *("Hernandez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee", "Perez"),
    *("Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen"),
    *("King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall"),
    *("Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "O'Brien", "Müller", "Peña", "St. John"),
)
_CHINESE_FAMILY = (
    *(("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"), ("赵", "Zhao")),
    *(("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"), ("胡", "Hu"), ("朱", "Zhu")),
    *(("高", "Gao"), ("林", "Lin"), ("何", "He"), ("郭", "Guo"), ("马", "Ma"), ("罗", "Luo"), ("梁", "Liang")),
    *(("欧阳", "Ouyang"), ("司马", "Sima"), ("尉迟", "Yuchi"), ("仉", "Zhang"), ("逄", "Pang")),
)
# The last row holds rare characters (生僻字): 䶮 and 㛃 lie in extension A, 𬎆 and 𬱖 outside the basic plane.
_CHINESE_GIVEN = (
    *(("伟", "Wei"), ("芳", "Fang"), ("娜", "Na"), ("秀英", "Xiuying"), ("敏", "Min"), ("静", "Jing"), ("丽", "Li")),
    *(("强", "Qiang"), ("磊", "Lei"), ("军", "Jun"), ("洋", "Yang"), ("勇", "Yong"), ("艳", "Yan"), ("杰", "Jie")),
    *(("娟", "Juan"), ("涛", "Tao"), ("明", "Ming"), ("超", "Chao"), ("秀兰", "Xiulan"), ("霞", "Xia"), ("平", "Ping")),
    *(
        ("刚", "Gang"),
        ("桂英", "Guiying"),
        ("子涵", "Zihan"),
        ("浩然", "Haoran"),
        ("欣怡", "Xinyi"),
        ("梓轩", "Zixuan"),
    ),
    *(("雨桐", "Yutong"), ("思远", "Siyuan"), ("晓燕", "Xiaoyan"), ("建国", "Jianguo"), ("玉兰", "Yulan")),
    *(("赟", "Yun"), ("翀", "Chong"), ("堃", "Kun"), ("喆", "Zhe"), ("彧", "Yu"), ("龑", "Yan"), ("昶", "Chang")),
    *(("䶮", "Yan"), ("㛃", "Jie"), ("𬎆", "Ying"), ("𬱖", "Wei")),
)
# Names that break a careless reader: quotes and commas in CSV, a formula in a spreadsheet, a sign at the front.
_AWKWARD = (
    ('Robert "Bob"', "O'Brien, Jr."),
    ("=1+1", "Formula"),
    ("Ana; María", "de la Cruz"),
    ("-Lee", "Null"),
    ("  Ruth ", "van der Berg"),
)


@dataclass(frozen=True)
class Person:
    """Someone who does not exist. `chinese_name` is None where the name is written in Latin letters only."""

    given: str
    family: str
    chinese_name: str | None
    area_code: int
    line: int
    email: str
    wechat_id: str
    place: int

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def local_name(self) -> str:
        """The name as a Chinese system holds it."""
        return self.chinese_name or self.name

    @property
    def phone(self) -> str:
        return f"({self.area_code}) 555-{self.line:04d}"

    @property
    def international_phone(self) -> str:
        return f"+1{self.area_code}555{self.line:04d}"


def invent_people(rng: np.random.Generator, count: int) -> list[Person]:
    """`count` people, each with contact points of their own.

    Raises:
        ValueError: more people than there are phone numbers kept for fiction in AREA_CODES.
    """
    if count > len(AREA_CODES) * PHONES_PER_AREA_CODE:
        raise ValueError(f"{count} people, but only {len(AREA_CODES) * PHONES_PER_AREA_CODE} fictitious phones")
    lines = rng.permutation(len(AREA_CODES) * PHONES_PER_AREA_CODE)[:count].tolist()
    people = [_invent(rng, number, line) for number, line in enumerate(lines, start=1)]
    step = max(1, count // (len(_AWKWARD) + 1))
    for rank, (given, family) in enumerate(_AWKWARD, start=1):
        if rank * step < count:
            people[rank * step] = replace(people[rank * step], given=given, family=family, chinese_name=None)
    return people


def _invent(rng: np.random.Generator, number: int, line: int) -> Person:
    chinese_name = None
    if rng.random() < CHINESE_SHARE:
        family_zh, family = _CHINESE_FAMILY[int(rng.integers(len(_CHINESE_FAMILY)))]
        given_zh, given = _CHINESE_GIVEN[int(rng.integers(len(_CHINESE_GIVEN)))]
        chinese_name = family_zh + given_zh
    else:
        given, family = _GIVEN[int(rng.integers(len(_GIVEN)))], _FAMILY[int(rng.integers(len(_FAMILY)))]
    domain = ("example.com", "example.org", "example.cn")[int(rng.integers(3))]
    return Person(
        given=given,
        family=family,
        chinese_name=chinese_name,
        area_code=AREA_CODES[line // PHONES_PER_AREA_CODE],
        line=100 + line % PHONES_PER_AREA_CODE,
        email=f"generated.{number:04d}@{domain}",
        wechat_id=f"wx_generated_{number:04d}",
        place=min(bisect_right(_PLACE_LIMITS, rng.random()), len(PLACES) - 1),
    )
