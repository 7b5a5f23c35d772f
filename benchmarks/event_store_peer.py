"""DuckDB does the same; run by the Python of the benchmarks' own environment, prints JSON.

`import FOLDER OUT`: read every .json.gz below FOLDER into one Parquet file with typed columns.
`ask FOLDER`: answer the queries of a JSON list on stdin over the Parquet files of FOLDER, timed.
"""

import json
import sys
import time

import duckdb

THREADS = 2
_IDENTITY = """STRUCT("type" VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR,
 accessKeyId VARCHAR, userName VARCHAR, invokedBy VARCHAR, sessionContext STRUCT(
 sessionIssuer STRUCT("type" VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR,
 userName VARCHAR), attributes STRUCT(creationDate VARCHAR, mfaAuthenticated VARCHAR),
 sourceIdentity VARCHAR))"""
_RECORD = f"""STRUCT(eventVersion VARCHAR, userIdentity {_IDENTITY}, eventTime TIMESTAMP,
 eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR,
 userAgent VARCHAR, errorCode VARCHAR, errorMessage VARCHAR, requestParameters JSON,
 responseElements JSON, additionalEventData JSON, requestID VARCHAR, eventID VARCHAR,
 readOnly BOOLEAN, resources STRUCT(ARN VARCHAR, accountId VARCHAR, "type" VARCHAR)[],
 eventType VARCHAR, apiVersion VARCHAR, managementEvent BOOLEAN, recipientAccountId VARCHAR,
 sharedEventID VARCHAR, vpcEndpointId VARCHAR, eventCategory VARCHAR, serviceEventDetails JSON,
 tlsDetails JSON, sessionCredentialFromConsole VARCHAR)[]"""


def connect() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute(f"SET threads = {THREADS}")
    made.execute("SET preserve_insertion_order = false")
    return made


def read(folder: str, out: str) -> None:
    """Reading, unnesting and writing; nothing is deduplicated, sorted or indexed."""
    made = connect()
    made.execute(
        f"COPY (SELECT unnest(record) FROM (SELECT unnest(Records) AS record FROM read_json("
        f"'{folder}/**/*.json.gz', columns = {{'Records': '{_RECORD}'}}, "
        f"maximum_object_size = 268435456))) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
    )
    (rows,) = made.execute(f"SELECT count(*) FROM '{out}'").fetchone() or (0,)
    print(json.dumps({"records": rows, "version": duckdb.__version__}))


def ask(folder: str) -> None:
    made = connect()
    made.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{folder}/*.parquet')")
    answers = []
    for query in json.load(sys.stdin):
        began = time.perf_counter()
        rows = made.execute(query).fetchall()
        answers.append({"s": time.perf_counter() - began, "rows": len(rows), "first": rows[:1]})
    print(json.dumps(answers, default=str))


if __name__ == "__main__":
    if sys.argv[1] == "import":
        read(*sys.argv[2:4])
    else:
        ask(sys.argv[2])
