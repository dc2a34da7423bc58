"""What a user should know of linking, in sentences: no key to link by, contact points and pairs that link no one.

Sentences hold counts and places in files, never a reference or a contact point.
"""

from __future__ import annotations

from dagster_project.identity.linking import LinkResult
from dagster_project.settings import Settings
from dagster_project.settings.sources import CONTACT_POINTS

PLACES_LISTED = 5


def missing_key_note(settings: Settings) -> str | None:
    """Says that contact points link no one, where some would and there is no key to hash them with."""
    if settings.environment.hash_key is not None:
        return None
    mapped = {name for source in settings.sources.sources for read in source.reads for name in read.columns}
    unused = [name for name in settings.sources.identity.match if name in mapped & set(CONTACT_POINTS)]
    if not unused:
        return None
    return (
        f"STRATA_HASH_KEY is not set, so no customers are linked by {', '.join(unused)}, only by the exact ids of the "
        "mappings. Set it to any secret text, or say match: [] under identity in sources.yaml."
    )


def link_notes(result: LinkResult) -> list[str]:
    """What linking left out, and where to look."""
    notes = []
    if shared := sum(result.shared_points.values()):
        notes.append(f"{_counted(shared, 'contact point')} shared and linking no one; see shared_contact_points.")
    if result.cut_links:
        notes.append(
            f"{_counted(result.cut_links, 'link')} cut to keep customers apart; see identity_links where not is_used."
        )
    if lost := result.unknown_pairs:
        places = ", ".join(lost[:PLACES_LISTED]) + (" …" if len(lost) > PLACES_LISTED else "")
        notes.append(f"{_counted(len(lost), 'pair')} listed with a reference that has not landed: {places}.")
    return notes


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun} is" if count == 1 else f"{count:,} {noun}s are"
