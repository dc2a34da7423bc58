"""The contract: the canonical entities that every source is mapped to, and what makes a value well-formed.

Pure descriptions. Reading sources, casting and writing belong to landing; SQL over landed data to dbt.
"""
