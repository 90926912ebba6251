"""Computes the lines that answer a query about a report: schema, scan, findings and pagination, as JSON lines.

It is written from README.md, host/docs/filters.md and the description of `get_scan_results`, not from the Rust code, so
that the two can check each other.

The code is plain and slow: every query goes over all findings of the whole parsed report.
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

# Fields that are known even if a report does not have them: the standard ones and those of the Nessus backend.
KNOWN_FIELDS = (
    set(read_nessus.HEADER + SUMMARY + ["description", "solution", "risk_factor", "plugin_output"])
    | read_nessus.LISTS
    | read_nessus.NUMBERS
    | read_nessus.BOOLEANS
    | {"cvss_vector", "cvss3_vector", "cvss4_vector"}
)


class Query:
    """The checked arguments of `get_scan_results`. Raises Invalid if they are not valid."""

    def __init__(self, arguments, profiles):
        given = {name: value for name, value in arguments.items() if value is not None}
        self.page = integer(given.get("page", 1))
        self.page_size = min(max(integer(given.get("page_size", 40)), 10), 100)
        self.skip = integer(given.get("skip", 0))
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


def integer(value):
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("not an integer")
    return value


def lines(report, query, metadata):
    """Yields all lines of the answer, without a byte budget. `metadata` describes the scan."""
    columns = report.columns()

    def type_of(name):
        return read_nessus.field_type(name) if name in KNOWN_FIELDS or name in columns else None

    for name in query.custom or ():
        if type_of(name) is None:
            raise Invalid(f"{name}: no such field")
    filter_language.check(query.filters, type_of)
    profile_filters = query.definition.get("filters", {})
    found = [
        finding
        for finding in report.findings
        # A profile may filter by a field that this report does not have.
        if filter_language.matches(finding, profile_filters, read_nessus.field_type)
        and filter_language.matches(finding, query.filters, type_of)
    ]
    for key in reversed(query.definition.get("order", [])):
        found = ordered(found, key)
    shown = query.definition["fields"]
    shown = columns if shown == "all" else shown
    size = query.page_size
    pages = 1 if query.page == 0 else max(1, math.ceil(len(found) / size))
    start, end = (0, len(found)) if query.page == 0 else ((query.page - 1) * size, query.page * size)

    yield {
        "type": "schema",
        "profile": query.profile,
        "fields": shown,
        "field_types": {name: read_nessus.field_type(name) for name in shown},
        "filters_applied": merged(profile_filters, query.filters),
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
    for finding in found[start:end][query.skip:]:
        # A field named `type` is left out, since each line has its own key `type`.
        record = {name: finding[name] for name in shown if name in finding and name != "type"}
        yield {"type": "vulnerability", **record}
    if query.page != 0:
        following = query.page + 1 if query.page < pages else None
        yield {
            "type": "pagination",
            "page": query.page,
            "page_size": size,
            "total_pages": pages,
            "has_next": following is not None,
            "next_page": following,
        }


def ordered(findings, key):
    """Sorts by one field, in descending order if the key begins with `-`. Findings without the field come last."""
    name = key.removeprefix("-")
    with_field = [finding for finding in findings if name in finding]
    rank = read_nessus.SEVERITIES.index if name == "severity" else lambda value: value
    with_field.sort(key=lambda finding: rank(finding[name]), reverse=key.startswith("-"))
    return with_field + [finding for finding in findings if name not in finding]


def merged(profile_filters, filters):
    """Merges the filters of a profile and of a query. Two different terms for one field become a list under `all`."""
    applied = dict(profile_filters)
    for field, term in filters.items():
        is_merged = field in profile_filters and profile_filters[field] != term
        applied[field] = {"all": [profile_filters[field], term]} if is_merged else term
    return applied
