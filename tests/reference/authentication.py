"""Whether a report says that the credentials of its scan worked.

For each host the tag `Credentialed_Scan` counts most, then what plugin 19506 prints, then the plugins that tell.
"""

import re

import read_nessus

ACCEPTED = {141118, 117887}
FAILED = {104410, 21745}
NONE_GIVEN = {110723}
LIMITED = {110385, 117885}


def status(report, without_credentials):
    """One of success, partial, failed, unknown and not_applicable."""
    verdicts, plugins = [], set()
    for host in report.hosts:
        fired, output = items(host)
        plugins |= fired
        answer = verdict(read_nessus.host_properties(host).get("Credentialed_Scan", ""), output, fired)
        # A host without findings was not reached: where it says nothing, it says nothing about credentials.
        if answer is not None or len(host.findall("ReportItem")) > 0:
            verdicts.append(answer)
    accepted, refused = verdicts.count(True), verdicts.count(False)
    if without_credentials is None:
        without_credentials = not accepted and plugins & NONE_GIVEN and not plugins & FAILED
    if without_credentials:
        return "not_applicable"
    if plugins & LIMITED or 0 < accepted < len(verdicts):
        return "partial"
    if accepted:
        return "success"
    return "failed" if refused else "unknown"


def items(host):
    """The plugins that fired on a host, and what plugin 19506 printed."""
    fired, output = set(), ""
    for item in host.findall("ReportItem"):
        number = read_nessus.integer(read_nessus.attribute(item, "pluginID"))
        if number is not read_nessus.MISSING:
            fired.add(number)
        if number == 19506:
            output += "".join(read_nessus.content(child) + "\n" for child in item.findall("plugin_output"))
    return fired, output


def verdict(tag, output, fired):
    if tag.lower() in ("true", "false"):
        return tag.lower() == "true"
    printed = re.search(r"Credentialed checks\s*:?\s*(yes|no)", output, re.IGNORECASE)
    if printed:
        return printed.group(1).lower() == "yes"
    if fired & ACCEPTED:
        return True
    return False if fired & (FAILED | NONE_GIVEN) else None
