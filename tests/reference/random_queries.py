"""Random queries about a report: arguments of `get_scan_results`, most of which are valid."""

import read_nessus

# Fields that are known even if a report does not have them, one or more of each type.
KNOWN_FIELDS = ["solution", "port", "cvss4_base_score", "xref", "exploit_available", "severity", "host"]
OPERATORS = ["", "=", ">", ">=", "<", "<="]
INVALID_TEXTS = ["", "!", "=", "!=", None, [], {}, [[]]]
INVALID_NUMBERS = ["seven", ">", ">>1", "1,000", "nan", "<inf", "", "!", True, None, "0x10"]
INVALID_SEVERITIES = ["Urgent", 5, "-1", "2.5", "", True, "High Low", None]
INVALID_BOOLEANS = ["yes", 1, "", "!", "=true", None]


def query(random, report, profiles):
    """Random arguments without the id of the scan. Some are refused."""
    return Generator(random, report, profiles).query()


def command_line_options(arguments):
    """Translates a query to options of `scanhost report`. Returns None if the options cannot express it."""
    if arguments.get("skip") is not None:
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
        # On the command line numbers and booleans are texts. The findings would be equal, but the schema line repeats
        # the filters and would differ. A list of one value cannot be expressed.
        values = term if isinstance(term, list) and len(term) > 1 else [term]
        if not all(isinstance(value, str) and "\0" not in value for value in values) or "=" in name:
            return None
        options += [f"--filter={name}={value}" for value in values]
    return options


class Generator:
    def __init__(self, random, report, profiles):
        self.random = random
        self.findings = report.findings
        self.columns = report.columns()
        self.profiles = profiles

    def query(self):
        arguments = {}
        draw = self.random.random()
        if draw < 0.6:
            names = ["minimal", "summary", "brief", "full", "full", *self.profiles]
            arguments["schema_profile"] = "nosuch" if draw < 0.01 else self.random.choice(names)
        elif draw < 0.85:
            arguments["custom_fields"] = [self.field() for _ in range(self.random.randint(0 if draw < 0.61 else 1, 5))]
        if draw > 0.99:
            arguments |= {"schema_profile": "brief", "custom_fields": ["host"]}
        if self.random.random() < 0.7:
            arguments["page"] = self.random.choice([0, 0, 1, 1, 1, 2, 3, 7, 10**9] + ([-1] if draw < 0.05 else []))
        if self.random.random() < 0.6:
            arguments["page_size"] = self.random.choice([10, 10, 11, 25, 100, 1, 0, -5, 1000])
        if self.random.random() < 0.2:
            arguments["skip"] = self.random.choice([0, 1, 3, 9, 10, 50, 10**12] + ([-1] if draw < 0.05 else []))
        if self.random.random() < 0.75:
            names = [self.field() for _ in range(self.random.choice([1, 1, 1, 2, 3]))]
            arguments["filters"] = {name: self.term(name) for name in names}
        return arguments

    def field(self):
        draw = self.random.random()
        if draw < 0.02:
            return "nosuch"
        if draw < 0.2 or not self.columns:
            return self.random.choice(KNOWN_FIELDS)
        return self.random.choice(self.columns)

    def term(self, name):
        if self.random.random() < 0.2:
            return [self.operand(name) for _ in range(self.random.randint(1, 3))]
        return self.operand(name)

    def operand(self, name):
        values = [finding[name] for finding in self.findings if name in finding]
        example = self.random.choice(values) if values else None
        operand = getattr(self, read_nessus.field_type(name))(example)
        # Only a text can be negated.
        return "!" + operand if isinstance(operand, str) and self.random.random() < 0.25 else operand

    def list(self, example):
        return self.text(self.random.choice(example) if example else None)

    def text(self, example):
        draw = self.random.random()
        if draw < 0.02:
            return self.random.choice(INVALID_TEXTS)
        if draw < 0.1 or not example:
            return self.random.choice(["zzz", "a", " ", "!!", 7, 7.5, True, "ΟΔΟΣ", "strasse", "> 1", "ssh", "é"])
        if draw < 0.35:
            return "=" + self.in_random_case(example)
        start = self.random.randrange(len(example))
        return self.in_random_case(example[start : start + self.random.randint(1, 12)]) or "x"

    def in_random_case(self, text):
        # The case of each letter changes on its own, as in `filters.fold`.
        change = self.random.choice([str.lower, str.upper, str.swapcase, lambda letter: letter])
        return "".join(change(letter) for letter in text)

    def integer(self, example):
        near = (example if example is not None else 80) + self.random.choice([0, 0, 0, 1, -1])
        return self.numeric([near, str(near), f"{near}.0", f"{near}.5", near + 0.5 if abs(near) < 2**40 else near])

    def number(self, example):
        near = example if example is not None else 7.5
        return self.numeric([near, repr(near), round(near), near + 0.1, str(round(near))])

    def numeric(self, operands):
        if self.random.random() < 0.03:
            return self.random.choice(INVALID_NUMBERS)
        operand = self.random.choice(operands)
        if isinstance(operand, str) or self.random.random() < 0.5:
            return self.comparison(str(operand))
        return operand

    def severity(self, example):
        if self.random.random() < 0.04:
            return self.random.choice(INVALID_SEVERITIES)
        level = self.random.randint(0, 4)
        names = read_nessus.SEVERITIES
        name = names[level]
        written = self.random.choice([level, str(level), f"{level}.0", name, name.upper(), name.lower()])
        return written if isinstance(written, int) else self.comparison(written)

    def boolean(self, example):
        if self.random.random() < 0.04:
            return self.random.choice(INVALID_BOOLEANS)
        return self.random.choice([True, False, "true", "false", " True ", "FALSE"])

    def comparison(self, operand):
        blank = self.random.choice(["", "", " ", "  "])
        return blank + self.random.choice(OPERATORS) + blank + operand + blank
