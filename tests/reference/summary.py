#!/usr/bin/env python3
"""Computes the answers of `get_scan_summary` and `compare_scans` from whole parsed reports.

    summary.py FILE                 prints the summary of one report as JSON
    summary.py BASELINE FILE        prints the comparison of two reports as JSON, with complete lists
"""

import json
import pathlib
import sys

from read_nessus import SEVERITIES, Report

MAX_ROWS = 10


def summary(report):
    findings = report.findings
    vulnerabilities = [finding for finding in findings if finding["severity"] != "Info"]
    exploitable = [finding for finding in findings if finding.get("exploit_available")]
    return {
        "hosts_scanned": len(report.hosts),
        "total_vulnerabilities": len(findings),
        "severity_counts": {
            name.lower(): sum(finding["severity"] == name for finding in findings) for name in SEVERITIES
        },
        "top_vulnerabilities": top_vulnerabilities(vulnerabilities),
        "exploitable": {
            "findings": len(exploitable),
            "vulnerabilities": len(distinct(exploitable, "plugin_id")),
            "hosts": len(distinct(exploitable, "host")),
            "top_vulnerabilities": top_vulnerabilities(exploitable),
        },
        "top_hosts": top_hosts(vulnerabilities),
    }


def top_vulnerabilities(findings):
    rows = []
    for plugin, group in grouped(findings, "plugin_id"):
        scores = [finding["cvss_score"] for finding in group if "cvss_score" in finding]
        exploits = [finding["exploit_available"] for finding in group if "exploit_available" in finding]
        row = {
            "plugin_id": plugin,
            "plugin_name": next((finding["plugin_name"] for finding in group if "plugin_name" in finding), None),
            "severity": SEVERITIES[highest(group)],
            "cvss_score": max(scores, default=None),
            "exploit_available": any(exploits) if exploits else None,
            "hosts": len(distinct(group, "host")),
            "findings": len(group),
        }
        score = row["cvss_score"] if scores else -float("inf")
        rows.append(((highest(group), score, row["hosts"], row["findings"]), without_nulls(row)))
    return top_rows(rows)


def top_hosts(findings):
    rows = []
    for host, group in grouped(findings, "host"):
        row = {"host": host or "", "severity": SEVERITIES[highest(group)], "findings": len(group)}
        rows.append(((highest(group), len(group)), row))
    return top_rows(rows)


def grouped(findings, field):
    groups = {}
    for finding in findings:
        groups.setdefault(finding.get(field), []).append(finding)
    return groups.items()


def highest(findings):
    return max(finding["severity_id"] for finding in findings)


def distinct(findings, field):
    return {finding[field] for finding in findings if field in finding}


def top_rows(rows):
    rows.sort(key=lambda row: row[0], reverse=True)
    return [row for _, row in rows[:MAX_ROWS]]


def without_nulls(row):
    return {name: value for name, value in row.items() if value is not None}


def compare(baseline, current):
    before, after = identities(baseline.findings), identities(current.findings)
    lists = {"new": [], "gone": [], "severity_changed": [], "still_there": []}
    for identity, found in after.items():
        if identity not in before:
            lists["new"].append(found)
        elif before[identity]["level"] != found["level"]:
            lists["severity_changed"].append({**found, "baseline_severity": SEVERITIES[before[identity]["level"]]})
        else:
            lists["still_there"].append(found)
    lists["gone"] = [found for identity, found in before.items() if identity not in after]
    for found in lists.values():
        found.sort(key=lambda one: -one["level"])
    counts = {name: len(found) for name, found in lists.items()}
    shown = {name: [{**one, "level": None} for one in found] for name, found in lists.items()}
    return {"counts": counts, **{name: [without_nulls(one) for one in found] for name, found in shown.items()}}


def identities(findings):
    """Merges findings of the same identity: the first gives the fields, the worst gives the severity."""
    found = {}
    for finding in findings:
        identity = tuple(finding.get(name) for name in ("host", "port", "protocol", "plugin_id"))
        fields = {name: finding.get(name) for name in ("host", "port", "protocol", "plugin_id", "plugin_name")}
        level = max(finding["severity_id"], found.get(identity, {"level": 0})["level"])
        found.setdefault(identity, fields).update(level=level, severity=SEVERITIES[level])
    return found


def main(files):
    reports = [Report(pathlib.Path(file).read_bytes()) for file in files]
    print(json.dumps(summary(*reports) if len(reports) == 1 else compare(*reports)))


if __name__ == "__main__":
    main(sys.argv[1:])
