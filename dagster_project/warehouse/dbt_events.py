"""What dbt says of itself, without what nobody hears.

dbt makes two messages and a JSON line of every event before it asks whether any log takes events of that level, and
most are of level debug: a quarter of what its Python does in a build of a hundred models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager


def leave_out_unheard_events() -> None:
    """Have dbt drop events of level debug, unmade, where no log of this process takes them."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    quiet = {EventLevel.DEBUG, EventLevel.TEST}
    fire, make, look_up = EventManager.fire_event, BaseEvent.__init__, BaseEvent.__getattr__

    def fire_if_heard(
        self: EventManager,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        # dbt's one callback looks for warnings of changed behaviour.
        heard = (level or e.level_tag()) not in quiet or any(logger.level in quiet for logger in self.loggers)
        if heard or force_warn_or_error_handling:
            fire(self, e, level, node, force_warn_or_error_handling)

    def make_later(self: BaseEvent, *args: Any, **fields: Any) -> None:
        if args or type(self).level_tag(self) not in quiet:
            make(self, *args, **fields)
        else:
            object.__setattr__(self, "_fields", fields)

    def made(self: BaseEvent, name: str) -> Any:
        fields = vars(self).pop("_fields", None)
        if fields is None:
            return look_up(self, name)  # type: ignore[no-untyped-call]
        make(self, **fields)
        return getattr(self, name)

    EventManager.fire_event = fire_if_heard  # type: ignore[method-assign]
    BaseEvent.__init__ = make_later  # type: ignore[method-assign]
    BaseEvent.__getattr__ = made  # type: ignore[method-assign]
