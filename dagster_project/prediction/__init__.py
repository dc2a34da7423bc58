"""What customers will bring: purchase and spend models, fitted on order days and asked for what follows them.

Numbers in and out, on numpy and scipy. Which days are fitted and scored, and what is published, the dbt models decide;
nothing here reads a clock.
"""
