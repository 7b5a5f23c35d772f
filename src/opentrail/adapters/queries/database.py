"""DuckDB for queries: bounded, and locked before anything of a query is seen.

Nothing of the file system but the engine's own directory can be reached, nothing of the network, no
extension can be loaded, and no setting changed (docs/decisions/0016-logs-insights.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from duckdb.func import SPECIAL

from opentrail.adapters.queries.scratch import Scratch
from opentrail.logs.query.plan.texts import PYTHON_FUNCTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one query may take.

    Attributes:
        memory_bytes: Of DuckDB's buffers.
        spill_bytes: On disk, of what does not fit.
        threads: That work for it.
        result_bytes: Of the texts of a result.
    """

    memory_bytes: int = 1024 * 1024 * 1024
    spill_bytes: int = 8 * 1024 * 1024 * 1024
    threads: int = 2
    result_bytes: int = 512 * 1024 * 1024


def open_database(limits: Limits, own: Scratch) -> duckdb.DuckDBPyConnection:
    """A connection to a database of its own in memory."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_unsigned_extensions": "false",
            "threads": str(limits.threads),
            "memory_limit": f"{limits.memory_bytes}B",
            "temp_directory": str(own.spill),
            "max_temp_directory_size": f"{limits.spill_bytes}B",
            "python_enable_replacements": "false",
        },
    )
    for name, (function, arguments, result) in PYTHON_FUNCTIONS.items():
        connection.create_function(name, function, list(arguments), result, null_handling=SPECIAL)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_directories = [{quoted(str(own.path))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def quoted(text: str) -> str:
    """A text of ours as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
