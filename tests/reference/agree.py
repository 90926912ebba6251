#!/usr/bin/env python3
"""Sends random queries about random reports to a running scanhost, and compares every line with the reference.

    agree.py URL REPORTS [--program scanhost --config DIR] [--seed N] [--reports N] [--questions N]

At URL scanhost serves MCP with the profiles of profiles.json. REPORTS is the folder from which its scanner takes the
report of each scan, by the name of the scan. With --program some of the queries also go to `scanhost report`.

If all answers agree, the script prints how many it compared. Otherwise it prints the first difference with all that is
needed to reproduce it, and exits with 1.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys

import authentication
import random_queries
import random_reports
import results
from client import Client
from filters import Invalid
from read_nessus import MISSING, Report, same

PROFILES = json.loads(pathlib.Path(__file__).with_name("profiles.json").read_text())

# The number of queries for each report that also run on the command line, where each needs a process.
COMMAND_LINE_QUERIES = 1


def main():
    options = parse_options()
    client = Client(options.url)
    counts = {"answered": 0, "refused": 0, "records": 0, "on the command line": 0}
    for number in range(options.seed, options.seed + options.reports):
        data = random_reports.report(random.Random(f"report {number}"))
        file = options.folder / f"report-{number}.nessus"
        file.write_bytes(data)
        report = Report(data)
        scan = Scan(client, file.name)
        check_equal(file.name, "summary", scan.summary(), expected_summary(report))
        generator = random.Random(f"questions {number}")
        queries = [random_queries.query(generator, report, PROFILES) for _ in range(options.questions)]
        for query in queries:
            expected = expected_lines(report, query, scan.expected_metadata(report))
            check_equal(file.name, query, scan.query(query), expected)
            counts["answered" if isinstance(expected, list) else "refused"] += 1
            counts["records"] += sum(line["type"] == "vulnerability" for line in expected or ())
        for query in queries[:COMMAND_LINE_QUERIES] if options.program else ():
            query_options = random_queries.command_line_options(query)
            if query_options is not None:
                actual = run_report(options, file, query_options)
                check_equal(file.name, query_options, actual, expected_lines(report, query, file_metadata(report)))
                counts["on the command line"] += 1
    total = counts["answered"] + counts["refused"]
    details = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{total} queries about {options.reports} reports: {details}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program")
    parser.add_argument("--config")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--questions", type=int, default=25)
    return parser.parse_args()


class Scan:
    """A completed scan. Its report is the file with the name of the scan."""

    def __init__(self, client, name):
        self.client = client
        submitted = client.call_ok("run_untrusted_scan", {"targets": "10.0.0.1, 10.0.0.2", "name": name})
        self.status = client.call_ok("wait_for_scan", {"task_id": submitted["task_id"], "timeout_seconds": 50})
        if self.status["status"] != "completed":
            sys.exit(f"{name}: the scan did not complete: {self.status}")

    def query(self, query):
        """Returns the lines of the answer, None if the query was refused as invalid, or any other error."""
        is_error, text = self.client.call("get_scan_results", {"task_id": self.status["task_id"], **query})
        if not is_error:
            return [parse_line(line) for line in text.split("\n")]
        error = json.loads(text)["error"]
        return None if error["code"] == "invalid_argument" else error

    def summary(self):
        warnings = {warning["code"]: warning["message"] for warning in self.status.get("warnings", [])}
        return {
            **self.status["results_summary"],
            "mistyped": int(warnings.get("mistyped_values", "0").split()[0]),
            "without hosts": "no_hosts" in warnings,
        }

    def expected_metadata(self, report):
        names = ["task_id", "targets", "scanner_pool", "scanner_instance", "backend", "started_at", "completed_at"]
        return {
            **{name: self.status[name] for name in names},
            "scan_name": self.status["name"],
            "authentication_status": authentication.status(report, without_credentials=True),
        }


def expected_summary(report):
    metadata = list(results.lines(report, results.Query({}, {}), {}))[1]
    return {
        "hosts_scanned": metadata["hosts_scanned"],
        "severity_counts": metadata["severity_counts"],
        "total_vulnerabilities": len(report.findings),
        "mistyped": report.mistyped,
        "without hosts": not report.hosts,
    }


def file_metadata(report):
    """The metadata that `scanhost report` shows for a file, which belongs to no scan."""
    names = ["task_id", "scanner_pool", "scanner_instance", "started_at", "completed_at"]
    return {
        **dict.fromkeys(names),
        "scan_name": report.name(),
        "targets": report.targets(),
        "backend": "nessus",
        "authentication_status": authentication.status(report, without_credentials=None),
    }


def expected_lines(report, query, metadata):
    """Returns the lines of the reference, or None if the query is invalid."""
    try:
        return list(results.lines(report, results.Query(query, PROFILES), metadata))
    except Invalid:
        return None


def run_report(options, file, query_options):
    """Returns the lines of `scanhost report`, None if it refused the query with a message, or any other error."""
    command = [options.program, "report", str(file), "--config", options.config, *query_options]
    process = subprocess.run(command, capture_output=True, timeout=60, check=False)
    # A negative page is a wrong option and ends with 2, other invalid queries end with 1.
    if process.returncode in (1, 2) and not process.stdout and process.stderr:
        return None
    if process.returncode != 0 or not process.stdout.endswith(b"\n"):
        return {"code": process.returncode, "stderr": process.stderr.decode()}
    return [parse_line(line) for line in process.stdout.decode()[:-1].split("\n")]


def parse_line(line):
    return json.loads(line, object_pairs_hook=unique_keys)


def unique_keys(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        sys.exit(f"a line has a key twice: {[name for name, _ in pairs]}")
    return dict(pairs)


def check_equal(file, query, actual, expected):
    if equal(actual, expected):
        return
    print(f"{file}, {json.dumps(query, ensure_ascii=False)}: the answer differs from the reference")
    if isinstance(actual, list) and isinstance(expected, list):
        pairs = [pair for pair in zip(actual, expected) if not equal(*pair)]
        print(f"{len(actual)} lines, {len(expected)} in the reference")
        actual, expected = pairs[0] if pairs else (None, None)
    print(f"scanhost:  {json.dumps(actual, ensure_ascii=False)}")
    print(f"reference: {json.dumps(expected, ensure_ascii=False)}")
    sys.exit(1)


def equal(a, b):
    """Whether two values are equal, including their types and the order of the fields of findings."""
    if isinstance(a, dict) and isinstance(b, dict):
        in_order = "vulnerability" not in (a.get("type"), b.get("type")) or list(a) == list(b)
        return in_order and all(equal(a.get(name, MISSING), b.get(name, MISSING)) for name in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return same(a, b)


if __name__ == "__main__":
    main()
