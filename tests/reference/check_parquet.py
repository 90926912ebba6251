#!/usr/bin/env python3
"""Checks that a Parquet file has the findings of a report, with their types and values.

    check_parquet.py FINDINGS.parquet REPORT.nessus

The file has to show all fields (profile full, page 0). The script exits with 1 and prints the first difference.
"""

import pathlib
import sys

import pyarrow
from pyarrow import parquet

from read_nessus import Report, field_type

TYPES = {
    "text": pyarrow.string(),
    "severity": pyarrow.string(),
    "integer": pyarrow.int64(),
    "number": pyarrow.float64(),
    "boolean": pyarrow.bool_(),
}


def main(file, source):
    table = parquet.read_table(file)
    report = Report(pathlib.Path(source).read_bytes())
    names = [field.name for field in table.schema]
    if names != report.columns():
        sys.exit(f"columns {names}, but the report has {report.columns()}")
    for field in table.schema:
        kind = field_type(field.name)
        fits = field.type.value_type == pyarrow.string() if kind == "list" else field.type == TYPES[kind]
        if not fits:
            sys.exit(f"{field.name} is {field.type}, and should be {kind}")
    rows = table.to_pylist()
    if len(rows) != len(report.findings):
        sys.exit(f"{len(rows)} rows, but the report has {len(report.findings)} findings")
    for number, (row, finding) in enumerate(zip(rows, report.findings)):
        row = {name: value for name, value in row.items() if value is not None}
        if row != finding:
            sys.exit(f"row {number}: {row}, but the report has {finding}")
    print(f"{len(rows)} rows of {len(names)} columns")


if __name__ == "__main__":
    main(*sys.argv[1:])
