use super::*;

fn by(columns: &[&str]) -> Vec<String> {
    let column = |name: &&str| Column { name: (*name).to_owned(), type_: FieldType::Text };
    let plan = Triage::plan("{}".to_owned(), columns.iter().map(column).collect()).unwrap();
    plan.group.unwrap().by
}

#[test]
fn vulnerabilities_are_grouped_by_number_or_else_by_name() {
    assert_eq!(by(&["host", "plugin_name", "plugin_id"]), ["plugin_id"]);
    assert_eq!(by(&["host", "plugin_name"]), ["plugin_name"]);
    assert_eq!(by(&[]), ["plugin_id"], "without a report");
}

#[test]
fn fields_of_the_order_are_shown() {
    assert!(ORDER.iter().all(|field| FIELDS.contains(field)));
}

#[test]
fn settings_are_refused() {
    assert!(Triage::describe("{ }".to_owned()).is_err_and(|error| error.contains("no settings")));
    assert!(Triage::plan("{\"fields\":[]}".to_owned(), Vec::new()).is_err());
}
