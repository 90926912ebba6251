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
    page_request::{About, Visit},
    question::Question,
    trouble::Trouble,
};

/// The scanner's own report.
pub async fn report(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response {
    let file = native(&visit, &id).await;
    visit.note("download_native_scan", About { task_id: Some(&id), ..About::default() }, &file);
    send(&visit, file)
}

async fn native(visit: &Visit, id: &str) -> Result<(File, String), Trouble> {
    let _running = visit.permit()?;
    let scan = find::scan(visit.host(), id).await?;
    let path = native_report::report(visit.host(), &scan).await?;
    accessed(visit.host(), &scan.id).await;
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let opening = visit.host().tasks.spawn_blocking(move || File::open(path));
    let opened = opening.await.map_err(|error| Refusal::internal("opening the report", &error))?;
    let file = opened.map_err(|error| Refusal::internal("opening the report", &error))?;
    Ok((file, name(&scan.id, &extension)))
}

/// The findings that a question asks for, on all its pages.
pub async fn findings(
    Extension(visit): Extension<Visit>,
    Path((id, format)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let question = Question::parse(&query.unwrap_or_default());
    let file = exported(&visit, &id, &format, &question).await;
    visit.note("get_scan_results", About { task_id: Some(&id), ..About::default() }, &file);
    send(&visit, file)
}

async fn exported(visit: &Visit, id: &str, format: &str, question: &Question) -> Result<(File, String), Trouble> {
    let format = FileFormat::ALL.into_iter().find(|known| known.extension() == format).ok_or(Trouble::Nowhere)?;
    let _running = visit.permit()?;
    let id = find::parse(id)?;
    let file = results::export(visit.host(), question.args(id.as_str())?, format).await?;
    Ok((file, name(&id, format.extension())))
}

/// Of characters that are the same in a header and on every disk.
fn name(id: &TaskId, extension: &str) -> String {
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{id}.{extension}")
}

fn send(visit: &Visit, file: Result<(File, String), Trouble>) -> Response {
    let (file, name) = match file {
        Ok(file) => file,
        Err(trouble) => return trouble.for_visitors(visit),
    };
    let size = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return Trouble::from(Refusal::internal("reading the file", &error)).for_visitors(visit),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)))).into_response()
}
