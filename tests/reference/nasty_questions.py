"""Random questions about a report: arguments of `get_scan_results`, most of them with an answer."""

import read_nessus

# Known whether or not a report has them, one of each type.
USUAL = ["solution", "port", "cvss4_base_score", "xref", "exploit_available", "severity", "host"]
OPERATORS = ["", "=", ">", ">=", "<", "<="]
NO_TEXT = ["", "!", "=", "!=", None, [], {}, [[]]]
NO_NUMBER = ["seven", ">", ">>1", "1,000", "nan", "<inf", "", "!", True, None, "0x10"]
NO_SEVERITY = ["Urgent", 5, "-1", "2.5", "", True, "High Low", None]
NO_BOOLEAN = ["yes", 1, "", "!", "=true", None]


def question(random, report, profiles):
    """Arguments without the scan; some are refused."""
    return Asker(random, report, profiles).question()


def of_the_command_line(arguments):
    """The same question as options of `scanhost report`; none where these cannot say it."""
    if any(arguments.get(name) is not None for name in ("skip",)):
        return None
    options = []
    for name, option in [("page", "--page"), ("page_size", "--page-size"), ("schema_profile", "--profile")]:
        if arguments.get(name) is not None:
            options.append(f"{option}={arguments[name]}")
    fields = arguments.get("custom_fields")
    if fields is not None:
        if not fields or any("," in name or not name for name in fields) or "schema_profile" in arguments:
            return None
        options.append("--fields=" + ",".join(fields))
    for name, term in (arguments.get("filters") or {}).items():
        # Numbers and booleans have another form there, which is the same question, but not the same answer: it
        # repeats them. One value in a list cannot be said.
        values = term if isinstance(term, list) and len(term) > 1 else [term]
        if not all(isinstance(value, str) and "\0" not in value for value in values) or "=" in name:
            return None
        options += [f"--filter={name}={value}" for value in values]
    return options


class Asker:
    def __init__(self, random, report, profiles):
        self.random = random
        self.findings = report.findings
        self.columns = report.columns()
        self.profiles = profiles

    def question(self):
        arguments = {}
        way = self.random.random()
        if way < 0.6:
            names = ["minimal", "summary", "brief", "full", "full", *self.profiles]
            arguments["schema_profile"] = "nosuch" if way < 0.01 else self.random.choice(names)
        elif way < 0.85:
            arguments["custom_fields"] = [self.field() for _ in range(self.random.randint(0 if way < 0.61 else 1, 5))]
        if way > 0.99:
            arguments |= {"schema_profile": "brief", "custom_fields": ["host"]}
        if self.random.random() < 0.7:
            arguments["page"] = self.random.choice([0, 0, 1, 1, 1, 2, 3, 7, 10**9] + ([-1] if way < 0.05 else []))
        if self.random.random() < 0.6:
            arguments["page_size"] = self.random.choice([10, 10, 11, 25, 100, 1, 0, -5, 1000])
        if self.random.random() < 0.2:
            arguments["skip"] = self.random.choice([0, 1, 3, 9, 10, 50, 10**12] + ([-1] if way < 0.05 else []))
        if self.random.random() < 0.75:
            names = [self.field() for _ in range(self.random.choice([1, 1, 1, 2, 3]))]
            arguments["filters"] = {name: self.term(name) for name in names}
        return arguments

    def field(self):
        way = self.random.random()
        if way < 0.02:
            return "nosuch"
        if way < 0.2 or not self.columns:
            return self.random.choice(USUAL)
        return self.random.choice(self.columns)

    def term(self, name):
        if self.random.random() < 0.2:
            return [self.value(name) for _ in range(self.random.randint(1, 3))]
        return self.value(name)

    def value(self, name):
        held = [finding[name] for finding in self.findings if name in finding]
        some = self.random.choice(held) if held else None
        value = getattr(self, read_nessus.field_type(name))(some)
        # Only what is a text can be negated.
        return "!" + value if isinstance(value, str) and self.random.random() < 0.25 else value

    def list(self, some):
        return self.text(self.random.choice(some) if some else None)

    def text(self, some):
        way = self.random.random()
        if way < 0.02:
            return self.random.choice(NO_TEXT)
        if way < 0.1 or not some:
            return self.random.choice(["zzz", "a", " ", "!!", 7, 7.5, True, "ΟΔΟΣ", "strasse", "> 1", "ssh", "é"])
        if way < 0.35:
            return "=" + self.in_some_case(some)
        start = self.random.randrange(len(some))
        return self.in_some_case(some[start : start + self.random.randint(1, 12)]) or "x"

    def in_some_case(self, text):
        # Not by whole words: of a letter that becomes two, what the whole is found in would be another question.
        change = self.random.choice([str.lower, str.upper, str.swapcase, lambda letter: letter])
        return "".join(change(letter) for letter in text)

    def integer(self, some):
        near = (some if some is not None else 80) + self.random.choice([0, 0, 0, 1, -1])
        return self.numeric([near, str(near), f"{near}.0", f"{near}.5", near + 0.5 if abs(near) < 2**40 else near])

    def number(self, some):
        near = some if some is not None else 7.5
        return self.numeric([near, repr(near), round(near), near + 0.1, str(round(near))])

    def numeric(self, operands):
        if self.random.random() < 0.03:
            return self.random.choice(NO_NUMBER)
        operand = self.random.choice(operands)
        if isinstance(operand, str) or self.random.random() < 0.5:
            return self.compared(str(operand))
        return operand

    def severity(self, some):
        if self.random.random() < 0.04:
            return self.random.choice(NO_SEVERITY)
        level = self.random.randint(0, 4)
        names = read_nessus.SEVERITIES
        name = names[level]
        written = self.random.choice([level, str(level), f"{level}.0", name, name.upper(), name.lower()])
        return written if isinstance(written, int) else self.compared(written)

    def boolean(self, some):
        if self.random.random() < 0.04:
            return self.random.choice(NO_BOOLEAN)
        return self.random.choice([True, False, "true", "false", " True ", "FALSE"])

    def compared(self, operand):
        blank = self.random.choice(["", "", " ", "  "])
        return blank + self.random.choice(OPERATORS) + blank + operand + blank
