"""The lines that a question about a report is answered with, read from the contract ("Results: JSON-NL").

Plain and slow: every question goes over all findings of the whole parsed report.
"""

import math

import filters as filter_language
import read_nessus
from filters import Invalid

MINIMAL = ["host", "plugin_id", "severity", "cve", "cvss_score", "exploit_available"]
SUMMARY = MINIMAL + ["plugin_name", "cvss3_base_score", "synopsis"]
BUILT_IN = {
    "minimal": {"fields": MINIMAL},
    "summary": {"fields": SUMMARY},
    "brief": {"fields": SUMMARY + ["description", "solution"]},
    "full": {"fields": "all"},
}

# Names that are known whether or not a report has them: those of the contract, and what the Nessus backend declares.
KNOWN = (
    set(read_nessus.HEADER + SUMMARY + ["description", "solution", "risk_factor", "plugin_output"])
    | read_nessus.LISTS
    | read_nessus.NUMBERS
    | read_nessus.BOOLEANS
    | {"cvss_vector", "cvss3_vector", "cvss4_vector"}
)


class Question:
    """What can be asked, with the arguments of `get_scan_results`; raises Invalid for what has no answer."""

    def __init__(self, arguments, profiles):
        given = {name: value for name, value in arguments.items() if value is not None}
        self.page = whole(given.get("page", 1))
        self.page_size = min(max(whole(given.get("page_size", 40)), 10), 100)
        self.skip = whole(given.get("skip", 0))
        if self.page < 0 or self.skip < 0:
            raise Invalid("a negative page or skip")
        self.filters = given.get("filters", {})
        self.custom = given.get("custom_fields")
        self.profile = given.get("schema_profile", "brief")
        if self.custom is not None:
            if "schema_profile" in given:
                raise Invalid("custom_fields with a profile")
            if not self.custom:
                raise Invalid("no fields")
            self.profile = "custom"
            self.definition = {"fields": list(dict.fromkeys(self.custom))}
        elif self.profile in profiles or self.profile in BUILT_IN:
            self.definition = profiles.get(self.profile) or BUILT_IN[self.profile]
        else:
            raise Invalid("an unknown profile")


def whole(value):
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("not a whole number")
    return value


def answer(report, question, metadata):
    """All lines of an answer without a byte budget. `metadata` is what is known of the scan."""
    columns = report.columns()

    def type_of(name):
        return read_nessus.field_type(name) if name in KNOWN or name in columns else None

    for name in question.custom or ():
        if type_of(name) is None:
            raise Invalid(f"{name}: no such field")
    filter_language.check(question.filters, type_of)
    standing = question.definition.get("filters", {})
    found = [
        finding
        for finding in report.findings
        # What a profile filters by may be a field that this report does not have.
        if filter_language.matches(finding, standing, read_nessus.field_type)
        and filter_language.matches(finding, question.filters, type_of)
    ]
    for key in reversed(question.definition.get("order", [])):
        found = ordered(found, key)
    shown = question.definition["fields"]
    shown = columns if shown == "all" else shown
    size = question.page_size
    pages = 1 if question.page == 0 else max(1, math.ceil(len(found) / size))
    start, end = (0, len(found)) if question.page == 0 else ((question.page - 1) * size, question.page * size)

    yield {
        "type": "schema",
        "profile": question.profile,
        "fields": shown,
        "field_types": {name: read_nessus.field_type(name) for name in shown},
        "filters_applied": merged(standing, question.filters),
        "total_vulnerabilities": len(found),
        "total_pages": pages,
    }
    yield {
        "type": "scan_metadata",
        **metadata,
        "hosts_scanned": len(report.hosts),
        "severity_counts": {
            name.lower(): sum(finding["severity"] == name for finding in report.findings)
            for name in reversed(read_nessus.SEVERITIES)
        },
    }
    for finding in found[start:end][question.skip:]:
        # A field named like the line's own key cannot be in it.
        record = {name: finding[name] for name in shown if name in finding and name != "type"}
        yield {"type": "vulnerability", **record}
    if question.page != 0:
        following = question.page + 1 if question.page < pages else None
        yield {
            "type": "pagination",
            "page": question.page,
            "page_size": size,
            "total_pages": pages,
            "has_next": following is not None,
            "next_page": following,
        }


def ordered(findings, key):
    """By one field, from low to high or with `-` from high to low; what lacks it comes last either way."""
    name = key.removeprefix("-")
    having = [finding for finding in findings if name in finding]
    rank = read_nessus.SEVERITIES.index if name == "severity" else lambda value: value
    having.sort(key=lambda finding: rank(finding[name]), reverse=key.startswith("-"))
    return having + [finding for finding in findings if name not in finding]


def merged(standing, own):
    """Where both speak of a field, both hold, which is said by a list under `all`."""
    applied = dict(standing)
    for field, value in own.items():
        both = field in standing and standing[field] != value
        applied[field] = {"all": [standing[field], value]} if both else value
    return applied
