//! Creates a scan from a template, without starting it.

use scanhost_sdk::{
    backend::{
        scanner::{RemoteScan, ScanRequest},
        types::ScanError,
    },
    requests::{Answer, Request},
};
use serde::{Deserialize, Serialize};

use crate::{find, health, marker, options::Options, refusal, saved_state::SavedState, scan_id::ScanId, ssh, wire};

#[cfg(test)]
mod tests;

pub fn create(options: &Options, installation: &str, request: &ScanRequest) -> Result<RemoteScan, ScanError> {
    let templates = Request::get("read the scan templates", "/editor/scan/templates").send()?;
    let template = template_uuid(templates, &options.template)?;
    let body = body(&template, options, installation, request)?;
    match Request::post("create the scan", "/scans").json(&body).send() {
        Ok(answer) => read_created(answer),
        Err(lost) if lost.may_have_acted() => after_broken_create(installation, &request.task_id, lost.into()),
        Err(lost) => Err(lost.into()),
    }
}

/// Some builds without `scan_api` drop the connection instead of refusing. A network may also drop it after the scan
/// was created.
fn after_broken_create(installation: &str, task_id: &str, broken: ScanError) -> Result<RemoteScan, ScanError> {
    if let Some(remote) = find::find(installation, task_id)? {
        return Ok(remote);
    }
    match health::has_scan_api() {
        Some(false) => Err(ScanError::Unsupported(format!("cannot create the scan: {}", refusal::NO_SCAN_API))),
        Some(true) | None => Err(broken),
    }
}

/// The uuid of the template with this name.
fn template_uuid(answer: Answer, name: &str) -> Result<String, ScanError> {
    #[derive(Deserialize)]
    struct Templates {
        #[serde(default, deserialize_with = "wire::or_default")]
        templates: Vec<Template>,
    }
    #[derive(Deserialize)]
    struct Template {
        #[serde(default, deserialize_with = "wire::or_default")]
        name: String,
        #[serde(default, deserialize_with = "wire::or_default")]
        uuid: String,
    }
    let Templates { templates } = refusal::accept(answer)?.json()?;
    let template = templates.into_iter().find(|template| template.name == name && !template.uuid.is_empty());
    template.map(|template| template.uuid).ok_or_else(|| {
        ScanError::Unsupported(format!("the scanner has no template {name:?}: set another in its options"))
    })
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    uuid: &'a str,
    settings: Settings<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<ssh::Credentials<'a>>,
}

#[derive(Debug, Serialize)]
struct Settings<'a> {
    name: String,
    text_targets: String,
    description: &'a str,
    enabled: bool,
    // Each user has their own folders, so no number is right for all users.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder_id: Option<u64>,
    scanner_id: u64,
    launch_now: bool,
}

fn body<'a>(
    template: &'a str,
    options: &Options,
    installation: &str,
    request: &'a ScanRequest,
) -> Result<Body<'a>, ScanError> {
    if request.targets.is_empty() {
        return Err(ScanError::Invalid("the scan has no targets".to_owned()));
    }
    let settings = Settings {
        name: marker::mark(&request.name, installation, &request.task_id),
        text_targets: request.targets.join(","),
        description: &request.description,
        enabled: true,
        folder_id: options.folder_id,
        scanner_id: options.scanner_id,
        launch_now: false,
    };
    Ok(Body { uuid: template, settings, credentials: ssh::credentials(request)? })
}

fn read_created(answer: Answer) -> Result<RemoteScan, ScanError> {
    #[derive(Deserialize)]
    struct Created {
        scan: Scan,
    }
    #[derive(Deserialize)]
    struct Scan {
        id: ScanId,
    }
    let answer = answer.accept_or(|answer| match answer.status {
        // No scan exists yet that could be missing.
        404 => Some(ScanError::Invalid(answer.text("check the folder and the scanner in its options"))),
        _ => refusal::meaning(answer),
    })?;
    let Created { scan } = answer.json()?;
    Ok(RemoteScan { id: scan.id.to_string(), state: SavedState { launched: false }.write() })
}
