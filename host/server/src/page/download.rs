//! Downloads of a scan's report and its findings. They are sent as attachments, so that no browser shows their content.

use std::fs::File;

use axum::{
    Extension,
    body::Body,
    extract::{Path, RawQuery},
    http::header,
    response::{IntoResponse as _, Response},
};
use scanhost_app::{
    find,
    housekeeping::accessed,
    refusal::Refusal,
    scans::{native_report, results},
};
use scanhost_domain::ids::TaskId;
use scanhost_results::export::FileFormat;
use tokio_util::io::ReaderStream;

use super::{
    findings_query::FindingsQuery,
    trouble::Trouble,
    visitor::{AuditDetails, Visitor},
};

/// Sends the scanner's report.
pub async fn report(Extension(visitor): Extension<Visitor>, Path(id): Path<String>) -> Response {
    let file = open_report(&visitor, &id).await;
    visitor.note("download_native_scan", AuditDetails { task_id: Some(&id), ..AuditDetails::default() }, &file);
    send(&visitor, file)
}

async fn open_report(visitor: &Visitor, id: &str) -> Result<(File, String), Trouble> {
    let _running = visitor.permit()?;
    let scan = find::scan(visitor.host(), id).await?;
    let path = native_report::report(visitor.host(), &scan).await?;
    accessed(visitor.host(), &scan.id).await;
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let opening = visitor.host().tasks.spawn_blocking(move || File::open(path));
    let opened = opening.await.map_err(|error| Refusal::internal("opening the report", &error))?;
    let file = opened.map_err(|error| Refusal::internal("opening the report", &error))?;
    Ok((file, file_name(&scan.id, &extension)))
}

/// Sends the findings that the query selects, from all pages.
pub async fn findings(
    Extension(visitor): Extension<Visitor>,
    Path((id, format)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = FindingsQuery::parse(&query.unwrap_or_default());
    let file = export_findings(&visitor, &id, &format, &query).await;
    visitor.note("get_scan_results", AuditDetails { task_id: Some(&id), ..AuditDetails::default() }, &file);
    send(&visitor, file)
}

async fn export_findings(
    visitor: &Visitor,
    id: &str,
    format: &str,
    query: &FindingsQuery,
) -> Result<(File, String), Trouble> {
    let format = FileFormat::ALL.into_iter().find(|known| known.extension() == format).ok_or(Trouble::UnknownPage)?;
    let _running = visitor.permit()?;
    let id = find::parse(id)?;
    let file = results::export(visitor.host(), query.args(id.as_str())?, format).await?;
    Ok((file, file_name(&id, format.extension())))
}

/// Returns the name of the file. It has only characters that are safe in a header and on every file system.
fn file_name(id: &TaskId, extension: &str) -> String {
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{id}.{extension}")
}

fn send(visitor: &Visitor, file: Result<(File, String), Trouble>) -> Response {
    let (file, name) = match file {
        Ok(file) => file,
        Err(trouble) => return trouble.for_visitors(visitor),
    };
    let size = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return Trouble::from(Refusal::internal("reading the file", &error)).for_visitors(visitor),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)))).into_response()
}
