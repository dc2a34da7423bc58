"""Who is who: registry numbers for customer references, and the customers they link to.

Reads staging and the registry's files; writes the tables of schema `identity` and marks the days that they change. It
decides nothing about classes, and it never sees a name or a plain contact point, only references, links and hashes.
"""

from dagster_project.identity.linking import LinkResult, link
from dagster_project.identity.notes import link_notes, missing_key_note

__all__ = ["LinkResult", "link", "link_notes", "missing_key_note"]
