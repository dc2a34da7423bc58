"""What an engine says of the data it fails at, without the data: errors are kept in logs, and values can be people's.

Which step failed, and what is done about it, is the callers'.
"""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa

# Errors about values. Others quote names of tables and columns, without which they could not be mended.
VALUE_ERRORS = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException, pa.ArrowInvalid)
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")


def without_values(error: Exception) -> str:
    """The first line of an error, with what it quotes left out: later lines repeat the row or the statement."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return _QUOTED.sub("…", first)
