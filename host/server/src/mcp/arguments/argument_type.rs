//! Checks whether the value of an argument has the type that the tool's schema wants.

use serde_json::Value as Json;

/// 2^53: up to here every integer is exact as a floating-point number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the value as it is read, since JSON makes no difference between `1` and `1.0`. The error names the type that
/// the value has to have.
pub fn fit(schema: &Json, value: &Json) -> Result<Json, String> {
    let fits = match kind(schema) {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => {
            let of = schema.get("items").unwrap_or(&Json::Null);
            value.as_array().is_some_and(|items| items.iter().all(|item| fit(of, item).is_ok()))
        }
        "integer" => {
            let integer = whole(value).filter(|integer| minimum(schema).is_none_or(|least| *integer >= least));
            let is_large = value.as_f64().is_some_and(|number| number.abs() >= EXACT);
            let expected = || if is_large { "an integer with fewer digits".to_owned() } else { named(schema) };
            return integer.map(Json::from).ok_or_else(expected);
        }
        _ => true,
    };
    if fits { Ok(value.clone()) } else { Err(named(schema)) }
}

fn kind(schema: &Json) -> &str {
    schema.get("type").and_then(Json::as_str).unwrap_or_default()
}

fn minimum(schema: &Json) -> Option<i64> {
    schema.get("minimum").and_then(whole)
}

fn named(schema: &Json) -> String {
    match kind(schema) {
        "integer" => match minimum(schema) {
            Some(least) => format!("an integer of at least {least}"),
            None => "an integer".to_owned(),
        },
        "array" => match schema.get("items").map_or("", kind) {
            "" => "an array".to_owned(),
            of => format!("an array of {of}s"),
        },
        "object" => "an object".to_owned(),
        other => format!("a {other}"),
    }
}

/// Returns `None` for a value that is not an integer, or is larger than any argument can be.
fn whole(value: &Json) -> Option<i64> {
    let is_whole = |number: &f64| number.fract() == 0.0 && number.abs() < EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    let rounded = |number: f64| number as i64;
    value.as_i64().or_else(|| value.as_f64().filter(is_whole).map(rounded))
}
