"""The impact's own sentences, in English and Chinese. Labels of classes and dimensions come from the standards.

Text in braces is filled in with formatted values; both languages of a sentence take the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagster_project.impact.result import Said
from dagster_project.settings.publishing import Language
from dagster_project.settings.standards import Label


class Words:
    """The sentences of one language, by key."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._index = 0 if language is Language.ENGLISH else 1

    def __call__(self, key: str, **values: str) -> str:
        """The sentence of `key` with its values; a key that does not exist is a fault of this room."""
        text = TEXTS[key][self._index]
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def label(self, label: Label) -> str:
        """A label of the standard in this language."""
        return label.en if self.language is Language.ENGLISH else label.zh

    def said(self, said: Said) -> str:
        """A sentence in this language."""
        return said.en if self.language is Language.ENGLISH else said.zh

    def listed(self, items: Sequence[str]) -> str:
        """Items in a row, as the language separates them."""
        return (", " if self.language is Language.ENGLISH else "、").join(items)


TEXTS: dict[str, tuple[str, str]] = {
    "product": ("Customer Strata", "客户分层 Customer Strata"),
    "title": ("What the new standard would change", "新标准会带来哪些变化"),
    "as_of": ("As of {day}", "截至 {day}"),
    "present": ("Present standard", "现行标准"),
    "proposed": ("New standard", "新标准"),
    "currency": ("Currency", "币种"),
    "named": ("{name} ({version})", "{name}（{version}）"),
    "same_version": (
        "Both are the same version: the new standard differs in nothing that classes depend on.",
        "两者版本相同：新标准没有改变任何影响分类的规则。",
    ),
    "nothing_written": (
        "Nothing is applied: this page compares, and the warehouse is as it was.",
        "本页仅作比较，尚未生效，数据仓库没有任何改动。",
    ),
    # Figures at the top
    "kpi.customers": ("Customers", "客户总数"),
    "kpi.customers_note": ("{revenue} revenue in the window", "窗口期收入 {revenue}"),
    "kpi.moved": ("Who would move", "类别会变的客户"),
    "kpi.moved_note": ("in at least one dimension: {share}", "至少一个维度，占 {share}"),
    "kpi.money": ("Revenue that moves with them", "涉及的收入"),
    "kpi.money_note": ("{share} of the window's revenue", "占窗口期收入的 {share}"),
    "kpi.dimensions": ("Dimensions that change", "有变化的维度"),
    "kpi.dimensions_note": ("of {count} that both have", "共同维度 {count} 个"),
    "kpi.high": ("Next revenue from high value", "高价值客户的后续收入占比"),
    "kpi.high_note": ("{present} by the present standard", "现行标准为 {present}"),
    # Sections
    "differences": ("What is different", "规则的不同之处"),
    "differences_note": ("Words and plans are left out: they move nobody.", "不含名称与经营策略：它们不影响分类。"),
    "more_differences": ("… and {count} more.", "……另有 {count} 处。"),
    "summary": ("Who moves, by dimension", "各维度的变化"),
    "summary_note": (
        "Revenue is that of the window of the published day, after refunds, in {currency}.",
        "收入为已发布当日的窗口期收入，已扣除退款，币种 {currency}。",
    ),
    "moves_of": ("{dimension}: who moves", "{dimension}：变化明细"),
    "moves_note": (
        "{customers} customers move ({share}), with {revenue} of revenue.",
        "{customers} 位客户变动（{share}），涉及收入 {revenue}。",
    ),
    "added_of": ("{dimension}: a new dimension", "{dimension}：新增维度"),
    "added_note": ("The present standard does not have it.", "现行标准没有该维度。"),
    "removed_of": ("{dimension}: a dimension that goes", "{dimension}：取消的维度"),
    "removed_note": ("The new standard does not have it.", "新标准没有该维度。"),
    "steady": ("Unchanged: {dimensions}.", "没有变化：{dimensions}。"),
    "nobody_moves": ("Nobody moves.", "没有客户变动。"),
    "examples": ("For example", "举例"),
    "examples_note": (
        "The customers with the most revenue among those of the largest moves.",
        "人数最多的变动中收入最高的客户。",
    ),
    "backtest": ("Which standard told the future better", "哪个标准更能预见未来"),
    "backtest_note": (
        "Both standards, applied to {count} month ends from {first} to {last}, against the 90 days that followed each.",
        "将两套标准用于 {first} 至 {last} 的 {count} 个月末，与其后 90 天的实际情况对照。",
    ),
    "backtest_none": (
        "There is no month end with 90 days after it yet, so neither can be tested on the past.",
        "尚无其后满 90 天的月末，无法用历史检验。",
    ),
    "high_value_customer_share": ("Customers in high value", "高价值客户的人数占比"),
    "high_value_revenue_share": ("Share of the next revenue from high value", "后续收入中高价值客户的占比"),
    "silent_return_rate": ("Silent customers who came back", "沉默客户回归比例"),
    "rank_correlation": ("Rank correlation of value with the next revenue", "价值与后续收入的秩相关"),
    "backtest_classes": ("Who ordered again in the 90 days", "其后 90 天内再次下单的比例"),
    "foresight": ("Which dimension tells best what comes", "哪个维度最能预见后来"),
    "foresight_note": (
        "Classes stand in the order of what they brought a customer, or of how many ordered again. Revenue: what the "
        "tenth of the customers in the best classes brought. Told apart: how often, of a customer who ordered again "
        "and one who did not, the first stood in the better class; the same class counts half, chance gives 50%. Who "
        "had never ordered is left out.",
        "各类别按人均收入或再次下单比例排序。收入：位于最好类别的十分之一客户带来的收入占比。区分：任取一位再次下单的"
        "客户和一位没有的，前者类别更好的比例；同类算一半，纯靠运气为 50%。从未下单者不计。",
    ),
    "notes": ("What this does not show", "未体现的部分"),
    "kept_span": (
        "{setting} differs. What is counted from raw rows with it keeps its published value here: {measures}.",
        "{setting} 有改动。以下指标须从原始数据统计，此处沿用已发布的数值：{measures}。",
    ),
    "lacks_cluster_fit": (
        "The new standard has clusters, and none are fitted yet: everybody is in unknown. Fit them with "
        "strata clusters fit once it is applied.",
        "新标准启用了聚类，但尚未拟合：所有客户均为未知。生效后请运行 strata clusters fit。",
    ),
    "absent": ("–", "–"),
    "class_why": ("{code}: {why}", "{code}：{why}"),
    "points": ("{step} points", "{step} 个百分点"),
    "other": ("1 smaller move", "其余 1 种变动"),
    "others": ("{count} smaller moves", "其余 {count} 种变动"),
    # Headings of tables
    "h.dimension": ("Dimension", "维度"),
    "h.from": ("From", "原类别"),
    "h.to": ("To", "新类别"),
    "h.class": ("Class", "类别"),
    "h.customers": ("Customers", "客户数"),
    "h.share": ("Share", "占比"),
    "h.revenue": ("Revenue", "收入"),
    "h.revenue_share": ("Share of revenue", "收入占比"),
    "h.moved": ("Move", "变动客户"),
    "h.customer": ("Customer", "客户"),
    "h.present_why": ("By the present standard", "现行标准的依据"),
    "h.proposed_why": ("By the new standard", "新标准的依据"),
    "h.measure": ("Measure", "指标"),
    "h.setting": ("Setting", "设置"),
    "corner": ("From ↓ to →", "原 ↓ 新 →"),
    "h.present": ("Present", "现行标准"),
    "h.proposed": ("New", "新标准"),
    "h.difference": ("Difference", "差异"),
    "status.added": ("new", "新增"),
    "status.removed": ("goes", "取消"),
    "h.total": ("Total", "合计"),
    "h.present_tenth": ("Revenue from a tenth, present", "十分之一的收入（现行）"),
    "h.proposed_tenth": ("Revenue from a tenth, new", "十分之一的收入（新）"),
    "h.present_told": ("Told apart, present", "区分（现行）"),
    "h.proposed_told": ("Told apart, new", "区分（新）"),
    "h.present_repeat": ("Ordered again, present", "再次下单（现行）"),
    "h.proposed_repeat": ("Ordered again, new", "再次下单（新）"),
}
