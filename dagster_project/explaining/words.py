"""The sentences of an explanation, in English and Chinese: one a rule, and the words for each measure.

Text in braces is filled in with formatted values. Labels of classes and dimensions come from the standard.
"""

from __future__ import annotations

from dagster_project.settings.publishing import Language


class Words:
    """The texts of one language, by key."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._index = 0 if language is Language.ENGLISH else 1

    def __call__(self, key: str, **values: str) -> str:
        """The text of `key` with its values; a key that does not exist is a fault of this room."""
        text = TEXTS[key][self._index]
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def or_code(self, prefix: str, code: str) -> str:
        """The words for a code, or the code as words where a newer table names one that has none."""
        entry = TEXTS.get(f"{prefix}.{code}")
        return entry[self._index] if entry else code.replace("_", " ")

    def listed(self, items: list[str], *, separator: str = ", ") -> str:
        """Items in a row, as the language separates them."""
        return (separator if self.language is Language.ENGLISH else _CHINESE[separator]).join(items)


_CHINESE = {", ": "、", "; ": "；"}

TEXTS: dict[str, tuple[str, str]] = {
    # Headings
    "title": ("Customer {customer} on {day}", "客户 {customer}，{day}"),
    "standard": ("standard", "分类标准"),
    "classes": ("Classes", "所属类别"),
    "h.dimension": ("dimension", "维度"),
    "h.class": ("class", "类别"),
    "h.why": ("why", "原因"),
    "history": ("History", "类别变化"),
    "h.from": ("from", "起"),
    "h.to": ("until", "至"),
    "plan": ("Plan", "经营策略"),
    "holds_on": ("still", "至今"),
    "stored_reasons_missing": (
        "Why is not told: the published copy lacks {tables}. Add what is missing to tables in publishing.yaml and "
        "publish again, e.g. with strata run.",
        "无法说明原因：发布的副本中缺少 {tables}。请补入 publishing.yaml 的 tables，再发布一次（如运行 strata run）。",
    ),
    "absorbed": (
        "{asked} belongs to customer {customer} now: the two are linked.",
        "{asked} 现归属客户 {customer}：二者已合并。",
    ),
    "also_reference": (
        "{asked} is also a reference: {references}. Write it so to ask for that customer.",
        "{asked} 同时也是一个来源编号：{references}。如要查询那位客户，请这样写。",
    ),
    # Who
    "who.references": ("references", "来源编号"),
    "who.kind": ("kind", "类型"),
    "who.industry": ("industry", "行业"),
    "who.company_size": ("company size", "企业规模"),
    "who.region": ("region", "地区"),
    "who.city": ("city", "城市"),
    "who.decision_role": ("decision role", "决策角色"),
    "who.member_level": ("member level", "会员等级"),
    "who.owner": ("owner", "负责人"),
    "who.top_channel": ("main channel", "主要渠道"),
    "who.orders": ("orders", "订单"),
    "orders_in_all": (
        "{count} from {first} to {last}, {revenue} after refunds",
        "{count} 单，{first} 至 {last}，扣除退款后 {revenue}",
    ),
    "orders_none": ("none", "无"),
    "who.satisfaction": ("satisfaction", "满意度"),
    "satisfaction_on": ("{value}, asked on {day}", "{value}（{day} 调查）"),
    "who.flags": ("flags", "行为标记"),
    "code.person": ("person", "个人"),
    "code.company": ("company", "企业"),
    "code.decider": ("decider", "决策者"),
    "code.influencer": ("influencer", "影响者"),
    "code.user": ("user", "使用者"),
    # Why a customer is at risk
    "because": ("{said} ({reason})", "{said}（{reason}）"),
    "at_risk.orders_dropped": ("fewer orders than before", "订单减少"),
    "at_risk.recent_complaint": ("a complaint lately", "近期有投诉"),
    "at_risk.probably_gone": ("probably gone", "可能已流失"),
    # The plan
    "plan.of": ("because of", "依据"),
    "plan_of_class": ("{dimension}: {class}", "{dimension}：{class}"),
    "plan.aim": ("aim", "目标"),
    "plan.actions": ("actions", "行动"),
    "plan.channels": ("channels", "渠道"),
    "plan.service_level": ("service", "服务级别"),
    "plan.contact_days": ("contact", "联系频率"),
    "contact_every": ("every {days} days", "每 {days} 天一次"),
    "plan.feature": ("feature", "特点"),
    "plan.advantage": ("advantage", "优势"),
    "plan.benefit": ("benefit", "益处"),
    "plan.evidence": ("evidence", "证明"),
    # Comparisons with a cut
    "clause": ("{measure} {value} ({comparison} {cut})", "{measure} {value}（{comparison}{cut}）"),
    "clause_alone": ("{measure} {value}", "{measure} {value}"),
    "clause_unknown": ("{measure} not known", "{measure}未知"),
    "comparison.>=": ("at least", "不低于"),
    "comparison.<=": ("at most", "不超过"),
    "comparison.>": ("more than", "高于"),
    "comparison.<": ("less than", "低于"),
    "cut.mean": ("the mean, {cut}", "平均值 {cut}"),
    "cut.median": ("the median, {cut}", "中位数 {cut}"),
    "cut.quantile": ("{cut}", " {cut}"),
    "cut.number": ("{cut}", " {cut}"),
    # Lifecycle
    "rule.no_counted_order": ("no order yet", "尚无订单"),
    "rule.first_order_recent": (
        "first order {value} days ago; a customer is new for {cut} days",
        "首单在 {value} 天前；首单后 {cut} 天内为新客户",
    ),
    "rule.returned_after_silence": (
        "ordered again after {value} days without an order, more than the silence limit of {cut} days{basis}",
        "间隔 {value} 天后再次下单，超过沉默界限 {cut} 天{basis}",
    ),
    "rule.recency_within_silence_limit": (
        "last order {value} days ago, within the silence limit of {cut} days{basis}",
        "最近一单在 {value} 天前，未超过沉默界限 {cut} 天{basis}",
    ),
    "rule.recency_within_churn_limit": (
        "last order {value} days ago, {silent} days beyond the silence limit, within the churn limit of {cut} "
        "days{basis}",
        "最近一单在 {value} 天前，超过沉默界限 {silent} 天，未超过流失界限 {cut} 天{basis}",
    ),
    "rule.recency_beyond_churn_limit": (
        "last order {value} days ago, beyond the churn limit of {cut} days{basis}",
        "最近一单在 {value} 天前，超过流失界限 {cut} 天{basis}",
    ),
    "basis.own_rhythm": (
        " ({multiplier} × own median gap of {gap} days{bound})",
        "（{multiplier} × 自身间隔中位数 {gap} 天{bound}）",
    ),
    "basis.population_rhythm": (
        " ({multiplier} × the median gap of all customers{bound})",
        "（{multiplier} × 全体客户间隔中位数{bound}）",
    ),
    "basis.fixed": (" (the same for everybody)", "（对所有客户一致）"),
    "bound.at_least": (", at least {days}", "，至少 {days} 天"),
    "bound.at_most": (", at most {days}", "，至多 {days} 天"),
    # Value
    "rule.no_order_in_window": ("no order in the last {window} days", "最近 {window} 天内没有订单"),
    "rule.cost_unknown": (
        "margin not known: an order lacks its cost",
        "毛利未知：有订单缺少成本",
    ),
    "rule.no_positive_value": ("{measure} {value}, not above 0", "{measure} {value}，不大于 0"),
    "rule.share_of_value_above": (
        "customers above bring {value} of all value ({comparison} {cut}); own {own_value}",
        "排名更高的客户贡献了全部价值的 {value}（{comparison} {cut}）；本人{own_value}",
    ),
    "rule.share_of_customers_above": (
        "{value} of the customers stand above ({comparison} {cut}); own {own_value}",
        "{value} 的客户排名更高（{comparison} {cut}）；本人{own_value}",
    ),
    "rule.value_threshold": ("{clauses}", "{clauses}"),
    # RFM
    "rule.scored_by_quantile": ("{scores}: {clauses}", "{scores}：{clauses}"),
    "rule.scored_by_threshold": ("{scores}: {clauses}", "{scores}：{clauses}"),
    "rule.scored_by_mean": ("{scores}: {clauses}", "{scores}：{clauses}"),
    "rule.scored_by_median": ("{scores}: {clauses}", "{scores}：{clauses}"),
    "rule.no_grid": ("the standard has no grid of segments", "分类标准未设分群网格"),
    "rule.typed_by_mean": ("{clauses}", "{clauses}"),
    "rule.typed_by_median": ("{clauses}", "{clauses}"),
    # Matrices
    "rule.both_axes_against_cuts": ("{clauses}", "{clauses}"),
    "rule.axis_unknown": ("{clauses}", "{clauses}"),
    "rule.no_cut": (
        "nobody ordered in the window, so there is no cut to compare with",
        "窗口期内无人下单，没有可比较的分界值",
    ),
    # Needs
    "rule.no_crm_or_web_entity": (
        "neither leads, opportunities nor web events are configured",
        "未配置线索、商机或网站行为数据",
    ),
    "rule.stated_on_lead": ("stated on the newest lead", "最新线索上注明"),
    "rule.explicit_opportunity": (
        "an open opportunity is past the stage in which needs are cleared (open: {value})",
        "有商机已越过需求确认阶段（进行中商机 {value} 个）",
    ),
    "rule.cart": ("carts lately: {value}", "近期加入购物车 {value} 次"),
    "rule.open_lead": ("a lead is open", "有线索在跟进中"),
    "rule.open_opportunity": (
        "open opportunities, all in an early stage: {value}",
        "有 {value} 个商机，均处于早期阶段",
    ),
    "rule.views": ("page views lately: {value}", "近期浏览 {value} 次"),
    "rule.no_sign": ("no lead, opportunity, cart or page view shows a need", "线索、商机、购物车和浏览均未显示需求"),
    "rule.inputs_unknown": (
        "discounts, products and service contacts are not known",
        "折扣、商品与服务接触均未知",
    ),
    "rule.highest_percentile": (
        "{own_value}, more than {value} of the customers ({comparison} {cut})",
        "{own_value}，高于 {value} 的客户（{comparison} {cut}）",
    ),
    "rule.no_percentile_reaches_cut": (
        "stands out in nothing: above {value} of the customers at most ({comparison} {cut})",
        "各方面均不突出：最多高于 {value} 的客户（{comparison} {cut}）",
    ),
    "rule.motive_stated": ("stated in the newest survey", "最新问卷中注明"),
    "rule.no_motive_stated": ("no survey, or the newest one states no motive", "没有问卷，或最新问卷未注明动机"),
    # Clusters and own dimensions
    "rule.nearest_centre": (
        "recency, orders and revenue in the window lie nearest to this cluster's centre",
        "最近购买、窗口期订单数与收入最接近该类的中心",
    ),
    "rule.no_fit": (
        "no clusters are fitted for this day; strata clusters fit does it",
        "该日没有可用的聚类结果；可运行 strata clusters fit",
    ),
    "rule.own_rule": ("rule {number}: {expression}", "规则 {number}：{expression}"),
    "rule.own_default": ("no rule holds", "没有规则成立"),
    # Measures, as they stand before a value
    "measure.recency_days": ("days since the last order", "距最近一单天数"),
    "measure.tenure_days": ("days since the first order", "距首单天数"),
    "measure.order_count": ("orders", "订单数"),
    "measure.order_days": ("days with an order", "下单天数"),
    "measure.revenue": ("revenue", "收入"),
    "measure.margin": ("margin", "毛利"),
    "measure.average_order_value": ("average order value", "平均客单价"),
    "measure.median_gap_days": ("median gap between orders, days", "下单间隔中位数（天）"),
    "measure.longest_gap_closed_days": ("longest gap closed lately, days", "近期结束的最长间隔（天）"),
    "measure.order_count_window": ("orders in the window", "窗口期订单数"),
    "measure.order_days_window": ("days with an order in the window", "窗口期下单天数"),
    "measure.revenue_window": ("revenue in the window", "窗口期收入"),
    "measure.margin_window": ("margin in the window", "窗口期毛利"),
    "measure.order_count_90d": ("orders in 90 days", "近 90 天订单数"),
    "measure.revenue_90d": ("revenue in 90 days", "近 90 天收入"),
    "measure.order_count_prior_90d": ("orders in the 90 days before", "此前 90 天订单数"),
    "measure.revenue_prior_90d": ("revenue in the 90 days before", "此前 90 天收入"),
    "measure.discount_share": ("share of discounts", "折扣占比"),
    "measure.refund_share": ("share refunded", "退款占比"),
    "measure.premium_share": ("share of premium products", "高价商品占比"),
    "measure.novelty_share": ("share of new products", "新品占比"),
    "measure.usual_hour": ("usual hour", "惯常下单时段"),
    "measure.service_contacts_365d": ("service contacts in a year", "一年内服务接触次数"),
    "measure.complaints_365d": ("complaints in a year", "一年内投诉次数"),
    "measure.interactions_90d": ("contacts in 90 days", "近 90 天互动次数"),
    "measure.recent_complaints": ("complaints lately", "近期投诉次数"),
    "measure.median_reply_hours": ("median hours to a reply", "回复时长中位数（小时）"),
    "measure.open_opportunities": ("open opportunities", "进行中商机数"),
    "measure.open_opportunity_value": ("value of open opportunities", "进行中商机价值"),
    "measure.days_to_close": ("days to the next close", "距最近成交日天数"),
    "measure.recent_views": ("page views lately", "近期浏览次数"),
    "measure.recent_browses": ("views and carts lately", "近期浏览与加购次数"),
    "measure.recent_carts": ("carts lately", "近期加入购物车次数"),
    "measure.competitor_closeness": ("closeness to competitors", "与竞争对手的接近程度"),
    "measure.satisfaction": ("satisfaction", "满意度"),
    "measure.value_score": ("value score", "价值得分"),
    "measure.potential_score": ("potential score", "潜力得分"),
    "measure.urgency_score": ("urgency score", "紧急得分"),
    "measure.share_above": ("share standing above", "排名更高者占比"),
    "measure.days_silent": ("days beyond the silence limit", "超出沉默界限天数"),
    "measure.type_percentile": ("highest percentile", "最高百分位"),
}
