"""The optional cluster dimension: centres fitted on a stored day, kept for good, and named as in the last fit.

Fitting and keeping only. Which cluster a customer stands in is computed in SQL from the kept centres
(int_clusters_assigned), so that a day is rebuilt with the centres that hold on it.
"""
