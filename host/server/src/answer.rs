//! Answers a question about a report's findings: profile, filters, page. The same path for tools, command line, files.

use std::{io::Write, sync::Arc};

use scanhost_domain::{field::Columns, ids::ProfileName, page::PageRequest};
use scanhost_sandbox::{Fault, Plan, Selection};
use serde_json::{Map, Value as Json};

use crate::{
    refusal::{ErrorCode, Refusal},
    results::{
        BadView, Report, Selected, View,
        jsonl::{self, ScanMetadata, WriteError, Writing},
    },
    snapshot::{LoadedProfile, Snapshot},
    submit::no_such_profile,
};

/// Known names that a hint lists at most.
const NAMES_IN_HINT: usize = 120;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Question {
    pub page: PageRequest,
    pub choice: Choice,
    pub filters: Map<String, Json>,
}

/// Which fields.
#[derive(Clone, Debug)]
pub enum Choice {
    Profile(ProfileName),
    /// Fields of the agent's own, in its order.
    Fields(Vec<String>),
}

/// A question that fits the report.
pub struct Prepared {
    pub report: Arc<Report>,
    pub view: View,
    page: PageRequest,
    profile: Option<(Arc<scanhost_sandbox::Profile>, String)>,
}

/// Asks the profile for its plan, and checks everything that was asked for.
///
/// # Errors
/// With what is wrong in the question, or with the profile.
pub async fn prepare(snapshot: &Snapshot, report: Arc<Report>, question: Question) -> Result<Prepared, Refusal> {
    let columns = report.columns();
    let (view, profile) = match &question.choice {
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
            let shaper = profile.description.shapes.then(|| (profile.component.clone(), profile.definition.clone()));
            (view, shaper)
        }
    };
    let view = view.map_err(|bad| bad_view(bad, columns))?;
    Ok(Prepared { report, view, page: question.page, profile })
}

async fn plan(profile: &LoadedProfile, columns: &Columns) -> Result<Plan, Refusal> {
    let answer = profile.component.plan(&profile.definition, columns.iter()).await;
    answer.map_err(|fault| cannot_plan(profile, &fault))?.map_err(|reason| {
        Refusal::new(
            ErrorCode::Internal,
            format!("profile `{}` cannot plan: {reason}", profile.name),
            "Use another schema_profile, and tell the operator.",
        )
    })
}

fn cannot_plan(profile: &LoadedProfile, fault: &Fault) -> Refusal {
    match fault {
        Fault::Quarantined(_) => Refusal::new(
            ErrorCode::Unavailable,
            format!("the plugin of profile `{}` {fault}", profile.name),
            "Use another schema_profile, or try again then.",
        ),
        Fault::Cpu(_) | Fault::Wall(_) | Fault::Memory(_) | Fault::Crash(_) | Fault::Contract(_) | Fault::Busy(_) => {
            Refusal::internal("asking the profile for its plan", fault)
        }
    }
}

impl Prepared {
    /// Writes all lines. It reads files: call it where blocking is allowed, inside the runtime.
    ///
    /// # Errors
    /// When findings cannot be read, the profile fails, or `out` cannot be written to.
    pub fn write(
        &self,
        out: &mut impl Write,
        metadata: &ScanMetadata,
        budget: Option<usize>,
        resource: Option<&str>,
    ) -> Result<(), WriteError> {
        let selected = self.select()?;
        let runtime = tokio::runtime::Handle::try_current();
        let shape = |rows: &[String]| match (&self.profile, &runtime) {
            (Some((profile, definition)), Ok(runtime)) => match runtime.block_on(profile.shape(definition, rows)) {
                Ok(answer) => answer,
                Err(fault) => Err(fault.to_string()),
            },
            _ => Ok(rows.to_vec()),
        };
        let shape: Option<jsonl::Shape<'_>> = self.profile.is_some().then_some(&shape);
        let writing = Writing { metadata, budget, resource, shape };
        jsonl::write(out, &self.report, &self.view, &selected, &writing)
    }

    /// The findings that are asked for.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn select(&self) -> Result<Selected<'_>, crate::results::ReportError> {
        Selected::select(&self.report, &self.view, self.page)
    }
}

fn bad_view(bad: BadView, columns: &Columns) -> Refusal {
    let hint = match &bad {
        BadView::UnknownFields(_) => known_names(columns),
        BadView::Filters(errors) if errors.unknown_fields().next().is_some() => known_names(columns),
        BadView::Filters(_) => {
            "Filters are an object of field: value; text takes a substring or =text, numbers >7.0 or 9.8, severity \
             >=High, a list any of its values, ! means not."
                .to_owned()
        }
        BadView::StandingFilters(_) => "Use another schema_profile, and tell the operator.".to_owned(),
    };
    let code = match bad {
        BadView::StandingFilters(_) => ErrorCode::Internal,
        BadView::UnknownFields(_) | BadView::Filters(_) => ErrorCode::InvalidArgument,
    };
    Refusal::new(code, bad.to_string(), hint)
}

/// Names come from reports too: what could be mistaken for anything but a name is not repeated.
fn known_names(columns: &Columns) -> String {
    let is_plain = |name: &&str| {
        name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    let names: Vec<_> = columns.known_names().into_iter().filter(is_plain).take(NAMES_IN_HINT).collect();
    format!("Fields are: {}.", names.join(", "))
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
