//! Completion of what people type into prompts and templates: ids of scans, pools, instances, profiles, field names.

use std::{collections::HashMap, sync::Arc};

use rmcp::model::{CompletionInfo, Reference};
use scanhost_app::{find, host::Host, refusal::Refusal, reports};
use scanhost_domain::{field::STANDARD, scan::Status};
use scanhost_results::Report;
use scanhost_store::ListQuery;

use super::{prompts, resources};

/// The largest number of scans that are searched.
const SCANS: usize = 1_000;

/// Returns the values of an argument that fit what was typed so far.
pub async fn complete(
    host: &Arc<Host>,
    reference: &Reference,
    argument: &str,
    typed: &str,
    given: &HashMap<String, String>,
) -> Result<CompletionInfo, Refusal> {
    let snapshot = host.snapshot.load_full();
    let values = match kind(reference, argument)? {
        Kind::Scan(status) => scans(host, status, typed).await?,
        Kind::Pool => begins(snapshot.config.pools.iter().map(|pool| pool.name.to_string()), typed),
        Kind::Instance => {
            let pool = given.get("pool");
            let scanners =
                snapshot.scanners.iter().filter(|scanner| pool.is_none_or(|pool| scanner.id.pool.as_str() == pool));
            begins(scanners.map(|scanner| scanner.id.instance.to_string()), typed)
        }
        Kind::Profile => begins(snapshot.profiles.iter().map(|profile| profile.name.to_string()), typed),
        Kind::Fields => fields(host, given.get("task_id"), typed).await,
        Kind::Free => Vec::new(),
    };
    let total = values.len();
    let values: Vec<String> = values.into_iter().take(CompletionInfo::MAX_VALUES).collect();
    let has_more = total > values.len();
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    CompletionInfo::with_pagination(values, Some(total), has_more)
        .map_err(|reason| Refusal::invalid(reason, "Type more of the value."))
}

enum Kind {
    Scan(Option<Status>),
    Pool,
    Instance,
    Profile,
    /// Field names, separated by commas.
    Fields,
    /// Numbers and filters, of which there is no list.
    Free,
}

fn kind(reference: &Reference, argument: &str) -> Result<Kind, Refusal> {
    let unknown = || {
        Refusal::invalid("no argument of that name can be completed", "See prompts/list and resources/templates/list.")
    };
    match reference {
        Reference::Prompt(prompt) => {
            let prompt = prompts::find(&prompt.name)?;
            if prompt.has_argument(argument) { Ok(Kind::Scan(Some(Status::Completed))) } else { Err(unknown()) }
        }
        Reference::Resource(template) => {
            let known = resources::templates().into_iter().find(|known| known.uri_template == template.uri);
            let known = known.ok_or_else(unknown)?;
            let names = known.uri_template.split(['{', '}', '?', ',', '/']);
            if !names.into_iter().any(|name| name == argument) {
                return Err(unknown());
            }
            Ok(match argument {
                "task_id" => Kind::Scan(None),
                "pool" => Kind::Pool,
                "instance" => Kind::Instance,
                "name" | "schema_profile" => Kind::Profile,
                "custom_fields" => Kind::Fields,
                _ => Kind::Free,
            })
        }
        _ => Err(unknown()),
    }
}

/// Returns the ids that begin with the text, and those of scans whose name contains it, since people know the name.
async fn scans(host: &Arc<Host>, status: Option<Status>, typed: &str) -> Result<Vec<String>, Refusal> {
    let listed = host.scans.list_on(ListQuery { status, limit: SCANS, ..ListQuery::default() }).await?;
    let (id, name) = (typed.trim().to_ascii_uppercase(), typed.trim().to_lowercase());
    let fits = listed
        .into_iter()
        .filter(|scan| scan.id.as_str().starts_with(&id) || scan.request.name.to_lowercase().contains(&name));
    Ok(fits.map(|scan| scan.id.to_string()).collect())
}

fn begins(names: impl Iterator<Item = String>, typed: &str) -> Vec<String> {
    let typed = typed.trim().to_lowercase();
    let mut fits = Vec::new();
    for name in names.filter(|name| name.to_lowercase().starts_with(&typed)) {
        if !fits.contains(&name) {
            fits.push(name);
        }
    }
    fits
}

/// Completes the last of the comma-separated names. A scan with findings offers the fields that these have.
async fn fields(host: &Arc<Host>, task_id: Option<&String>, typed: &str) -> Vec<String> {
    let (before, last) = typed.rsplit_once(',').map_or(("", typed), |(before, last)| (before, last));
    let mut names: Vec<String> = STANDARD.iter().map(|field| field.name.to_owned()).collect();
    if let Some(task_id) = task_id
        && let Ok(scan) = find::scan(host, task_id).await
    {
        let of_report = |report: Arc<Report>| async move {
            Ok(report.columns().iter().map(|column| column.name.clone()).filter(|name| is_plain(name)).collect())
        };
        // A scan without findings has the standard fields.
        names = reports::ask(host, &scan, of_report).await.unwrap_or(names);
    }
    let taken: Vec<&str> = before.split(',').map(str::trim).collect();
    let fits = begins(names.into_iter(), last).into_iter().filter(|name| !taken.contains(&name.as_str()));
    fits.map(|name| if before.is_empty() { name } else { format!("{before},{name}") }).collect()
}

/// Whether a name can be offered. Names come from reports, and may be anything.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
