"""Who is who: registry numbers for customer references, and the customers they link to.

Reads staging and the registry's files; writes `identity.customer_aliases`. It decides nothing about classes, and it
never sees a name or a contact point, only references and links.
"""

from dagster_project.identity.linking import LinkResult, link

__all__ = ["LinkResult", "link"]
