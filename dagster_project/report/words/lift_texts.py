"""What the lists brought in: the section's sentences, verdicts, and why a group is too small to tell."""

from __future__ import annotations

LIFT: dict[str, tuple[str, str]] = {
    "lift": ("What the lists brought in", "名单带来了什么"),
    "lift_none": (
        "No list is old enough yet: the first result comes 30 days after the first customers entered a campaign.",
        "尚无足够早的名单：首批客户进入活动满 30 天后才有结果。",
    ),
    "lift_note": (
        "Everybody drawn to be contacted against everybody drawn to be left alone, {days} days after their entry, "
        "whether they were reached or not. A customer counts once, with the first entry of all; a campaign counts "
        "everybody in it.",
        "进入活动 {days} 天后，抽中应联系的全部客户与抽中不联系的全部客户相比，无论是否联系上。"
        "每位客户只计一次，以首次进入为准；各次活动则计入其全部客户。",
    ),
    # The headline: what a slide would say.
    "lift_up": (
        "Contacting them worked: {treated} came back, against {control} of those left alone, {difference} points "
        "(95% interval {low} to {high}).",
        "联系有效：应联系组 {treated} 回归，对照组 {control}，相差 {difference} 个百分点（95% 区间 {low} 至 {high}）。",
    ),
    "lift_down": (
        "Contacting them did harm: {treated} came back, against {control} of those left alone, {difference} points "
        "(95% interval {low} to {high}).",
        "联系适得其反：应联系组 {treated} 回归，对照组 {control}，相差 {difference} 个百分点"
        "（95% 区间 {low} 至 {high}）。",
    ),
    "lift_no_effect_shown": (
        "No effect shown: {treated} came back, against {control} of those left alone, {difference} points "
        "(95% interval {low} to {high}). The groups would have shown {detectable} points four times in five.",
        "未显示出效果：应联系组 {treated} 回归，对照组 {control}，相差 {difference} 个百分点"
        "（95% 区间 {low} 至 {high}）。"
        "若真有 {detectable} 个百分点的效果，这样的人数五次中有四次能看出。",
    ),
    "lift_too_small": (
        "Too small to tell: {treated} customers to contact, {control} in the control group. {reason}",
        "样本太小，无法判断：应联系 {treated} 位，对照组 {control} 位。{reason}",
    ),
    "lift_money": (
        "They spent {sum} more because of it (95% interval {low} to {high}).",
        "因此多消费 {sum}（95% 区间 {low} 至 {high}）。",
    ),
    "lift_less_money": (
        "They spent {sum} less because of it (95% interval {low} to {high}).",
        "因此少消费 {sum}（95% 区间 {low} 至 {high}）。",
    ),
    "lift_money_no_effect_shown": (
        "Of revenue no effect is shown (95% interval {low} to {high}).",
        "收入上未显示出效果（95% 区间 {low} 至 {high}）。",
    ),
    "lift_money_too_small": (
        "Of revenue it is too small to tell: too few bought in one of the groups.",
        "收入方面样本太小，无法判断：有一组购买的客户太少。",
    ),
    "lift_waiting": (
        "{waiting} more customers have not reached their {days} days: read it as final when none is waiting.",
        "另有 {waiting} 位客户未满 {days} 天：全部满期后方为最终结果。",
    ),
    "lift_mixed": (
        "The campaigns left different shares of their customers alone ({low} to {high}): judge each by its own row. "
        "Together, the arm with more customers of a good month looks better.",
        "各次活动不联系的比例不同（{low} 至 {high}），请按活动分别判断：合在一起，好月份客户较多的一组会显得更好。",
    ),
    "lift_next": ("For the next campaign", "下一次活动"),
    "lift_needed": (
        "To see a difference of {detectable} points the next campaign needs {control} control customers beside "
        "{treated} to contact, a control_share of {share}.",
        "若要看出 {detectable} 个百分点的差异，下一次活动在应联系的 {treated} 位之外需要 {control} 位对照客户，"
        "即 control_share 为 {share}。",
    ),
    "lift_needed_more": (
        "To see a difference of {detectable} points the next campaign needs more customers: {control} control "
        "customers beside {treated} to contact, or several campaigns together.",
        "若要看出 {detectable} 个百分点的差异，下一次活动需要更多客户：应联系 {treated} 位、"
        "对照 {control} 位，或合并多次活动。",
    ),
    "lift_axis": (
        "Points more (right) or fewer (left) who came back because they were contacted",
        "因被联系而多回归（右）或少回归（左）的百分点",
    ),
    "lift_caption": (
        "Filled: an effect, also after allowing for the number of groups looked at (Holm). Hollow: none is shown; "
        "where it says so, the group is too small to tell.",
        "实心：有效果，且已按所看组数校正（Holm）。空心：未显示效果；注明之处样本太小，无法判断。",
    ),
    "lift_rates": ("Contacted vs left alone", "应联系 / 对照"),
    "lift_pair": ("{treated} vs {control}", "{treated} / {control}"),
    "lift_between": ("{value} ({low} to {high})", "{value}（{low} 至 {high}）"),
    "lift_hover": (
        "{difference} points, 95% interval {low} to {high}",
        "{difference} 个百分点，95% 区间 {low} 至 {high}",
    ),
    "lift_horizons": ("After 30, 60 and 90 days", "30、60、90 天后"),
    "lift_all": ("All campaigns", "全部活动"),
    "lift_numbers": ("The numbers", "具体数值"),
    "breakdown.campaign": ("Campaign", "活动"),
    "breakdown.silence_cause": ("Why silent", "沉默成因"),
    "breakdown.channel": ("Channel", "渠道"),
    "verdict.effect": ("Effect", "有效果"),
    "verdict.no_effect_shown": ("No effect shown", "未显示效果"),
    "verdict.too_small": ("Too small to tell", "样本太小"),
    "lift_reason.too_early": ("Nobody's days have passed.", "尚无客户满期。"),
    "lift_reason.nobody_treated": ("Nobody was to be contacted.", "没有应联系的客户。"),
    "lift_reason.no_control_group": (
        "There is no control group, so nobody can tell what would have happened anyway.",
        "没有对照组，无从得知不联系会怎样。",
    ),
    "lift_reason.groups_too_small": ("One of the groups is too small to compare.", "有一组人数太少，无法比较。"),
    "lift_reason.too_few_returned": (
        "Too few came back, or too few stayed away, to compare the groups.",
        "回归或未回归的客户太少，无法比较。",
    ),
    "lift_reason.low_power": (
        "Nothing was found, but groups of this size would often miss an effect of {detectable} points.",
        "没有发现差异，但这样的人数常常看不出 {detectable} 个百分点的效果。",
    ),
    "work": ("Were the lists worked?", "名单跟进了吗？"),
    "work_note": (
        "Contacted: as results that came back and the CRM's contacts have it. Where neither lands, it says nobody.",
        "已联系：以回收的联系结果和 CRM 联系记录为准；两者都未导入时显示为 0。",
    ),
    "work_rest": ("The rest", "其余"),
    "work_unknown": ("Nobody named", "未指定"),
    "h.days": ("Days", "天数"),
    "h.left_alone": ("Left alone", "对照"),
    "h.contacted_back": ("Came back", "回归"),
    "h.control_back": ("of those left alone", "其中对照组"),
    "h.points": ("Points (95% interval)", "百分点（95% 区间）"),
    "h.p_value": ("p", "p 值"),
    "h.brought_in": ("Brought in (95% interval)", "带来收入（95% 区间）"),
    "h.owner": ("Sales rep", "负责销售"),
    "h.worked": ("Contacted", "已联系"),
    "h.worked_share": ("Share", "跟进率"),
    "h.hours": ("Hours to first contact (median)", "首次联系小时数（中位数）"),
    "h.open": ("Open", "待跟进"),
}
