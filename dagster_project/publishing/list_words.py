"""Headings and sentences of the reactivation lists, in English and Chinese.

Labels of classes are not here: they come from the standard.
"""

from __future__ import annotations

from dagster_project.settings.publishing import Language, ListField

Words = dict[Language, str]


def _words(english: str, chinese: str) -> Words:
    return {Language.ENGLISH: english, Language.CHINESE: chinese}


HEADINGS: dict[ListField, Words] = {
    ListField.POSITION: _words("Rank", "序号"),
    ListField.CUSTOMER_ID: _words("Customer", "客户编号"),
    ListField.NAME: _words("Name", "姓名"),
    ListField.OWNER: _words("Sales rep", "负责销售"),
    ListField.LIFECYCLE_STAGE: _words("Stage", "生命周期阶段"),
    ListField.SILENCE_CAUSE: _words("Why silent", "沉默成因"),
    ListField.RECENCY_DAYS: _words("Days since last purchase", "距上次购买天数"),
    ListField.SILENCE_LIMIT_DAYS: _words("Usual limit (days)", "沉默界限（天）"),
    ListField.DAYS_SILENT: _words("Days over the limit", "超出界限天数"),
    ListField.VALUE_TIER: _words("Value", "价值等级"),
    ListField.RFM_SEGMENT: _words("Segment", "客户分群"),
    ListField.LAST_ORDER_ON: _words("Last purchase", "最近购买日"),
    ListField.ORDER_COUNT: _words("Orders", "订单数"),
    ListField.AVERAGE_ORDER_VALUE: _words("Average order", "平均客单价"),
    ListField.REVENUE: _words("Revenue to date", "累计消费"),
    ListField.PRIORITY_SCORE: _words("Expected return", "预期回报"),
    ListField.CONSENT_BASIS: _words("Consent", "授权依据"),
}
# Amounts are in the reporting currency, named in the heading.
AMOUNTS = frozenset({ListField.AVERAGE_ORDER_VALUE, ListField.REVENUE, ListField.PRIORITY_SCORE})
CONTACT_HEADINGS: dict[str, Words] = {
    "phone": _words("Phone", "电话"),
    "wechat_id": _words("WeChat", "微信号"),
    "email": _words("E-mail", "电子邮箱"),
}
CHANNELS: dict[str, Words] = {
    "telesales": _words("Telesales", "电销"),
    "wechat": _words("WeChat", "微信"),
    "sms": _words("SMS", "短信"),
    "email": _words("E-mail", "电子邮件"),
}
CONSENT_BASES: dict[str, Words] = {
    "recorded": _words("Recorded", "已登记"),
    "default": _words("Assumed", "默认同意"),
}
# Codes of marts.reactivation_list_notes; {reason} is that of consent_default.
NOTES: dict[str, Words] = {
    "channel_closed": _words(
        "The channel's capacity in publishing.yaml is 0.",
        "publishing.yaml 中该渠道的名额为 0。",
    ),
    "later_list_issued": _words(
        "A list of a later day is issued already; nobody enters a campaign on an earlier day any more.",
        "已发布更晚日期的名单，不能再为更早的日期追加客户。",
    ),
    "no_consents_landed": _words(
        "No consent has been landed and publishing.yaml sets no consent_default, so nobody may be contacted.",
        "尚未导入任何授权记录，publishing.yaml 也未设置 consent_default，因此不得联系任何客户。",
    ),
    "no_eligible_customer": _words(
        "No silent customer may be contacted by this channel today: see suppressed_reason in silent_customers.",
        "今日没有可通过该渠道联系的沉默客户，原因见 silent_customers 表的 suppressed_reason。",
    ),
    "consent_default": _words(
        "Consent was assumed where none is recorded: {reason}",
        "未登记授权的客户按默认同意处理：{reason}",
    ),
}
NOT_COMPUTED = _words("No list was computed for this day.", "当日未计算名单。")
ONLY_CONTROL = _words(
    "Everyone who entered today is in the control group, which is not contacted.",
    "今日进入活动的客户全部属于对照组，不予联系。",
)
WITHHELD = _words(
    "{count} customers of this list are left out: their contact point is no longer held.",
    "名单中有 {count} 位客户未列出：其联系方式已不再保存。",
)
NOTES_SHEET = _words("Notes", "说明")
FACTS: dict[str, Words] = {
    "title": _words("Reactivation list", "沉默客户唤回名单"),
    "day": _words("Day", "日期"),
    "channel": _words("Channel", "渠道"),
    "campaign": _words("Campaign", "活动"),
    "rows": _words("Customers to contact", "应联系客户数"),
    "control": _words("In the control group, not on this list", "对照组人数（不在本名单中）"),
    "fields": _words("Columns", "列说明"),
    "care": _words("Handling", "使用须知"),
}
CARE = _words(
    "Personal data. Contact by this channel only, do not pass on, delete after the campaign.",
    "含个人信息。仅限本渠道联系使用，请勿外传，活动结束后删除。",
)
EXPLANATIONS: dict[ListField, Words] = {
    ListField.POSITION: _words("Highest expected return first.", "按预期回报从高到低排列。"),
    ListField.SILENCE_LIMIT_DAYS: _words(
        "After so many days without a purchase this customer counts as silent, by their own rhythm.",
        "按该客户自身的购买节奏，超过此天数未购买即视为沉默。",
    ),
    ListField.DAYS_SILENT: _words(
        "Days since the last purchase beyond that limit.", "距上次购买的天数超出沉默界限的部分。"
    ),
    ListField.SILENCE_CAUSE: _words(
        "Likely cause, from the purchases and complaints.", "根据购买与投诉记录推断的原因。"
    ),
    ListField.PRIORITY_SCORE: _words("Chance to return × worth of the next order.", "唤回概率 × 下一单的预期金额。"),
    ListField.CONSENT_BASIS: _words(
        "Recorded: the customer granted this channel. Assumed: by the reason given in the settings.",
        "已登记：客户已授权该渠道；默认同意：依据配置中说明的理由。",
    ),
}
