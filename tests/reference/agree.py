#!/usr/bin/env python3
"""Asks a running scanhost random questions about random reports, and compares every line with the reference's.

    agree.py URL REPORTS [--program scanhost --config DIR] [--seed N] [--reports N] [--questions N]

URL is where scanhost serves MCP, with the profiles of profiles.json; REPORTS is the folder out of which its scanner
takes each scan's report, by the scan's name. With --program the same questions go to `scanhost report` too. It prints
how many were the same, or the first that was not, with all that is needed to see it again; then the exit code is 1.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys

import authentication
import nasty_questions
import nasty_reports
import results
from client import Client
from filters import Invalid
from read_nessus import MISSING, Report, same

PROFILES = json.loads(pathlib.Path(__file__).with_name("profiles.json").read_text())

# So many of the questions about a report are asked on the command line too, where each is a process.
ON_THE_COMMAND_LINE = 1


def main():
    options = arguments()
    client = Client(options.url)
    counts = {"answered": 0, "refused": 0, "records": 0, "on the command line": 0}
    for number in range(options.seed, options.seed + options.reports):
        data = nasty_reports.report(random.Random(f"report {number}"))
        file = options.folder / f"report-{number}.nessus"
        file.write_bytes(data)
        report = Report(data)
        scan = Scan(client, file.name)
        agree(file.name, "summary", scan.summary(), summary(report))
        asker = random.Random(f"questions {number}")
        asked = [nasty_questions.question(asker, report, PROFILES) for _ in range(options.questions)]
        for question in asked:
            expected = expect(report, question, scan.metadata(report))
            agree(file.name, question, scan.ask(question), expected)
            counts["answered" if isinstance(expected, list) else "refused"] += 1
            counts["records"] += sum(line["type"] == "vulnerability" for line in expected or ())
        for question in asked[:ON_THE_COMMAND_LINE] if options.program else ():
            words = nasty_questions.of_the_command_line(question)
            if words is not None:
                told = run(options, file, words)
                agree(file.name, words, told, expect(report, question, file_metadata(report)))
                counts["on the command line"] += 1
    total = counts["answered"] + counts["refused"]
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{total} questions about {options.reports} reports: {told}")


def arguments():
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
    """A completed scan whose report is the file of that name."""

    def __init__(self, client, name):
        self.client = client
        submitted = client.ok("run_untrusted_scan", {"targets": "10.0.0.1, 10.0.0.2", "name": name})
        self.status = client.ok("wait_for_scan", {"task_id": submitted["task_id"], "timeout_seconds": 50})
        if self.status["status"] != "completed":
            sys.exit(f"{name}: the scan did not complete: {self.status}")

    def ask(self, question):
        """The lines, or None where the question was refused as it should be."""
        is_error, text = self.client.call("get_scan_results", {"task_id": self.status["task_id"], **question})
        if not is_error:
            return [line(text) for text in text.split("\n")]
        error = json.loads(text)["error"]
        return None if error["code"] == "invalid_argument" else error

    def summary(self):
        told = self.status["results_summary"]
        warnings = {warning["code"]: warning["message"] for warning in self.status.get("warnings", [])}
        return {
            **told,
            "mistyped": int(warnings.get("mistyped_values", "0").split()[0]),
            "without hosts": "no_hosts" in warnings,
        }

    def metadata(self, report):
        names = ["task_id", "targets", "scanner_pool", "scanner_instance", "backend", "started_at", "completed_at"]
        return {
            **{name: self.status[name] for name in names},
            "scan_name": self.status["name"],
            "authentication_status": authentication.status(report, without_credentials=True),
        }


def summary(report):
    told = list(results.answer(report, results.Question({}, {}), {}))[1]
    return {
        "hosts_scanned": told["hosts_scanned"],
        "severity_counts": told["severity_counts"],
        "total_vulnerabilities": len(report.findings),
        "mistyped": report.mistyped,
        "without hosts": not report.hosts,
    }


def file_metadata(report):
    names = ["task_id", "scanner_pool", "scanner_instance", "started_at", "completed_at"]
    return {
        **dict.fromkeys(names),
        "scan_name": report.name(),
        "targets": report.targets(),
        "backend": "nessus",
        "authentication_status": authentication.status(report, without_credentials=None),
    }


def expect(report, question, metadata):
    try:
        return list(results.answer(report, results.Question(question, PROFILES), metadata))
    except Invalid:
        return None


def run(options, file, words):
    """The lines of `scanhost report`, or None where it was refused, with a word about why."""
    command = [options.program, "report", str(file), "--config", options.config, *words]
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    # A page below 0 is wrong usage already.
    if ended.returncode in (1, 2) and not ended.stdout and ended.stderr:
        return None
    if ended.returncode != 0 or not ended.stdout.endswith(b"\n"):
        return {"code": ended.returncode, "stderr": ended.stderr.decode()}
    return [line(text) for text in ended.stdout.decode()[:-1].split("\n")]


def line(text):
    return json.loads(text, object_pairs_hook=once)


def once(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        sys.exit(f"a line has a key twice: {[name for name, _ in pairs]}")
    return dict(pairs)


def agree(file, question, actual, expected):
    if equal(actual, expected):
        return
    print(f"{file}, {json.dumps(question, ensure_ascii=False)}: not as the reference answers")
    if isinstance(actual, list) and isinstance(expected, list):
        pairs = [pair for pair in zip(actual, expected) if not equal(*pair)]
        print(f"{len(actual)} lines, {len(expected)} of the reference")
        actual, expected = pairs[0] if pairs else (None, None)
    print(f"scanhost:  {json.dumps(actual, ensure_ascii=False)}")
    print(f"reference: {json.dumps(expected, ensure_ascii=False)}")
    sys.exit(1)


def equal(a, b):
    """Equal in value and in kind, and of a finding's fields in order."""
    if isinstance(a, dict) and isinstance(b, dict):
        in_order = "vulnerability" not in (a.get("type"), b.get("type")) or list(a) == list(b)
        return in_order and all(equal(a.get(name, MISSING), b.get(name, MISSING)) for name in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return same(a, b)


if __name__ == "__main__":
    main()
