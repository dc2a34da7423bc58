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
    ListField.TASK_ID: _words("Task", "任务编号"),
    ListField.NEED_TYPE: _words("Type of need", "需求类型"),
    ListField.MEDIAN_GAP_DAYS: _words("Used to buy every (days)", "以往购买间隔（天）"),
    ListField.REVENUE_BEFORE_SILENCE: _words("Worth before the silence", "沉默前一年消费"),
    ListField.EXPECTED_VALUE: _words("Worth expected", "预期价值"),
    ListField.RETURN_RATE: _words("Chance to return", "唤回概率"),
    ListField.TOP_CATEGORY: _words("Favourite category", "偏好品类"),
    ListField.LAST_PURCHASES: _words("Bought last", "最近所购商品"),
    ListField.NEXT_PRODUCTS: _words("Products to offer", "推荐商品"),
    ListField.OFFER: _words("Offer", "建议优惠"),
    ListField.BEST_WEEKDAY: _words("Best day", "最佳联系日"),
    ListField.USUAL_HOUR: _words("Best hour", "最佳时段"),
    ListField.PREFERRED_CHANNEL: _words("Prefers", "偏好渠道"),
    ListField.PLAN: _words("Plan", "经营策略"),
    ListField.TALKING_POINTS: _words("Talking points", "话术要点"),
    ListField.WORKED_AT: _words("Worked at", "联系时间"),
    ListField.OUTCOME: _words("Outcome", "联系结果"),
}
# Amounts are in the reporting currency, named in the heading.
AMOUNTS = frozenset(
    {
        ListField.AVERAGE_ORDER_VALUE,
        ListField.REVENUE,
        ListField.REVENUE_BEFORE_SILENCE,
        ListField.EXPECTED_VALUE,
        ListField.PRIORITY_SCORE,
    }
)
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
# As customer records and contacts name channels; other words of a CRM are shown as they are.
PREFERRED_CHANNELS: dict[str, Words] = {
    "phone": _words("Phone", "电话"),
    "wechat": _words("WeChat", "微信"),
    "sms": _words("SMS", "短信"),
    "email": _words("E-mail", "电子邮件"),
    "visit": _words("Visit", "拜访"),
    "service": _words("Customer service", "客服"),
}
WEEKDAYS: dict[int, Words] = {
    1: _words("Monday", "周一"),
    2: _words("Tuesday", "周二"),
    3: _words("Wednesday", "周三"),
    4: _words("Thursday", "周四"),
    5: _words("Friday", "周五"),
    6: _words("Saturday", "周六"),
    7: _words("Sunday", "周日"),
}
POINTS: dict[str, Words] = {
    "feature": _words("Feature", "特点"),
    "advantage": _words("Advantage", "优势"),
    "benefit": _words("Benefit", "利益"),
    "evidence": _words("Evidence", "证据"),
}
# What may be chosen in the column Outcome; config/examples/sources-list-results.yaml reads these words back.
OUTCOMES: dict[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("Reached", "Not reached", "Interested", "Refused", "Wrong contact", "Ordered", "Other"),
    Language.CHINESE: ("已接通", "未接通", "有意向", "拒绝", "联系方式错误", "已下单", "其他"),
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
    "{count} customers of this list are left out: their contact point is no longer held, or they withdrew since.",
    "名单中有 {count} 位客户未列出：其联系方式已不再保存，或其后撤回了授权。",
)
NOTES_SHEET = _words("Notes", "说明")
FACTS: dict[str, Words] = {
    "title": _words("Reactivation list", "沉默客户唤回名单"),
    "day": _words("Day", "日期"),
    "channel": _words("Channel", "渠道"),
    "campaign": _words("Campaign", "活动"),
    "rows": _words("Customers to contact", "应联系客户数"),
    "carried": _words("Of these, on an earlier list and not done with", "其中此前已在名单、尚未完成联系者"),
    "control": _words("In the control group, not on this list", "对照组人数（不在本名单中）"),
    "fields": _words("Columns", "列说明"),
    "care": _words("Handling", "使用须知"),
}
CARE = _words(
    "Personal data. Contact by this channel only, do not pass on, delete after the campaign.",
    "含个人信息。仅限本渠道联系使用，请勿外传，活动结束后删除。",
)
EXPLANATIONS: dict[ListField, Words] = {
    ListField.POSITION: _words(
        "Who stood on an earlier list comes first, then the highest expected return. Where a number is missing, a "
        "customer of the control group is left alone.",
        "此前已在名单上者在前，其余按预期回报从高到低排列；缺号处为不联系的对照组客户。",
    ),
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
    ListField.MEDIAN_GAP_DAYS: _words(
        "Median days between two purchases of this customer, when they still bought. Empty after a single one.",
        "该客户以往两次购买间隔天数的中位数；仅购买一次者为空。",
    ),
    ListField.REVENUE_BEFORE_SILENCE: _words(
        "Purchases less refunds in the year that ends with the last purchase.",
        "截至最近购买日的一年内，购买额减退款。",
    ),
    ListField.EXPECTED_VALUE: _words(
        "What they are likely to spend in the next 90 days; an average order of theirs where nothing is predicted.",
        "未来 90 天的预期消费；无预测时为其平均客单价。",
    ),
    ListField.RETURN_RATE: _words(
        "How many customers alike bought again within 90 days at earlier month ends.",
        "以往月末同类客户在 90 天内再次购买的比例。",
    ),
    ListField.TOP_CATEGORY: _words("Where most of their money of the last year went.", "最近一年消费金额最多的品类。"),
    ListField.LAST_PURCHASES: _words(
        "Up to three products of their last order day, the one that cost most first.",
        "最近购买日的商品，最多三种，金额最高者在前。",
    ),
    ListField.NEXT_PRODUCTS: _words(
        "What customers with the same basket bought next, else favourites of their category; nothing they own already.",
        "购买过相同商品的客户随后所购，否则为其偏好品类的热销商品；已购买的不再推荐。",
    ),
    ListField.OFFER: _words(
        "By why they are silent and what they care for; the words stand in publishing.yaml.",
        "依据沉默成因与需求类型给出，内容在 publishing.yaml 中设置。",
    ),
    ListField.BEST_WEEKDAY: _words(
        "The weekday on which they used to buy most. Empty where they have no habit.",
        "以往购买最多的星期几；无明显习惯者为空。",
    ),
    ListField.USUAL_HOUR: _words(
        "The hour in which they bought most in the last year, where it lies in the contact hours.",
        "最近一年购买最多的时段，仅在可联系时段内显示。",
    ),
    ListField.PREFERRED_CHANNEL: _words(
        "As they told us, else how they usually get in touch. This list has leave for its own channel only.",
        "客户登记的偏好，否则为其常用的联系方式。本名单仅获授权使用本渠道。",
    ),
    ListField.PLAN: _words("The plan of the playbook for this customer.", "策略手册中适用于该客户的策略。"),
    ListField.TALKING_POINTS: _words(
        "From the playbook: what we have, why it is better, what they gain, and the proof.",
        "摘自策略手册：我们有什么、好在哪里、客户得到什么、凭什么相信。",
    ),
    ListField.WORKED_AT: _words(
        "Fill in when you contacted them, as 2026-03-31 14:30, and give the file back.",
        "请填写联系时间，格式如 2026-03-31 14:30，并交回文件。",
    ),
    ListField.OUTCOME: _words("Choose what came of it.", "请选择联系结果。"),
    ListField.TASK_ID: _words(
        "By this number the outcome is read back: do not change it.", "联系结果据此编号回收，请勿改动。"
    ),
    ListField.PRIORITY_SCORE: _words("Chance to return × worth of the next order.", "唤回概率 × 下一单的预期金额。"),
    ListField.CONSENT_BASIS: _words(
        "Recorded: the customer granted this channel. Assumed: by the reason given in the settings.",
        "已登记：客户已授权该渠道；默认同意：依据配置中说明的理由。",
    ),
}
