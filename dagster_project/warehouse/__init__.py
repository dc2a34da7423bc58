"""The embedded warehouse: opening its one file safely, the days of a run, the arguments and the process of dbt.

What is in the warehouse is dbt's; what is run when is `defs/`. Nothing outside this room opens the file.
"""

from __future__ import annotations

from dagster_project.warehouse.opening import (
    HeldWarehouse,
    Holder,
    WarehouseDamaged,
    WarehouseHeld,
    damaged,
    held,
    opened,
    turn,
)

__all__ = ["HeldWarehouse", "Holder", "WarehouseDamaged", "WarehouseHeld", "damaged", "held", "opened", "turn"]
