"""The sections of the day's list, its cut points and the quality of the data."""

from __future__ import annotations

LIST_AND_QUALITY: dict[str, tuple[str, str]] = {
    "list": ("Today's reactivation list", "今日唤回名单"),
    "list_note": (
        "{silent} silent customers were looked at; {eligible} may be contacted. Campaign: {campaign}.",
        "共考察 {silent} 位沉默客户，其中 {eligible} 位可以联系。活动：{campaign}。",
    ),
    "list_none": ("No list was issued for this day.", "当日未发布名单。"),
    "list_control": (
        "The control group is drawn on the way down the list and left alone, so that the effect can be measured.",
        "对照组在名单排序过程中抽取，不予联系，以便衡量效果。",
    ),
    "causes": ("Why they fell silent", "沉默成因"),
    "suppressions": ("Why some are not contacted", "不予联系的原因"),
    "suppressions_none": ("Nobody is held back.", "没有被排除的客户。"),
    "note.channel_closed": ("Closed: its capacity is 0", "渠道关闭：名额为 0"),
    "note.later_list_issued": ("A later list is issued already", "已发布更晚日期的名单"),
    "note.no_consents_landed": ("No consents are on record, so nobody may be contacted", "没有授权记录，不得联系"),
    "note.no_eligible_customer": ("No silent customer may be contacted this way", "没有可通过该渠道联系的沉默客户"),
    "note.consent_default": ("Consent assumed: {reason}", "默认同意：{reason}"),
    "cuts": ("The day's cut points", "当日分界值"),
    "cuts_none": (
        "No customer ordered in the window, so there are no cut points.",
        "窗口期内没有客户下单，因此没有分界值。",
    ),
    "cuts_note": (
        "What separates the scores, and high from low in the eight types.",
        "各得分之间的界线，以及八类客户的高低界线。",
    ),
    "cut.recency": ("Recency (days since the last order)", "近度 R（距上次购买天数）"),
    "cut.frequency": ("Frequency (orders in the window)", "频率 F（窗口期订单数）"),
    "cut.monetary": ("Money (revenue in the window)", "金额 M（窗口期收入）"),
    "cut.between": ("{low} | {high}", "{low} | {high}"),
    "cut.type": ("High / low", "高低界线"),
    "quality": ("How good the data is", "数据质量"),
    "quality_note": (
        "{read} rows were read, {accepted} accepted, {rejected} set aside with their reasons.",
        "共读取 {read} 行，接受 {accepted} 行，隔离 {rejected} 行并注明原因。",
    ),
    "quality_none": ("No landing counts were given to this report.", "本报告未包含落地行数。"),
    "check.rows": (
        "Rows read = accepted + rejected, for every source and entity",
        "每个来源与实体均满足：读取 = 接受 + 拒绝",
    ),
    "check.rates": ("Orders without an exchange rate: {count}", "缺少汇率的订单：{count}"),
    "holds": ("holds", "通过"),
    "fails": ("fails", "未通过"),
    "footer": (
        "Classes are computed once a day, from events up to the end of this day. This page holds no personal data.",
        "客户类别每日计算一次，依据截至当日结束时的数据。本页不含个人信息。",
    ),
}
