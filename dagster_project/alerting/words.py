"""The words of messages, in both languages. Every title names the product: a DingTalk robot may ask for a keyword."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ENGLISH = {
    "comma": ", ",
    "more": " and {count} more",
    "run_title": "Customer Strata: a run failed ({job}, {days})",
    "check_title": "Customer Strata: a check does not hold ({job}, {days})",
    "late_title": "Customer Strata: data is late",
    "refused_title": "Customer Strata: a run could not begin ({job})",
    "test_title": "Customer Strata: a test",
    "run": "Job {job} for {days}, run {run_id}.",
    "failed_steps": "Failed steps: {names}.",
    "failed_checks": "Checks that do not hold: {names}.",
    "no_step": "No step says why: its process was ended from outside, or never began.",
    "mend_run": "What was published before stays. Mend what the log says, then: {again}",
    "mend_check": "The run went on. Look at what the check found; the day can be built again with: {again}",
    "log": "Log: {log}",
    "page": "run {run_id} on Dagster's page",
    "late_days": "Business days that are over and not stored: {names}.",
    "late_held": "Another process has the warehouse; `strata status` says which.",
    "mend_days": "See why no run has built them (`strata status`), then: strata run --as-of {day}",
    "late_source": "Source {name}: nothing new within {hours} hours; it last landed: {when}.",
    "mend_sources": "Ask whoever delivers the data; `strata check` shows what a run would find.",
    "never": "never",
    "refused": "Job {job} did not begin: another process holds the warehouse. `strata status` says which.",
    "test": "This is a test of the target {target}. Nothing is wrong.",
}
_CHINESE = {
    "comma": "、",
    "more": " 等，另有 {count} 项",
    "run_title": "Customer Strata：运行失败（{job}，{days}）",
    "check_title": "Customer Strata：检查未通过（{job}，{days}）",
    "late_title": "Customer Strata：数据迟到",
    "refused_title": "Customer Strata：运行未能开始（{job}）",
    "test_title": "Customer Strata：测试",
    "run": "作业 {job}，日期 {days}，运行 {run_id}。",
    "failed_steps": "失败的步骤：{names}。",
    "failed_checks": "未通过的检查：{names}。",
    "no_step": "没有步骤说明原因：进程被外部结束，或未能启动。",
    "mend_run": "此前已发布的内容保持不变。请按日志排除问题，然后执行：{again}",
    "mend_check": "运行已继续。请查看检查结果；重建当日请执行：{again}",
    "log": "日志：{log}",
    "page": "Dagster 页面中的运行 {run_id}",
    "late_days": "已结束但尚未入库的业务日：{names}。",
    "late_held": "数据仓库正被另一个进程占用；`strata status` 会说明是哪一个。",
    "mend_days": "请查明为何没有运行生成这些日期（`strata status`），然后执行：strata run --as-of {day}",
    "late_source": "数据源 {name}：{hours} 小时内没有新数据；最近一次落地：{when}。",
    "mend_sources": "请联系数据提供方；`strata check` 会显示一次运行将读到什么。",
    "never": "从未",
    "refused": "作业 {job} 未能开始：另一个进程占用了数据仓库。`strata status` 会说明是哪一个。",
    "test": "这是对告警目标 {target} 的测试，一切正常。",
}
WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": _ENGLISH, "zh": _CHINESE})
