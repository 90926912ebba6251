//! Answers a question about a report's findings: profile, filters, page. The same path for tools, command line, files.

use std::sync::Arc;

use scanhost_domain::{error_chain::chain, field::Columns, ids::ProfileName, nearest::nearest, page::PageRequest};
use scanhost_results::{BadView, PreparedQuery, Report, ShapeRows, View, rows::ShapeError, shaped};
use scanhost_sandbox::{Fault, Plan, Selection};
use serde_json::{Map, Value as Json};

use crate::{
    refusal::{ErrorCode, Refusal},
    snapshot::{LoadedProfile, Snapshot, named::no_such_profile},
};

/// Known names that a hint lists at most.
const NAMES_IN_HINT: usize = 120;

/// A question about the findings of a report.
#[derive(Clone, Debug)]
pub struct Question {
    pub page: PageRequest,
    pub choice: Choice,
    pub filters: Map<String, Json>,
}

/// The choice of fields.
#[derive(Clone, Debug)]
pub enum Choice {
    Profile(ProfileName),
    /// Fields of the agent's own, in its order.
    Fields(Vec<String>),
}

/// Asks the profile for its plan, and checks the question.
pub async fn prepare(snapshot: &Snapshot, report: Arc<Report>, question: Question) -> Result<PreparedQuery, Refusal> {
    let columns = report.columns();
    let (view, shape) = match &question.choice {
        Choice::Fields(names) => {
            if names.is_empty() {
                return Err(Refusal::invalid("custom_fields is empty", "Name at least one field."));
            }
            View::permit_fields(names, columns).map_err(|bad| bad_view(bad, columns))?;
            let plan =
                Plan { fields: Selection::Some(distinct(names)), filters: "{}".into(), group: None, order: Vec::new() };
            (View::new("custom".into(), None, &plan, &question.filters, columns), None)
        }
        Choice::Profile(name) => {
            let profile = snapshot.profile(name).ok_or_else(|| no_such_profile(snapshot))?;
            let plan = plan(profile, columns).await?;
            let view = View::new(name.to_string(), Some(&profile.description), &plan, &question.filters, columns);
            (view, profile.description.shapes.then(|| shape_rows(profile)))
        }
    };
    let view = view.map_err(|bad| bad_view(bad, columns))?;
    Ok(PreparedQuery::new(report, view, question.page, shape))
}

/// Passes rows through the profile's plugin. It waits for the plugin: it is called where blocking is allowed.
fn shape_rows(profile: &LoadedProfile) -> ShapeRows {
    let (component, definition) = (profile.component.clone(), profile.definition.clone());
    Box::new(move |rows, view| {
        let plugin = || component.name().to_owned();
        let shaping = component.shape(&definition, rows, |shaped| shaped::read(&shaped, view.fields()));
        let shaped = tokio::runtime::Handle::current().block_on(shaping);
        let shaped = shaped.map_err(|fault| ShapeError::Fault { plugin: plugin(), fault })?;
        shaped.map_err(|reason| ShapeError::Refused { plugin: plugin(), reason })
    })
}

async fn plan(profile: &LoadedProfile, columns: &Columns) -> Result<Plan, Refusal> {
    let answer = profile.component.plan(&profile.definition, columns.iter()).await;
    answer.map_err(|fault| cannot_plan(profile, &fault))?.map_err(|reason| {
        Refusal::new(
            ErrorCode::Internal,
            format!("profile `{}` cannot choose the fields: {reason}", profile.name),
            "Use another schema_profile, and tell the operator.",
        )
    })
}

fn cannot_plan(profile: &LoadedProfile, fault: &Fault) -> Refusal {
    match fault {
        Fault::Quarantined(_) => Refusal::new(
            ErrorCode::Unavailable,
            format!("the plugin of profile `{}` {fault}", profile.name),
            "Use another schema_profile, or try again later.",
        ),
        Fault::Cpu(_) | Fault::Wall(_) | Fault::Memory(_) | Fault::Crash(_) | Fault::Contract(_) | Fault::Busy(_) => {
            Refusal::internal("asking the profile for its plan", fault)
        }
    }
}

impl From<ShapeError> for Refusal {
    /// A plugin's own words may have come from the scanned hosts: they are for the log only.
    fn from(error: ShapeError) -> Self {
        tracing::error!(error = chain(&error), "a profile's plugin did not shape the rows");
        let (code, message) = match &error {
            ShapeError::Fault { fault: Fault::Quarantined(_), .. } => (ErrorCode::Unavailable, error.to_string()),
            ShapeError::Fault { .. } => (ErrorCode::Internal, error.to_string()),
            ShapeError::Refused { plugin, .. } => {
                (ErrorCode::Internal, format!("the plugin `{plugin}` of the profile cannot shape the rows"))
            }
        };
        Self::new(code, message, "Use another schema_profile, and tell the operator.")
    }
}

fn bad_view(bad: BadView, columns: &Columns) -> Refusal {
    let hint = match &bad {
        BadView::UnknownFields(names) => unknown_names(names.iter().map(|name| name.trim_matches('`')), columns),
        BadView::Filters(errors) if errors.unknown_fields().next().is_some() => {
            unknown_names(errors.unknown_fields(), columns)
        }
        BadView::Filters(_) => {
            "Filters are an object of field: value. For a text, give a substring or =text; for a number, >7.0 or 9.8; \
             for a severity, >=High. A list such as [443, 80] matches any of its values, and ! in front means not."
                .to_owned()
        }
        BadView::UnknownFieldsInStandingFilters { .. } => {
            format!("Use another schema_profile, and tell the operator. {}", known_names(columns))
        }
        BadView::StandingFilters { .. } => "Use another schema_profile, and tell the operator.".to_owned(),
    };
    let code = match bad {
        BadView::StandingFilters { .. } => ErrorCode::Internal,
        BadView::UnknownFields(_) | BadView::Filters(_) | BadView::UnknownFieldsInStandingFilters { .. } => {
            ErrorCode::InvalidArgument
        }
    };
    Refusal::new(code, bad.to_string(), hint)
}

/// What the names were probably meant to be, and what there is.
fn unknown_names<'a>(names: impl Iterator<Item = &'a str>, columns: &Columns) -> String {
    let near = names.filter(|name| !name.is_empty()).filter_map(|name| nearest(name, plain_names(columns)));
    let near: Vec<String> = near.map(|name| format!("`{name}`")).collect();
    if near.is_empty() {
        return known_names(columns);
    }
    format!("Did you mean {}? {}", near.join(" and "), known_names(columns))
}

fn known_names(columns: &Columns) -> String {
    let names: Vec<_> = plain_names(columns).take(NAMES_IN_HINT).collect();
    format!("Fields are: {}.", names.join(", "))
}

/// Names come from reports too: what could be mistaken for anything but a name is not repeated.
fn plain_names(columns: &Columns) -> impl Iterator<Item = &str> {
    let is_plain = |name: &&str| {
        name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    columns.known_names().into_iter().filter(is_plain)
}

fn distinct(names: &[String]) -> Vec<String> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(name) {
            seen.push(name.clone());
        }
    }
    seen
}
