"""Decides from a report whether the credentials of its scan worked.

For each host the tag `Credentialed_Scan` comes first, then the output of plugin 19506, then the plugins listed here.
"""

import re

import read_nessus

ACCEPTED = {141118, 117887}
FAILED = {104410, 21745}
NONE_GIVEN = {110723}
LIMITED = {110385, 117885}


def status(report, without_credentials):
    """Returns success, partial, failed, unknown or not_applicable."""
    verdicts, plugins = [], set()
    for host in report.hosts:
        fired, output = plugins_of_host(host)
        plugins |= fired
        is_accepted = has_accepted(read_nessus.host_properties(host).get("Credentialed_Scan", ""), output, fired)
        # A host without findings was not reached. It counts only if it has the tag.
        if is_accepted is not None or len(host.findall("ReportItem")) > 0:
            verdicts.append(is_accepted)
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


def plugins_of_host(host):
    """Returns the plugins that fired on a host, and the output of plugin 19506."""
    fired, output = set(), ""
    for item in host.findall("ReportItem"):
        number = read_nessus.integer(read_nessus.attribute(item, "pluginID"))
        if number is not read_nessus.MISSING:
            fired.add(number)
        if number == 19506:
            output += "".join(read_nessus.content(child) + "\n" for child in item.findall("plugin_output"))
    return fired, output


def has_accepted(tag, output, fired):
    """Returns whether the host accepted the credentials, or None if that is unknown."""
    if tag.lower() in ("true", "false"):
        return tag.lower() == "true"
    printed = re.search(r"Credentialed checks\s*:?\s*(yes|no)", output, re.IGNORECASE)
    if printed:
        return printed.group(1).lower() == "yes"
    if fired & ACCEPTED:
        return True
    return False if fired & (FAILED | NONE_GIVEN) else None
