"""What every setting of sources.yaml is made of: strict parts, names and texts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt


def _known_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no IANA time zone; write one such as America/New_York or Asia/Shanghai"
        ) from None
    return name


def _as_names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """Keys and values that YAML reads as numbers, booleans or dates, as the text that a source would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def as_text_mapping(value: object) -> object:
    return {_as_text(key): _as_text(item) for key, item in value.items()} if isinstance(value, dict) else value


TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Share = Annotated[float, Field(ge=0, le=1)]
# Part of the names of environment variables, which hold no capitals to tell apart.
SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_names), Field(min_length=1)]
Text = Annotated[str, BeforeValidator(_as_text)]
Scalar = StrictBool | StrictInt | Decimal | Text


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
