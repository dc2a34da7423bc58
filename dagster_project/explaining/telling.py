"""An explanation as text in one language: headings, rows and notes, for whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.explaining.content import FLAGS, Explanation
from dagster_project.explaining.sentences import Sentences
from dagster_project.explaining.serving_copy import FoundCustomer
from dagster_project.explaining.words import Words
from dagster_project.settings.publishing import Language

ATTRIBUTES = (
    "kind",
    "industry",
    "company_size",
    "region",
    "city",
    "decision_role",
    "member_level",
    "owner",
    "top_channel",
)
TALKING_POINTS = ("feature", "advantage", "benefit", "evidence")
UNKNOWN = "unknown"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Listed:
    """Rows under columns with a title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Told:
    """What a person reads: who, the classes with their reasons, the plan (no row without one), the history."""

    title: str
    notes: tuple[str, ...]
    who: Pairs
    classes: Listed
    plan_title: str
    plan: Pairs
    history: Listed


def tell(explanation: Explanation, found: FoundCustomer, asked: str, *, language: Language, currency: str) -> Told:
    """Everything about the customer in words; `asked` is how they were asked for."""
    words = Words(language)
    sentences = Sentences(explanation, words, currency)
    labels = explanation.labels
    classes = tuple(
        (
            labels.dimension(decided.dimension, language),
            "" if decided.code is None else labels.of(decided.dimension, decided.code, language),
            sentences.why(decided),
        )
        for decided in explanation.classes
    )
    spans = tuple(
        (
            labels.dimension(span.dimension, language),
            "" if span.code is None else labels.of(span.dimension, span.code, language),
            str(span.valid_from),
            words("holds_on") if span.valid_to is None else str(span.valid_to),
        )
        for span in explanation.history
    )
    return Told(
        title=words("title", customer=str(explanation.customer_id), day=str(explanation.day)),
        notes=_notes(explanation, found, asked.strip(), words),
        who=_who(explanation, found, words, sentences),
        classes=Listed(words("classes"), tuple(words(f"h.{name}") for name in ("dimension", "class", "why")), classes),
        plan_title=words("plan"),
        plan=_plan(explanation, words),
        history=Listed(
            words("history"), tuple(words(f"h.{name}") for name in ("dimension", "class", "from", "to")), spans
        ),
    )


def _notes(explanation: Explanation, found: FoundCustomer, asked: str, words: Words) -> tuple[str, ...]:
    notes = []
    if found.is_absorbed:
        notes.append(words("absorbed", asked=asked, customer=str(found.customer_id)))
    if found.also_reference:
        notes.append(words("also_reference", asked=asked, references=words.listed(list(found.also_reference))))
    if explanation.missing:
        notes.append(words("stored_reasons_missing", tables=words.listed(list(explanation.missing))))
    return tuple(notes)


def _who(explanation: Explanation, found: FoundCustomer, words: Words, sentences: Sentences) -> Pairs:
    segments = explanation.segments
    rows = [("references", words.listed(list(found.references)))]
    rows += [
        (name, words.or_code("code", value) if name in ("kind", "decision_role") else value)
        for name in ATTRIBUTES
        if (value := segments.get(name)) and value != UNKNOWN
    ]
    rows.append(("orders", _orders(explanation, words, sentences)))
    satisfaction: Decimal | None = segments.get("satisfaction")
    if satisfaction is not None:
        shown = sentences.number("satisfaction", satisfaction)
        asked_on: date | None = segments.get("satisfaction_on")
        rows.append(("satisfaction", words("satisfaction_on", value=shown, day=str(asked_on)) if asked_on else shown))
    raised = [_flag(explanation, name, words) for name in FLAGS if segments.get(name)]
    if raised:
        rows.append(("flags", words.listed(raised)))
    return tuple((words(f"who.{name}"), value) for name, value in rows)


def _orders(explanation: Explanation, words: Words, sentences: Sentences) -> str:
    segments = explanation.segments
    if not segments.get("order_count"):
        return words("orders_none")
    return words(
        "orders_in_all",
        count=f"{segments['order_count']:,}",
        first=str(segments["first_order_on"]),
        last=str(segments["last_order_on"]),
        revenue=sentences.number("revenue", segments["revenue"]),
    )


def _flag(explanation: Explanation, name: str, words: Words) -> str:
    label = explanation.labels.of("behaviour_flag", name, words.language)
    reason = explanation.behaviours.get("at_risk_reason")
    if name != "is_at_risk" or not reason:
        return label
    return words("because", said=label, reason=words.or_code("at_risk", reason))


def _plan(explanation: Explanation, words: Words) -> Pairs:
    segments, plan = explanation.segments, explanation.plan
    dimension, code = segments.get("plan_dimension"), segments.get("plan_class")
    if dimension is None or code is None:
        return ()
    labels, language = explanation.labels, words.language
    of = {"dimension": labels.dimension(dimension, language), "class": labels.of(dimension, code, language)}
    rows = [("of", words("plan_of_class", **of))]
    rows.append(("aim", plan.get(f"aim_{language}") or segments.get("plan_aim") or ""))
    if plan:
        channels = [labels.of("plan_channel", each.strip(), language) for each in plan["channels"].split(",")]
        rows += [("actions", plan[f"actions_{language}"]), ("channels", words.listed(channels))]
    rows.append(("service_level", labels.of("service_level", segments["service_level"], language)))
    rows.append(("contact_days", words("contact_every", days=str(segments["contact_days"]))))
    rows += [(point, plan[f"{point}_{language}"]) for point in TALKING_POINTS if plan]
    return tuple((words(f"plan.{name}"), str(value)) for name, value in rows if value)
