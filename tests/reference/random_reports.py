"""Random reports in which the oddities of real reports, and some that could occur, are frequent.

Every report can be read, and each oddity in it has exactly one meaning, so that two readers have to agree about it.
"""

from xml.sax.saxutils import escape

ALPHABETS = [
    "abcdefghij ABCDEFGHIJ 0123456789 -_./:",
    "äöüßÄÖÜ éèñ",
    "οδος ΟΔΟΣ σς",
    "данные ДАННЫЕ",
    "主机 漏洞",
    "🔒🦀 e\u0301 \u200f\u00a0",
    "<>&\"'=!%{}[]\\",
]
CONTROLS = "\x00\x01\x07\x08\x0b\x0c\x1b\x1f\ufffe"
# Texts that many findings share, so that filters match and orders compare more than one.
WORDS = ["ssh", "SSL", "Apache Log4j", "remote", "Straße", "ΟΔΟΣ", "CVE-2021-44228", "N/A", "true", "7.5", "10"]
NUMBERS = ["0", "0.0", "2.6", "5", "5.0", "7.5", "9.8", "10", "10.0", "1e1", ".5", "5.", "-1", "+3", "007", "6.5E-1"]
NOT_NUMBERS = ["N/A", "inf", "nan", "1e999", "9,8", "0x10", "1_0", "７", "--", "9.8 (high)"]
BOOLEANS = ["true", "false", "True", "FALSE", "true", "false"]
NOT_BOOLEANS = ["yes", "1", "truthy"]
LISTS = ["cve", "bid", "xref", "cwe", "see_also", "cpe", "edb-id", "iava", "msft", "apple-sa", "cisco-bug-id"]
SCORES = ["cvss_base_score", "cvss3_base_score", "cvss4_base_score", "cvss_temporal_score", "vpr_score", "epss_score"]
FLAGS = ["exploit_available", "exploit_framework_core", "default-account", "in_the_news", "thorough_tests"]
TEXTS = ["synopsis", "description", "solution", "plugin_output", "cvss_vector", "fname", "script_version", "attachment"]
ODD_NAMES = ["note", "x.y-z_1", "größe", "type", "Type", "fields", "cm:compliance-result", "compliance-result", "cm:a:b"]
# Names of fields whose values come from attributes and host properties, or are computed.
HEADER = ["port", "host", "plugin_name", "plugin_id", "severity", "severity_id", "cvss_score", "svc_name", "host_ip"]
RISKS = ["Critical", "High", "Medium", "Low", "None", "critical", "odd", "INFO"]
TAGS = ["host-ip", "host-fqdn", "operating-system", "mac-address", "policy-used"]
ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1", "windows-1252"]


def report(random):
    """Returns the bytes of a report."""
    return Generator(random).report()


class Generator:
    def __init__(self, random):
        self.random = random
        self.encoding = random.choice(ENCODINGS)
        self.oddity_rate = random.choice([0.02, 0.15, 0.4])

    def is_odd(self):
        return self.random.random() < self.oddity_rate

    def report(self):
        # As in real reports, characters that the encoding lacks become references.
        text = self.document().replace("\ufeff", "")
        return text.encode(self.encoding, "xmlcharrefreplace")

    def document(self):
        hosts = "".join(self.host(number) for number in range(self.random.choice([0, 1, 2, 3, 5])))
        name = self.random.choice(["", ' name="weekly"', " name='Größe &amp; co'"])
        wrapper = self.random.choice(["{}", "<odd>{}</odd>", "<odd x='1'><odd>{}</odd></odd>"])
        body = f"<Report{name}>{wrapper.format(hosts)}</Report>{self.space()}"
        declared = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16"}.get(self.encoding, self.encoding)
        encoding = "" if declared == "utf-8" and self.is_odd() else f' encoding="{declared}"'
        doctype = "<!DOCTYPE NessusClientData_v2 [<!ENTITY a 'b'>]>\n" if self.is_odd() else ""
        return (
            f'<?xml version="1.0"{encoding} ?>\n{doctype}<NessusClientData_v2>{self.policy()}{body}'
            f"</NessusClientData_v2>\n"
        )

    def policy(self):
        targets = self.random.choice(["", "10.0.0.0/24", " a.example,\nb.example "])
        return self.random.choice([
            "",
            "<Policy><policyName>p</policyName></Policy>\n",
            "<Policy><Preferences><ServerPreferences><preference><name>whoami</name><value>me</value></preference>"
            f"<preference><name>TARGET</name>\n<value>{targets}</value></preference></ServerPreferences></Preferences>"
            "<odd><ReportHost name='no'><ReportItem pluginID='1'/></ReportHost></odd></Policy>\n",
        ])

    def host(self, number):
        name = self.random.choice([f"10.0.0.{number}", f"Web-{number}.lab.example", f"größe {number}", " beta\t", ""])
        attribute = f" name={self.quoted(name)}" if name or not self.is_odd() else ""
        count = self.random.choice([0, 1, 8, 20, 60])
        items = [self.item() for _ in range(count)]
        if not self.is_odd():
            items.insert(0, self.properties())
        elif self.random.random() < 0.5:
            items.insert(self.random.randint(0, len(items)), self.properties())
        if self.is_odd():
            items.append("<Other><ReportItem pluginID='2'/><ReportHost name='inner'/></Other>stray &lt; text")
        return f"<ReportHost{attribute}>{self.space().join(items)}</ReportHost>{self.space()}"

    def properties(self):
        tags = [name for name in TAGS if self.random.random() < 0.5]
        tags += self.random.choices(TAGS, k=2) if self.is_odd() else []
        entries = [f"<tag name={self.quoted(name)}>{self.value(self.text(), '')}</tag>" for name in tags]
        if self.random.random() < 0.5:
            value = self.random.choice(["true", "false", "odd", " TRUE "])
            entries.append(f"<tag name='Credentialed_Scan'>{value}</tag>")
        return f"<HostProperties>{self.space().join(entries)}</HostProperties>"

    def item(self):
        plugins = ["19506", "104410", "141118", "110385", "0", "10", "11", "12", "9007199254740993"]
        plugins = ["99999999999999999999", "abc", "-7", " 10 "] if self.is_odd() else plugins
        attributes = [
            ("port", self.random.choice(["0", "22", "80", "443", "65535", "http", " 8080 "])),
            ("svc_name", self.random.choice(["www", "ssh", "general", ""])),
            ("protocol", self.random.choice(["tcp", "udp", "icmp"])),
            ("severity", self.random.choice("01234" if not self.is_odd() else ["5", "", "High", " 2 "])),
            ("pluginID", self.random.choice(plugins)),
            ("pluginName", self.text(self.random.randint(0, 40))),
            ("pluginFamily", self.random.choice(["General", "Web Servers", "Web\tServers", "Misc."])),
        ]
        attributes = [entry for entry in attributes if not self.is_odd()]
        if self.is_odd():
            extra = [("port", "1"), ("odd", "x"), ("pluginName", "twice"), ("cm:x", "y")]
            attributes += self.random.choices(extra, k=2)
        if self.is_odd():
            self.random.shuffle(attributes)
        written = "".join(self.attribute(name, text) for name, text in attributes)
        children = self.children()
        if not children and self.random.random() < 0.5:
            return f"<ReportItem{written}/>"
        return f"<ReportItem{written}>{self.space().join(children)}</ReportItem>"

    def attribute(self, name, text):
        return f"{self.blank()}{name}{self.optional_blank()}={self.optional_blank()}{self.quoted(text)}"

    def children(self):
        elements = []
        for _ in range(self.random.choice([0, 2, 5, 12])):
            kind = self.random.random()
            if kind < 0.3:
                elements.append(self.child(self.random.choice(TEXTS), self.text()))
            elif kind < 0.5:
                name = self.random.choice(LISTS)
                elements += [self.child(name, self.text(20)) for _ in range(self.random.choice([1, 1, 3]))]
            elif kind < 0.7:
                scores = NOT_NUMBERS if self.is_odd() else NUMBERS
                elements.append(self.child(self.random.choice(SCORES), self.random.choice(scores)))
            elif kind < 0.82:
                flags = NOT_BOOLEANS if self.is_odd() else BOOLEANS
                elements.append(self.child(self.random.choice(FLAGS), self.random.choice(flags)))
            elif kind < 0.9:
                elements.append(self.child("risk_factor", self.random.choice(RISKS)))
            elif kind < 0.96:
                elements.append(self.child(self.random.choice(ODD_NAMES), self.text()))
            else:
                elements.append(self.child(self.random.choice(HEADER), self.random.choice(["4", "443", "x", "9.9"])))
        if self.random.random() < 0.1:
            result = self.random.choice(["yes, as 'u' via ssh", "no"])
            elements.append(self.child("plugin_output", f"Credentialed checks : {result}"))
        if self.random.random() < 0.1:
            elements.append(self.child("see_also", "http://a.example\n\n http://b.example \r\nhttp://c.example"))
        if self.is_odd():
            self.random.shuffle(elements)
        return elements

    def child(self, name, text):
        attribute = " name='n' type=\"t>\"" if self.is_odd() else ""
        return f"<{name}{attribute}>{self.value(text)}</{name}>"

    def text(self, length=None):
        """A random text, not yet escaped."""
        if self.random.random() < 0.4:
            return self.random.choice(WORDS)
        alphabet = self.random.choice(ALPHABETS)
        length = self.random.choice([0, 1, 5, 30, 300]) if length is None else length
        letters = self.random.choices(alphabet, k=length)
        if self.is_odd():
            letters.insert(self.random.randint(0, len(letters)), self.random.choice(CONTROLS + "\n\t\r"))
        return "".join(letters)

    def value(self, text, stray=" 1 < 2"):
        """Writes a text between tags in one of several ways, one of which adds a stray `<` that begins no tag."""
        around = self.random.choice(["", "", " ", "\n  ", "\r\n\t"])
        draw = self.random.random()
        if draw < 0.1 and "]]>" not in text:
            inside = f"<![CDATA[{text}]]>"
        elif draw < 0.2:
            inside = "".join(f"&#{ord(letter)};" if self.random.random() < 0.5 else escape(letter) for letter in text)
        elif draw < 0.25:
            half = len(text) // 2
            inside = f"{escape(text[:half])}<!-- no --><b x='1'>{escape(text[half:])}</b><?no?>"
        elif draw < 0.3:
            inside = escape(text) + stray
        else:
            inside = escape(text)
        return around + inside + around

    def quoted(self, text):
        mark = self.random.choice("\"'")
        written = escape(text, {mark: "&quot;" if mark == '"' else "&apos;"})
        return mark + (written.replace("\t", "&#9;") if self.is_odd() else written) + mark

    def space(self):
        return self.random.choice(["", "\n", "\r\n  ", "<!-- between -->"])

    def blank(self):
        return self.random.choice([" ", " ", "\n", "\t "])

    def optional_blank(self):
        return " " if self.is_odd() else ""
