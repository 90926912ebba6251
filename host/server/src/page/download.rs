//! A scan's report and its findings as files. They are sent as such: no browser shows what a scanner reported.

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

/// The scanner's own report.
pub async fn report(Extension(visitor): Extension<Visitor>, Path(id): Path<String>) -> Response {
    let file = native(&visitor, &id).await;
    visitor.note("download_native_scan", AuditDetails { task_id: Some(&id), ..AuditDetails::default() }, &file);
    send(&visitor, file)
}

async fn native(visitor: &Visitor, id: &str) -> Result<(File, String), Trouble> {
    let _running = visitor.permit()?;
    let scan = find::scan(visitor.host(), id).await?;
    let path = native_report::report(visitor.host(), &scan).await?;
    accessed(visitor.host(), &scan.id).await;
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let opening = visitor.host().tasks.spawn_blocking(move || File::open(path));
    let opened = opening.await.map_err(|error| Refusal::internal("opening the report", &error))?;
    let file = opened.map_err(|error| Refusal::internal("opening the report", &error))?;
    Ok((file, name(&scan.id, &extension)))
}

/// The findings that a question asks for, on all its pages.
pub async fn findings(
    Extension(visitor): Extension<Visitor>,
    Path((id, format)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = FindingsQuery::parse(&query.unwrap_or_default());
    let file = exported(&visitor, &id, &format, &query).await;
    visitor.note("get_scan_results", AuditDetails { task_id: Some(&id), ..AuditDetails::default() }, &file);
    send(&visitor, file)
}

async fn exported(visitor: &Visitor, id: &str, format: &str, query: &FindingsQuery) -> Result<(File, String), Trouble> {
    let format = FileFormat::ALL.into_iter().find(|known| known.extension() == format).ok_or(Trouble::UnknownPage)?;
    let _running = visitor.permit()?;
    let id = find::parse(id)?;
    let file = results::export(visitor.host(), query.args(id.as_str())?, format).await?;
    Ok((file, name(&id, format.extension())))
}

/// Of characters that are the same in a header and on every disk.
fn name(id: &TaskId, extension: &str) -> String {
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
