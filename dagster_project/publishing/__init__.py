"""What leaves the warehouse: Parquet, the serving copy, PostgreSQL, the reactivation lists and their record.

Plain Python over an open warehouse connection: the caller opens it, says which days and gives the time. Nothing here
classifies, and only the lists touch personal data. Each target switches from one whole version to the next; a killed
run leaves what was published as it was.
"""
