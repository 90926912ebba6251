"""Which findings an object of filters asks for, read from the contract ("Filters").

A value is tested against a finding as the table says, one finding at a time; what cannot be meant is `Invalid`.
"""

import json
import operator
import re

from read_nessus import MISSING, SEVERITIES, number


class Invalid(Exception):
    """A question that has no answer: `invalid_argument`."""


OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "": operator.eq}


def matches(finding, filters, type_of):
    """Whether all terms hold. A finding without the field never matches."""
    return all(field in finding and holds(finding[field], term, type_of(field)) for field, term in filters.items())


def check(filters, type_of):
    """Refuses what can never be meant, also where no finding has the field."""
    for field, term in filters.items():
        kind = type_of(field)
        if kind is None:
            raise Invalid(f"{field}: no such field")
        for value in values(term):
            test(value, kind)


def holds(held, term, kind):
    tests = [test(value, kind) for value in values(term)]
    wanted = [passes for negated, passes in tests if not negated]
    unwanted = [passes for negated, passes in tests if negated]
    return (not wanted or any(passes(held) for passes in wanted)) and not any(passes(held) for passes in unwanted)


def values(term):
    if isinstance(term, list):
        if not term:
            raise Invalid("an empty list")
        return term
    return [term]


def test(value, kind):
    """One value as a test: whether it is negated, and what a field's value has to pass."""
    text = as_text(value)
    if kind not in ("text", "list"):
        text = text.strip()
    negated = text.startswith("!")
    text = text[1:] if negated else text
    if not text:
        raise Invalid("an empty value")
    return negated, PARSERS[kind](text)


def as_text(value):
    """A number or boolean is read as its text."""
    if value is None or isinstance(value, (list, dict)):
        raise Invalid("neither text nor number nor boolean")
    return value if isinstance(value, str) else json.dumps(value)


def text_test(text):
    whole = text.startswith("=")
    sought = fold(text[1:] if whole else text)
    if not sought:
        raise Invalid("nothing to be equal to")
    return lambda held: sought == fold(held) if whole else sought in fold(held)


def list_test(text):
    passes = text_test(text)
    return lambda held: any(passes(element) for element in held)


def fold(text):
    """Lower case, letter by letter: what a capital sigma becomes must not depend on its place in a word."""
    return "".join(letter.lower() for letter in text).replace("ς", "σ")


def number_test(text):
    return comparison(text, floating)


def integer_test(text):
    return comparison(text, exact)


def floating(text):
    value = number(text)
    if value is MISSING:
        raise Invalid(f"{text}: not a number")
    return value


def exact(text):
    """Whole numbers keep all their digits."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else floating(text)


def severity_test(text):
    passes = comparison(text, level)
    return lambda held: passes(SEVERITIES.index(held))


def level(text):
    names = [name.lower() for name in SEVERITIES]
    if text.lower() in names:
        return names.index(text.lower())
    value = number(text)
    if value is MISSING or value not in range(len(names)):
        raise Invalid(f"{text}: not a severity")
    return value


def comparison(text, parse):
    text = text.strip()
    symbol = re.match(r"(<=|>=|<|>|=|)", text).group(1)
    operand = parse(text[len(symbol):].strip())
    return lambda held: OPERATORS[symbol](held, operand)


def boolean_test(text):
    if text.lower() not in ("true", "false"):
        raise Invalid(f"{text}: not a boolean")
    return lambda held: held == (text.lower() == "true")


PARSERS = {
    "text": text_test,
    "list": list_test,
    "integer": integer_test,
    "number": number_test,
    "severity": severity_test,
    "boolean": boolean_test,
}
