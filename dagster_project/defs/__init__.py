"""The declarations that Dagster reads; what they start lives in the other rooms. The only folder that imports Dagster.

Modules that declare assets or ops go without `from __future__ import annotations`: Dagster reads the annotation of
`context` as an object.
"""
