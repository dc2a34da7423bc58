"""A Zoho CRM as a source, through its REST API v8.

`asking` knows tokens, credits and what errors mean, `paging` reads records in the order of their changes, `bulk_read`
whole modules, `deletions` what was deleted; `modules` puts them together.
"""

from dagster_project.sources.zoho_crm.modules import pull_module

__all__ = ["pull_module"]
