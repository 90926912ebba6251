"""Decides which findings match an object of filters. Written from host/docs/filters.md, not from the Rust code.

Each finding is tested on its own. Filters that the page does not allow raise `Invalid`.
"""

import json
import operator
import re

from read_nessus import MISSING, SEVERITIES, number


class Invalid(Exception):
    """The query is not valid: scanhost refuses it with `invalid_argument`."""


OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "": operator.eq}


def matches(finding, filters, type_of):
    """Whether a finding matches all terms. A finding without the field never matches."""
    return all(
        field in finding and matches_term(finding[field], term, type_of(field)) for field, term in filters.items()
    )


def check(filters, type_of):
    """Raises Invalid if the filters are not valid, even if no finding has their fields."""
    for field, term in filters.items():
        kind = type_of(field)
        if kind is None:
            raise Invalid(f"{field}: no such field")
        for operand in operands(term):
            parse_test(operand, kind)


def matches_term(value, term, kind):
    tests = [parse_test(operand, kind) for operand in operands(term)]
    included = [passes for negated, passes in tests if not negated]
    excluded = [passes for negated, passes in tests if negated]
    is_included = not included or any(passes(value) for passes in included)
    return is_included and not any(passes(value) for passes in excluded)


def operands(term):
    if isinstance(term, list):
        if not term:
            raise Invalid("an empty list")
        return term
    return [term]


def parse_test(operand, kind):
    """Parses one operand. Returns whether it is negated, and a predicate of a field's value."""
    text = as_text(operand)
    if kind not in ("text", "list"):
        text = text.strip()
    negated = text.startswith("!")
    text = text[1:] if negated else text
    if not text:
        raise Invalid("an empty value")
    return negated, PARSERS[kind](text)


def as_text(operand):
    """Converts a number or a boolean to its text."""
    if operand is None or isinstance(operand, (list, dict)):
        raise Invalid("neither text nor number nor boolean")
    return operand if isinstance(operand, str) else json.dumps(operand)


def text_test(text):
    is_exact = text.startswith("=")
    sought = fold(text[1:] if is_exact else text)
    if not sought:
        raise Invalid("no text after =")
    return lambda value: sought == fold(value) if is_exact else sought in fold(value)


def list_test(text):
    passes = text_test(text)
    return lambda values: any(passes(value) for value in values)


def fold(text):
    """Lower case, one letter at a time: the lower case of a capital sigma must not depend on its place in a word."""
    return "".join(letter.lower() for letter in text).replace("ς", "σ")


def number_test(text):
    return comparison(text, parse_number)


def integer_test(text):
    return comparison(text, parse_integer_or_number)


def parse_number(text):
    value = number(text)
    if value is MISSING:
        raise Invalid(f"{text}: not a number")
    return value


def parse_integer_or_number(text):
    """Parses a number. Integers keep all their digits."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else parse_number(text)


def severity_test(text):
    passes = comparison(text, parse_level)
    return lambda value: passes(SEVERITIES.index(value))


def parse_level(text):
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
    return lambda value: OPERATORS[symbol](value, operand)


def boolean_test(text):
    if text.lower() not in ("true", "false"):
        raise Invalid(f"{text}: not a boolean")
    return lambda value: value == (text.lower() == "true")


PARSERS = {
    "text": text_test,
    "list": list_test,
    "integer": integer_test,
    "number": number_test,
    "severity": severity_test,
    "boolean": boolean_test,
}
