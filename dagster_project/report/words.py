"""The report's own sentences, in English and Chinese. Labels of classes come from the standard.

Text in braces is filled in with formatted values; both languages of a sentence take the same ones.
"""

from __future__ import annotations

from dagster_project.settings.publishing import Language


class Words:
    """The sentences of one language, by key."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._index = 0 if language is Language.ENGLISH else 1

    def __call__(self, key: str, **values: str) -> str:
        """The sentence of `key` with its values; a KeyError for a key that does not exist is a fault of the page."""
        text = TEXTS[key][self._index]
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def or_code(self, prefix: str, code: str) -> str:
        """The words for a code of a closed set, or the code as words where a newer one has none."""
        entry = TEXTS.get(f"{prefix}.{code}")
        return entry[self._index] if entry else code.replace("_", " ")

    def listed(self, items: list[str]) -> str:
        """Items in a row, as the language separates them."""
        return (", " if self.language is Language.ENGLISH else "、").join(items)


TEXTS: dict[str, tuple[str, str]] = {
    "product": ("Customer Strata", "客户分层 Customer Strata"),
    "title": ("Who our customers are", "我们的客户是谁"),
    "as_of": ("As of {day}", "截至 {day}"),
    "standard": ("Standard", "分类标准"),
    "code": ("Code", "代码版本"),
    "currency": ("Currency", "币种"),
    "window_note": (
        "Revenue is that of the rolling window up to this day, after refunds.",
        "收入指截至当日的滚动窗口期收入，已扣除退款。",
    ),
    "generated": (
        "Part of this data is invented. The sources {sources} were generated for demonstration: names, contact points, "
        "consents and follow-ups in them belong to nobody.",
        "部分数据为虚构。来源 {sources} 由演示程序生成，其中的姓名、联系方式、授权与跟进记录均不属于任何真实个人。",
    ),
    "no_script": (
        "The charts need JavaScript; every number is in the tables too.",
        "图表需要 JavaScript；表格中包含全部数字。",
    ),
    # Figures at the top
    "kpi.customers": ("Customers", "客户总数"),
    "kpi.customers_note": ("{prospects} of them have not bought yet", "其中 {prospects} 位尚未购买"),
    "kpi.revenue": ("Revenue in the window", "窗口期收入"),
    "kpi.revenue_note": ("{average} per buyer", "每位购买客户 {average}"),
    "kpi.active": ("Active customers", "活跃客户"),
    "kpi.active_note": ("{loyal} of them loyal", "其中忠诚客户 {loyal} 位"),
    "kpi.silent": ("Silent or churned", "沉默或流失"),
    "kpi.silent_note": ("{revenue} bought in the window", "窗口期内消费 {revenue}"),
    "kpi.list": ("On today's lists", "今日名单"),
    "kpi.list_note": ("{control} more in the control group", "另有对照组 {control} 位"),
    # Sections
    "stages": ("Where customers stand", "客户所处阶段"),
    "stages_note": (
        "Each customer is measured against their own rhythm: silent means quiet for longer than is usual for them.",
        "以每位客户自身的购买节奏衡量：沉默，指安静的时间超过其惯常间隔。",
    ),
    "stages_note_fixed": (
        "Silent means more days without an order than the standard allows, the same for every customer.",
        "沉默，指未下单的天数超过分类标准规定的天数，对所有客户一致。",
    ),
    "value": ("Where the money comes from", "收入来自谁"),
    "value_note": (
        "{share} of the customers who bought bring {value} of the {measure}: the high-value tier.",
        "{share} 的购买客户带来了 {value} 的{measure}，即高价值客户。",
    ),
    "measure.revenue": ("revenue", "收入"),
    "measure.margin": ("margin", "毛利"),
    "curve_x": ("Customers, best first", "客户占比（由高到低）"),
    "curve_y": ("Share of {measure}", "{measure}占比"),
    "curve_even": ("if all were equal", "均等分布"),
    "curve_high": ("High ends: {x} of customers, {y}", "高价值至此：{x} 的客户，{y}"),
    "curve_mid": ("Mid ends: {x}, {y}", "中价值至此：{x}，{y}"),
    "curve_hover": ("of customers bring", "的客户带来"),
    "crossing": ("Stage and value together", "阶段与价值的交叉"),
    "crossing_note": (
        "Customers, and below them their revenue in the window. High-value customers who are silent come first.",
        "上为客户数，下为其窗口期收入。沉默的高价值客户应优先关注。",
    ),
    "grid": ("Recency and frequency", "最近购买与购买频率"),
    "grid_note": (
        "Scores from 1 to {bins}, {bins} is best: how lately a customer bought, and how often in the window.",
        "得分 1 至 {bins}，{bins} 为最佳：最近一次购买的远近，以及窗口期内购买的次数。",
    ),
    "grid_none": (
        "No customer ordered in the window, so there are no scores.",
        "窗口期内没有客户下单，因此没有得分。",
    ),
    "grid_x": ("Frequency score", "频率得分 F"),
    "grid_y": ("Recency score", "近度得分 R"),
    "types": ("The eight types", "RFM 八类客户"),
    "types_note": (
        "High (▲) or low (▽) in recency, frequency and money against the day's cut points.",
        "最近购买 R、频率 F、金额 M 与当日分界值相比：高（▲）或低（▽）。",
    ),
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
    # Headings of tables
    "h.stage": ("Stage", "阶段"),
    "h.tier": ("Value", "价值等级"),
    "h.segment": ("Segment", "分群"),
    "h.type": ("Type", "类型"),
    "h.customers": ("Customers", "客户数"),
    "h.share": ("Share", "占比"),
    "h.revenue": ("Revenue", "收入"),
    "h.revenue_share": ("Share of revenue", "收入占比"),
    "h.total": ("Total", "合计"),
    "h.channel": ("Channel", "渠道"),
    "h.eligible": ("Eligible", "可联系"),
    "h.treated": ("To contact", "应联系"),
    "h.control": ("Control group", "对照组"),
    "h.not_reached": ("Beyond capacity", "超出名额"),
    "h.note": ("Note", "说明"),
    "h.measure": ("Measure", "指标"),
    "h.source": ("Source", "来源"),
    "h.entity": ("Entity", "实体"),
    "h.read": ("Rows read", "读取行数"),
    "h.accepted": ("Accepted", "接受"),
    "h.rejected": ("Quarantined", "隔离"),
    "h.excluded": ("of these by rule", "其中按规则排除"),
    "h.check": ("Check", "检查"),
    "h.result": ("Result", "结果"),
    "h.cause": ("Cause", "成因"),
    "h.reason": ("Reason", "原因"),
    # Entities of the contract
    "entity.orders": ("orders", "订单"),
    "entity.refunds": ("refunds", "退款"),
    "entity.order_lines": ("order lines", "订单明细"),
    "entity.products": ("products", "商品"),
    "entity.customers": ("customers", "客户"),
    "entity.leads": ("leads", "线索"),
    "entity.opportunities": ("opportunities", "商机"),
    "entity.interactions": ("interactions", "互动记录"),
    "entity.consents": ("consents", "授权"),
    "entity.campaigns": ("campaigns", "活动"),
    "entity.campaign_contacts": ("campaign contacts", "活动触达"),
    "entity.surveys": ("surveys", "问卷"),
    "entity.web_events": ("web events", "网站行为"),
    "entity.exchange_rates": ("exchange rates", "汇率"),
    "entity.customer_links": ("customer links", "客户关联"),
}
