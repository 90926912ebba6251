//! The cases of a profile: it plans for any columns that a report may have, and shapes every row that it gets.

use std::collections::BTreeSet;

use scanhost_domain::field::{Column, Columns, FieldType};
use scanhost_results::check_standing_filters;
use scanhost_sandbox::{Fault, Plan, Profile, ProfileDescription, Selection};
use serde_json::{Map, Value as Json, json};

use super::case::{Case, Outcome, Stop, case, fail, skip};

/// A profile under test.
pub struct Rig {
    pub profile: Profile,
    /// Its entry in the configuration, as JSON.
    pub definition: String,
}

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("describes-itself", describes, "the host does not load a profile without a description"),
        case!("describes-itself-the-same", same, "agents choose a profile by its description"),
        case!("has-a-version", version, "an operator has to see which version is loaded"),
        case!("explains-its-fields", derived, "agents need to know what a field means"),
        case!(
            "refuses-unknown-keys",
            unknown_key,
            "an unknown key is a mistake of the operator, who has to learn of it"
        ),
        case!("stands-a-broken-definition", broken, "a broken entry must lead to an error, not to a crash"),
        case!(
            "plans-without-columns",
            no_columns,
            "a report may be empty, and the host calls `plan` without columns when it loads the profile"
        ),
        case!("plans-for-many-columns", many_columns, "a report may have 4,096 fields"),
        case!("plans-the-same-twice", same_plan, "the pages of one report have to fit together"),
        case!(
            "has-readable-filters",
            filters,
            "standing filters have to be valid in the filter language that agents use"
        ),
        case!("shapes-every-row", rows, "`shape` has to return as many rows as it got, in the same order"),
        case!("shapes-into-objects", objects, "each row has to be a JSON object"),
        case!("shapes-only-its-fields", own_fields, "every field of a row has to be planned or described as derived"),
        case!("shapes-the-same-twice", same_rows, "a page has to have the same rows each time"),
        case!("stands-odd-rows", odd_rows, "rows may lack fields, and have empty lists and any text"),
        case!("shapes-large-rows", large_rows, "a page of 100 rows with long texts has to fit into its limits"),
    ]
}

impl Rig {
    async fn description(&self) -> Result<ProfileDescription, Stop> {
        match self.profile.describe(&self.definition).await {
            Ok(Ok(description)) => Ok(description),
            _ => skip("`describe` fails (see the case `describes-itself`)"),
        }
    }

    async fn plan(&self, columns: &[Column]) -> Result<Plan, Stop> {
        match self.profile.plan(&self.definition, columns.iter()).await {
            Ok(Ok(plan)) => Ok(plan),
            Ok(Err(error)) => fail(format!("`plan` returned the error {error:?}")),
            Err(fault) => fail(format!("`plan` {fault}")),
        }
    }

    /// What `shape` returns for these rows. A profile that does not shape is skipped.
    async fn shaped(&self, rows: &[String]) -> Result<Vec<String>, Stop> {
        if !self.description().await?.shapes {
            return skip("it does not shape rows");
        }
        match self.profile.shape(&self.definition, rows, Ok).await {
            Ok(Ok(shaped)) => Ok(shaped),
            Ok(Err(error)) => fail(format!("`shape` returned the error {error:?}")),
            Err(fault) => fail(format!("`shape` {fault}")),
        }
    }

    /// Rows with the fields that the profile plans.
    async fn planned_rows(&self, count: usize, text: &str) -> Result<Vec<String>, Stop> {
        let columns = some_columns();
        let names = match self.plan(&columns).await?.fields {
            Selection::Some(names) => names,
            Selection::All => columns.iter().map(|column| column.name.clone()).collect(),
        };
        let value = |name: &str, row: usize| match columns.iter().find(|column| column.name == name)?.field_type {
            FieldType::Text => Some(json!(format!("{text} {row}"))),
            FieldType::Integer => Some(json!(row)),
            FieldType::Number => Some(json!(7.5)),
            FieldType::Boolean => Some(json!(row.is_multiple_of(2))),
            FieldType::List => Some(json!([format!("CVE-2024-{row}"), "CVE-2023-1"])),
            FieldType::Severity => Some(json!("High")),
        };
        let row = |row: usize| {
            let members: Map<String, Json> =
                names.iter().filter_map(|name| Some((name.clone(), value(name, row)?))).collect();
            Json::Object(members).to_string()
        };
        Ok((0..count).map(row).collect())
    }
}

/// Columns that nearly every report has.
fn some_columns() -> Vec<Column> {
    let columns = [
        ("host", FieldType::Text),
        ("plugin_id", FieldType::Integer),
        ("plugin_name", FieldType::Text),
        ("severity", FieldType::Severity),
        ("port", FieldType::Integer),
        ("cve", FieldType::List),
        ("cvss_score", FieldType::Number),
        ("exploit_available", FieldType::Boolean),
        ("description", FieldType::Text),
    ];
    columns.into_iter().map(|(name, field_type)| Column { name: name.into(), field_type }).collect()
}

async fn describes(rig: &Rig) -> Outcome {
    match rig.profile.describe(&rig.definition).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            fail(format!("`describe` returned an error for the definition {}: {error:?}", rig.definition))
        }
        Err(fault) => fail(format!("`describe` {fault}")),
    }
}

async fn same(rig: &Rig) -> Outcome {
    let (first, second) = (rig.description().await?, rig.description().await?);
    let (first, second) = (format!("{first:?}"), format!("{second:?}"));
    if first == second { Ok(()) } else { fail(format!("first {first}, then {second}")) }
}

async fn version(rig: &Rig) -> Outcome {
    let version = rig.description().await?.version;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if version.split('.').count() == 3 && version.split('.').all(is_number) {
        Ok(())
    } else {
        fail(format!("{version:?} is not MAJOR.MINOR.PATCH"))
    }
}

async fn derived(rig: &Rig) -> Outcome {
    let description = rig.description().await?;
    match description.derived.iter().find(|(.., text)| text.trim().is_empty()) {
        Some((name, ..)) => fail(format!("the field `{name}` has no description")),
        None => Ok(()),
    }
}

async fn unknown_key(rig: &Rig) -> Outcome {
    let mut definition: Map<String, Json> = serde_json::from_str(&rig.definition).unwrap_or_default();
    definition.insert("no_such_key".into(), json!(1));
    match rig.profile.describe(&Json::Object(definition).to_string()).await {
        Ok(Err(error)) if error.contains("no_such_key") => Ok(()),
        Ok(Err(error)) => fail(format!("the error does not name the unknown key `no_such_key`: {error:?}")),
        Ok(Ok(_)) => fail("it accepts a definition with the unknown key `no_such_key`"),
        Err(fault) => fail(format!("`describe` {fault}")),
    }
}

async fn broken(rig: &Rig) -> Outcome {
    let deep = "[".repeat(100_000);
    for definition in ["", "null", "[]", "{", r#"{"fields": 7}"#, r#"{"fields": [{}]}"#, "\u{0}", deep.as_str()] {
        let sound = |fault: Fault| Stop::Fail(format!("`describe` {fault}"));
        // It may accept or refuse the definition, but it has to answer.
        let _answer = rig.profile.describe(definition).await.map_err(sound)?;
    }
    Ok(())
}

async fn no_columns(rig: &Rig) -> Outcome {
    rig.description().await?;
    rig.plan(&[]).await.map(drop)
}

async fn many_columns(rig: &Rig) -> Outcome {
    rig.description().await?;
    let column = |n: usize| Column { name: format!("field_{n}"), field_type: FieldType::Text };
    rig.plan(&(0..4_096).map(column).collect::<Vec<_>>()).await.map(drop)
}

async fn same_plan(rig: &Rig) -> Outcome {
    rig.description().await?;
    let (first, second) = (rig.plan(&some_columns()).await?, rig.plan(&some_columns()).await?);
    if first == second { Ok(()) } else { fail(format!("first {first:?}, then {second:?}")) }
}

async fn filters(rig: &Rig) -> Outcome {
    rig.description().await?;
    let plan = rig.plan(&some_columns()).await?;
    check_standing_filters(&plan.filters, &Columns::default())
        .map_err(|problem| Stop::Fail(format!("its filters {} are invalid: {problem}", plan.filters)))
}

async fn rows(rig: &Rig) -> Outcome {
    for count in [0, 1, 100] {
        rig.shaped(&rig.planned_rows(count, "text").await?).await?;
    }
    Ok(())
}

fn object(row: &str) -> Result<Map<String, Json>, Stop> {
    serde_json::from_str(row).map_err(|_| Stop::Fail(format!("the row {row:?} is not a JSON object")))
}

async fn objects(rig: &Rig) -> Outcome {
    let shaped = rig.shaped(&rig.planned_rows(3, "text").await?).await?;
    shaped.iter().try_for_each(|row| object(row).map(drop))
}

async fn own_fields(rig: &Rig) -> Outcome {
    let given = rig.planned_rows(3, "text").await?;
    let mut known: BTreeSet<String> = rig.description().await?.derived.into_iter().map(|(name, ..)| name).collect();
    if let Selection::Some(names) = rig.plan(&some_columns()).await?.fields {
        known.extend(names);
    }
    for row in &given {
        known.extend(object(row)?.into_iter().map(|(name, _)| name));
    }
    for row in rig.shaped(&given).await? {
        let Ok(members) = serde_json::from_str::<Map<String, Json>>(&row) else {
            return skip("a row is not an object (see the case `shapes-into-objects`)");
        };
        if let Some((name, _)) = members.iter().find(|(name, _)| !known.contains(*name)) {
            return fail(format!("the field {name:?} is neither planned nor derived"));
        }
    }
    Ok(())
}

async fn same_rows(rig: &Rig) -> Outcome {
    let given = rig.planned_rows(10, "text").await?;
    let (first, second) = (rig.shaped(&given).await?, rig.shaped(&given).await?);
    if first == second { Ok(()) } else { fail("`shape` returned different rows the second time") }
}

async fn odd_rows(rig: &Rig) -> Outcome {
    let rows = ["{}", r#"{"host":"\u202e\u0000é","cve":[]}"#, r#"{"cve":["a","b"],"port":0}"#];
    rig.shaped(&rows.map(str::to_owned)).await.map(drop)
}

async fn large_rows(rig: &Rig) -> Outcome {
    rig.shaped(&rig.planned_rows(100, &"x".repeat(16 << 10)).await?).await.map(drop)
}
