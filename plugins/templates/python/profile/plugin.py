"""A profile for scanhost: it shows high and critical findings, the worst first, and whether each is urgent."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.planner import (
    Description,
    Field,
    FieldType,
    OrderKey,
    QueryPlan,
    Selection_Some,
)

FIELDS = ["host", "port", "plugin_name", "severity", "cvss_score", "exploit_available"]
MAX_DEFINITION = 100


class Planner(exports.Planner):
    def describe(self, definition):
        permit(definition)
        urgent = Field("urgent", FieldType.BOOLEAN, "severity is critical, or an exploit exists")
        return Description("@NAME@", "0.1.0", Selection_Some(FIELDS), [urgent], True)

    def plan(self, definition, columns):
        permit(definition)
        return QueryPlan(
            fields=Selection_Some(FIELDS),
            filters='{"severity": ">=High"}',
            group=None,
            order=[OrderKey("cvss_score", True)],
        )

    def shape(self, definition, rows):
        """Each row is a JSON object. It has to return as many rows, in the same order."""
        return [shaped(row) for row in rows]


def permit(definition: str) -> None:
    """Refuses keys in the entry of `profiles.yaml`: this profile has no settings."""
    try:
        # A longer definition is refused anyway, and a deeply nested one would exhaust a component's small stack.
        keys = json.loads(definition) if len(definition) < MAX_DEFINITION else None
    except ValueError:
        keys = None
    if not isinstance(keys, dict):
        raise Err("the definition should be an object")
    for key in keys:
        raise Err(f"unknown key `{key}`: this profile has no settings")


def shaped(row: str) -> str:
    values = json.loads(row)
    values["urgent"] = values.get("severity") == "Critical" or values.get("exploit_available") is True
    return json.dumps(values)
