"""The shortest script that links the generated records: numbers, stars about shared contact points, components.

python -m benchmarks.bare_linking WAREHOUSE OUTPUT SHARED_BY_MORE_THAN

Without registry, evidence, excluded pairs, accounts, versions or marked days: what the customers alone need.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def main(warehouse: str, output: str, shared_by_more_than: str) -> None:
    """Write table `customers` (source, customer_ref, customer) into the new file `output`."""
    Path(output).unlink(missing_ok=True)
    with duckdb.connect(output) as con:
        con.execute(f"attach '{warehouse}' as strata (read_only)")
        con.execute(_REFERENCES)
        links = con.execute(_LINKS, {"most": int(shared_by_more_than)}).fetchnumpy()
        [(nodes,)] = con.execute("select count(*) from numbered").fetchall()
        own, other = (np.asarray(links[name]) for name in ("own", "other"))
        graph = coo_array((np.ones(len(own), dtype=np.int8), (own, other)), shape=(nodes, nodes))
        customer = connected_components(graph, directed=False)[1]
        con.register("components", pa.table({"node": np.arange(nodes), "customer": customer}))
        con.execute(
            "create table customers as select source, customer_ref, customer from numbered join components using (node)"
        )


_REFERENCES = """
    create temp table numbered as
    select row_number() over () - 1 as node, source, customer_ref
    from (
        select source, customer_ref from strata.staging.stg_customers
        union select source, customer_ref from strata.staging.stg_orders
        union select source, customer_ref from strata.staging.stg_customer_links
        union select linked_source, linked_ref from strata.staging.stg_customer_links
    )
"""
_LINKS = """
    with points as (
        select node, unnest([phone_hash, email_hash]) as hash
        from strata.staging.stg_customers join numbered using (source, customer_ref)
    ), stars as (
        select min(node) as centre, list(node) as nodes
        from points
        where hash is not null
        group by hash
        having count(*) between 2 and $most
    )
    select centre as own, unnest(nodes) as other from stars
    union all
    select own.node, other.node
    from strata.staging.stg_customer_links as link
    join numbered as own on own.source = link.source and own.customer_ref = link.customer_ref
    join numbered as other on other.source = link.linked_source and other.customer_ref = link.linked_ref
"""

if __name__ == "__main__":
    main(*sys.argv[1:])
