"""`strata doctor`: looks at an installation and says what is wrong with it, and what cures it.

One function a subject, each giving findings. They read and change nothing, and hold the warehouse for a moment at most.
What only Dagster can tell is handed in.
"""
