"""The sections about what customers are expected to bring, and how far that came true."""

from __future__ import annotations

OUTLOOK: dict[str, tuple[str, str]] = {
    "outlook": ("What they will bring", "未来会带来多少"),
    "outlook_note": (
        "Expected of the next 90 and 365 days by {model}, fitted to all order days up to {day}.",
        "未来 90 天与 365 天的预期，依据为{model}，拟合用到截至 {day} 的全部下单日。",
    ),
    "outlook_none": (
        "Nothing is foretold of this day: {reasons}.",
        "当日没有预测：{reasons}。",
    ),
    "outlook_missing": ("Without a prediction: {reasons}.", "没有预测的客户：{reasons}。"),
    "outlook_corrected": (
        "The 90 days are corrected by {factor}: revenue came / foretold after {day}.",
        "90 天的预期已乘以 {factor}：{day} 之后实际收入与预测收入之比。",
    ),
    "missing.no_order": ("never ordered", "位从未下单"),
    "missing.switched_off": ("switched off in the standard", "位因标准中关闭预测"),
    "missing.too_few_buyers": ("in a company with too few buyers for a fit", "位因购买客户太少而无法拟合"),
    "missing.too_few_spenders": ("in a company with too few paying customers for a fit", "位因付款客户太少而无法拟合"),
    "missing.no_mean_amount": ("without a paid order", "位没有付款订单"),
    "missing.no_finite_maximum": ("in a company whose data fit no such model", "位因数据不适合此类模型"),
    "predictor.mbg_nbd": ("MBG/NBD", "MBG/NBD"),
    "predictor.bg_nbd": ("BG/NBD", "BG/NBD"),
    "predictor.pareto_nbd": ("Pareto/NBD", "Pareto/NBD"),
    "predictor.recency": ("recency alone", "仅看最近下单"),
    "predictor.last_90_days": ("the last 90 days again", "过去 90 天重来"),
    "predictor.rfm_cells": ("means of RFM cells", "RFM 单元均值"),
    "foretold": ("Did it come true", "预测准不准"),
    "foretold_note": (
        "What was foretold on {day} of the 90 days after it, and what came. At most {oracle} of the revenue could have "
        "come from a tenth of them. Wins: measures on which none was better, here and on all {months} month ends.",
        "{day} 对其后 90 天的预测与实际。十分之一的客户最多能带来收入的 {oracle}。"
        "胜出：无人更好的指标数，先为本月末，后为全部 {months} 个月末。",
    ),
    "foretold_none": (
        "No month end can be checked yet: it takes 90 days before it, 90 days after it, and customers enough.",
        "尚无可核对的月末：此前须有 90 天历史，此后须过完 90 天，且客户足够多。",
    ),
    "foretold_gains": ("Revenue reached, those foretold most first", "按预测从高到低累计的实际收入"),
    "foretold_chances": ("Chance of an order foretold, and the share who ordered", "预测下单概率与实际下单占比"),
    "foretold_holds": (
        "* is published. {predictor} wins on most measures over all month ends.",
        "* 为发布的预测。{predictor}在全部月末的指标上胜出最多。",
    ),
    "foretold_other": (
        "* is published, but {predictor} wins on most measures of all month ends: see prediction.model.",
        "* 为发布的预测，但{predictor}在全部月末的指标上胜出更多：见标准中的 prediction.model。",
    ),
    "foretold_ranks": (
        "* is published. {predictor} wins on most measures; it says who, not how much, and so cannot be.",
        "* 为发布的预测。{predictor}在全部月末的指标上胜出最多，但它只排序、不给数值，无法发布。",
    ),
    "gains_x": ("Customers, those foretold most first", "客户占比（预测从高到低）"),
    "gains_y": ("Revenue that came", "实际收入占比"),
    "chances_x": ("Foretold", "预测"),
    "chances_y": ("Ordered", "实际下单"),
    "h.chance": ("Chance of an order", "下单概率"),
    "h.orders_90d": ("Order days, 90 days", "下单天数（90 天）"),
    "h.value_90d": ("Revenue, 90 days", "收入（90 天）"),
    "h.value_365d": ("Revenue, 365 days", "收入（365 天）"),
    "h.predictor": ("Foretold by", "预测者"),
    "h.orders_error": ("Order days", "下单天数"),
    "h.value_error": ("Revenue", "收入"),
    "h.top_tenth": ("From the top tenth", "前十分之一"),
    "h.wins": ("Wins", "胜出"),
}
