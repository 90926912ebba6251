#!/usr/bin/env python3
"""An independent reader of .nessus reports. It is plain and slow, and parses the whole file at once.

It is written from the table of fields in wit/README.md and the format of Nessus, not from the Rust code, so that the
two can check each other.

    read_nessus.py FILE                  prints every finding as a JSON object, one per line
    read_nessus.py FILE ACTUAL.jsonl     compares the findings with the lines of type "vulnerability" in ACTUAL.jsonl,
                                         which must show all fields (profile full, page 0); prints the first
                                         differences and exits with 1 if there are any

Real reports are less strict than the parser xml.etree (expat) requires, so the text is prepared first:
- The encoding is taken from the byte order mark or the declaration, and the declaration is removed.
- A document type declaration is removed. Its entities are never used: an unknown entity stays an error.
- Control characters that XML forbids, raw or as character references, become characters of a private range of
  Unicode, and are restored in the values.
- A `<` before white space cannot begin a tag and becomes `&lt;`.
- If a tag has an attribute twice, the first one stays.
- The colon in a name with a prefix becomes another character, so that no prefix has to be declared.
- An element is put around the text, since a file may consist of several ReportHost elements.
"""

import json
import math
import re
import sys
import xml.etree.ElementTree as ElementTree

LISTS = set(
    "apple-sa bid cea-id cert cisco-bug-id cisco-sa cpe cve cwe edb-id hp iava iavb iavt ics-alert icsa msft mskb "
    "osvdb owasp rhsa secunia see_also tra usn vmsa xref".split()
)
NUMBERS = set(
    "cvss_base_score cvss_temporal_score cvss3_base_score cvss3_temporal_score cvss4_base_score cvss4_threat_score "
    "cvssV3_impactScore vpr_score epss_score vulnerability_priority_rating cvss_score".split()
)
BOOLEANS = set(
    "exploit_available exploit_framework_core exploit_framework_metasploit exploit_framework_canvas "
    "exploit_framework_exploithub exploit_framework_d2_elliot exploited_by_malware exploited_by_nessus in_the_news "
    "malware unsupported_by_vendor default_account default-account potential-vulnerability asset_inventory "
    "os_identification thorough_tests".split()
)
INTEGERS = {"plugin_id", "severity_id", "port"}

ATTRIBUTES = [
    ("pluginID", "plugin_id"),
    ("pluginName", "plugin_name"),
    ("pluginFamily", "plugin_family"),
    ("port", "port"),
    ("protocol", "protocol"),
    ("svc_name", "svc_name"),
]
PROPERTIES = [
    ("host-ip", "host_ip"),
    ("host-fqdn", "host_fqdn"),
    ("operating-system", "operating_system"),
    ("mac-address", "mac_address"),
]
HEADER = (
    "host plugin_id plugin_name plugin_family severity severity_id port protocol svc_name host_ip host_fqdn "
    "operating_system mac_address cvss_score"
).split()
SEVERITIES = ["Info", "Low", "Medium", "High", "Critical"]
RISKS = {"critical": 4, "high": 3, "medium": 2, "low": 1, "none": 0, "info": 0}

SPACE = " \t\r\n"
MISSING = object()

# Control characters are moved to this private range.
PRIVATE = 0xF0000
# Replaces the colon of a prefix. This modifier letter is allowed in names and occurs in no name of a report.
COLON = "\u02d0"


class Report:
    """A report whose findings have all been read."""

    def __init__(self, data):
        self.root = ElementTree.fromstring(prepare(decode(data)))
        self.hosts = list(hosts(self.root))
        self.findings = []
        # The number of values that do not have the type of their field.
        self.mistyped = 0
        for host in self.hosts:
            properties = host_properties(host)
            for item in host.findall("ReportItem"):
                typed, mistyped = finding(host, properties, item)
                self.findings.append(typed)
                self.mistyped += mistyped

    def columns(self):
        """The names of all fields, in the order in which they first occur."""
        return list(dict.fromkeys(name for entry in self.findings for name in entry))

    def name(self):
        names = (attribute(element, "name") for element in outside_hosts(self.root) if element.tag == "Report")
        return next((name for name in names if name), None)

    def targets(self):
        """The value of the preference TARGET in a policy."""
        for element in outside_hosts(self.root):
            for preference in element.iter("preference") if element.tag == "Policy" else ():
                name, value = preference.find("name"), preference.find("value")
                if name is not None and content(name) == "TARGET" and value is not None and content(value):
                    return content(value)
        return None


def findings(data):
    """All findings of a report, in the order of the report, as dictionaries with typed values."""
    return Report(data).findings


def field_type(name):
    if name == "severity":
        return "severity"
    kinds = [("list", LISTS), ("number", NUMBERS), ("boolean", BOOLEANS), ("integer", INTEGERS)]
    return next((kind for kind, names in kinds if name in names), "text")


def decode(data):
    for mark, encoding in [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]:
        if data.startswith(mark):
            return data[len(mark):].decode(encoding)
    if data.startswith(b"<\0"):
        return data.decode("utf-16-le")
    if data.startswith(b"\0<"):
        return data.decode("utf-16-be")
    declared = re.match(rb"<\?xml[^?]*?\sencoding\s*=\s*[\"']([^\"']*)[\"']", data)
    return data.decode(declared.group(1).decode("ascii") if declared else "utf-8")


# Everything that is not text. Markup that may itself contain `<` or `&` comes first.
MARKUP = re.compile(
    r"(?P<comment><!--.*?-->)|(?P<cdata><!\[CDATA\[.*?\]\]>)|(?P<instruction><\?.*?\?>)"
    r"|(?P<doctype><!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*'|\[.*?\]\s*(?=>))*>)"
    r"|(?P<reference>&#[0-9a-fA-Fx]+;)"
    r"|(?P<stray><(?=[ \t\r\n]))"
    r"|(?P<tag></?[^\s<>/!?](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>)",
    re.DOTALL,
)


def prepare(text):
    text = text.lstrip("\ufeff")
    text = "".join(hide(character) for character in text) if needs_hiding(text) else text
    text = MARKUP.sub(prepare_markup, text)
    return "<fragment>" + text + "</fragment>"


def needs_hiding(text):
    return re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text) is not None


def hide(character):
    code = ord(character)
    if (code < 0x20 and character not in "\t\n\r") or code in (0xFFFE, 0xFFFF):
        return chr(PRIVATE + code)
    return character


def unhide(text):
    if text is None:
        return ""
    return "".join(chr(ord(c) - PRIVATE) if PRIVATE <= ord(c) <= PRIVATE + 0xFFFF else c for c in text)


REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]+)|([0-9]+));")


def hide_reference(match):
    code = int(match.group(1), 16) if match.group(1) else int(match.group(2))
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return match.group(0)
    hidden = hide(chr(code))
    return match.group(0) if hidden == chr(code) else hidden


def prepare_markup(match):
    kind, text = match.lastgroup, match.group(0)
    if kind in ("instruction", "doctype"):
        return ""
    if kind == "stray":
        return "&lt;"
    if kind == "reference":
        return REFERENCE.sub(hide_reference, text)
    if kind == "tag":
        return REFERENCE.sub(hide_reference, prepare_tag(text))
    return text


def prepare_tag(text):
    name = re.match(r"</?[^\s/>]+", text).group(0)
    attributes = text[len(name):]
    seen = set()

    def keep_first(match):
        if match.group(1) in seen:
            return ""
        seen.add(match.group(1))
        return match.group(0).replace(match.group(1), match.group(1).replace(":", COLON), 1)

    attributes = re.sub(r"\s+([^\s=\"'<>/]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')", keep_first, attributes)
    return name.replace(":", COLON) + attributes


def hosts(element):
    """The hosts below an element, except those inside a policy or another host."""
    return (child for child in outside_hosts(element) if child.tag == "ReportHost")


def outside_hosts(element):
    """The elements below an element, except those inside a policy or a host."""
    for child in element:
        yield child
        if child.tag not in ("ReportHost", "Policy"):
            yield from outside_hosts(child)


def host_properties(host):
    properties = {}
    for group in host.findall("HostProperties"):
        for entry in group.findall("tag"):
            value = content(entry)
            if value:
                properties.setdefault(unhide(entry.get("name")).strip(SPACE), value)
    return properties


def content(element):
    """All text inside an element, trimmed."""
    return unhide("".join(element.itertext())).strip(SPACE)


def attribute(element, name):
    return unhide(element.get(name)).strip(SPACE)


def finding(host, properties, item):
    """Returns the typed values of a finding, and the number of values that do not have the type of their field."""
    children = {}
    order = []
    for child in item:
        value = content(child)
        if value:
            name = child.tag.split(COLON, 1)[-1].replace(COLON, ":")
            children.setdefault(name, []).append(value)
            order.append((name, value))

    given = {"host": attribute(host, "name")}
    for name, field in ATTRIBUTES:
        given[field] = attribute(item, name)
    for name, field in PROPERTIES:
        given[field] = properties.get(name, "")
    level = severity_level(attribute(item, "severity"), children.get("risk_factor", []))
    given["severity"] = SEVERITIES[level]
    given["severity_id"] = str(level)
    given["cvss_score"] = best_score(children)
    # Values from attributes and host properties and computed values come first, in the order of HEADER.
    present = [field for field in HEADER if given[field]]
    raw = {field: [given[field]] for field in present if is_of_type(field, given[field])}
    mistyped = len(present) - len(raw)
    taken = set(raw)
    for field, value in order:
        if field in taken:
            continue
        if is_of_type(field, value):
            raw.setdefault(field, children[field])
        else:
            mistyped += 1

    typed = {field: read(field, values) for field, values in raw.items()}
    return {field: value for field, value in typed.items() if value is not MISSING}, mistyped


def severity_level(given, risks):
    if given in ("0", "1", "2", "3", "4"):
        return int(given)
    for risk in risks:
        if risk.lower() in RISKS:
            return RISKS[risk.lower()]
    return 0


def best_score(children):
    for field in ("cvss4_base_score", "cvss3_base_score", "cvss_base_score"):
        for value in children.get(field, []):
            if number(value) is not MISSING:
                return value
    return ""


def read(field, values):
    """Converts the texts of a field, of which there is at least one, to its typed value."""
    if field == "see_also":
        lines = [line.strip(SPACE) for value in values for line in value.split("\n")]
        return [line for line in lines if line]
    if field in LISTS:
        return values
    if field in NUMBERS:
        return first(number, values)
    if field in INTEGERS:
        return first(integer, values)
    if field in BOOLEANS:
        return first(boolean, values)
    return "\n".join(values)


def is_of_type(field, value):
    return read(field, [value]) is not MISSING


def first(parse, values):
    """Returns the first text that has the right type, for a field that cannot hold two values."""
    for value in values:
        parsed = parse(value)
        if parsed is not MISSING:
            return parsed
    return MISSING


def number(text):
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return MISSING
    value = float(text)
    return value if math.isfinite(value) else MISSING


def integer(text):
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return MISSING
    value = int(text)
    return value if -(2**63) <= value < 2**63 else MISSING


def boolean(text):
    return {"true": True, "false": False}.get(text.lower(), MISSING)


def same(a, b):
    """Whether two values and their types are equal. 5 and 5.0 are the same number in JSON."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b
    return type(a) is type(b) and a == b


def compare(findings_a, findings_b):
    """Returns the differences as lines of text. There are none if the findings are the same, in the same order."""
    differences = []
    if len(findings_a) != len(findings_b):
        differences.append(f"{len(findings_a)} findings against {len(findings_b)}")
    for index, (a, b) in enumerate(zip(findings_a, findings_b)):
        for field in sorted(a.keys() | b.keys()):
            left, right = a.get(field, MISSING), b.get(field, MISSING)
            if not same(left, right):
                differences.append(f"finding {index}, {field}: {shorten(left)} against {shorten(right)}")
    return differences


def shorten(value):
    text = "nothing" if value is MISSING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"


def read_actual(path):
    entries = []
    with open(path, encoding="utf-8", newline="\n") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry.get("type") == "vulnerability":
                del entry["type"]
                entries.append(entry)
    return entries


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit("usage: read_nessus.py FILE [ACTUAL.jsonl]")
    with open(arguments[0], "rb") as file:
        expected = findings(file.read())
    if len(arguments) == 1:
        for entry in expected:
            print(json.dumps(entry, ensure_ascii=False))
        return
    differences = compare(expected, read_actual(arguments[1]))
    for line in differences[:20]:
        print(line)
    if len(differences) > 20:
        print(f"and {len(differences) - 20} more")
    if differences:
        sys.exit(1)
    print(f"{len(expected)} findings are the same")


if __name__ == "__main__":
    main(sys.argv[1:])
