//! What a person can do to scans and pools: what the tools do, for those who could call them.

use axum::{
    Extension,
    extract::{Path, Request},
    response::{IntoResponse as _, Redirect, Response},
};
use scanhost_app::refusal::Refusal;
use scanhost_config::Scope;
use serde_json::{Map, Value as Json};

use super::{
    form::Form,
    page_request::{About, Visit},
    trouble::Trouble,
};
use crate::{
    control::{self, perform},
    mcp,
};

pub async fn cancel(Extension(visit): Extension<Visit>, Path(id): Path<String>, request: Request) -> Response {
    let done = match Form::of(&visit, request).await {
        Ok(_) => call(&visit, "cancel_scan", Map::from_iter([("task_id".to_owned(), id.as_str().into())])).await,
        Err(trouble) => Err(trouble),
    };
    visit.note_reply("cancel_scan", About { task_id: Some(&id), ..About::default() }, done.as_ref());
    answer(&visit, done, &format!("/scans/{id}"))
}

pub async fn delete(Extension(visit): Extension<Visit>, Path(id): Path<String>, request: Request) -> Response {
    let done = match Form::of(&visit, request).await {
        Ok(form) => {
            let force = form.text("force") == "true";
            let arguments = [("task_id".to_owned(), id.as_str().into()), ("force".to_owned(), force.into())];
            call(&visit, "delete_scan", Map::from_iter(arguments)).await
        }
        Err(trouble) => Err(trouble),
    };
    visit.note_reply("delete_scan", About { task_id: Some(&id), ..About::default() }, done.as_ref());
    answer(&visit, done, "/scans")
}

pub async fn pause(visit: Extension<Visit>, Path(pool): Path<String>, request: Request) -> Response {
    change(visit, request, &pool, control::Request::Pause { pool: pool.clone() }).await
}

pub async fn resume(visit: Extension<Visit>, Path(pool): Path<String>, request: Request) -> Response {
    change(visit, request, &pool, control::Request::Resume { pool: pool.clone() }).await
}

async fn change(visit: Extension<Visit>, request: Request, pool: &str, wanted: control::Request) -> Response {
    let action = wanted.action().to_owned();
    let done = async {
        Form::of(&visit, request).await?;
        if !visit.may_pause() {
            return Err(Trouble::Scope(Scope::Admin));
        }
        let _running = visit.permit()?;
        Ok(perform(visit.host(), wanted).await?)
    };
    let done = done.await;
    visit.site.board.forget().await;
    visit.note_reply(&action, About { pool: Some(pool), ..About::default() }, done.as_ref());
    answer(&visit, done, "/#pools")
}

/// Calls a tool for somebody who could.
///
/// # Errors
/// When they could not, or with what the tool refuses.
pub async fn call(visit: &Visit, tool: &str, arguments: Map<String, Json>) -> Result<Json, Trouble> {
    if !visit.may_call(tool) {
        return Err(Trouble::Scope(Scope::Submit));
    }
    let _running = visit.permit()?;
    let (host, tool) = (visit.host().clone(), tool.to_owned());
    // In a task of its own, so that a browser that goes away leaves nothing half done.
    let called = visit.host().tasks.spawn(async move { mcp::call(&host, &tool, arguments).await });
    let reply = called.await.map_err(|error| Refusal::internal("doing that", &error))??;
    visit.site.board.forget().await;
    Ok(reply)
}

/// Leads on to where one sees what was done, so that loading a page again does nothing twice.
fn answer(visit: &Visit, done: Result<Json, Trouble>, next: &str) -> Response {
    match done {
        Ok(_) => Redirect::to(next).into_response(),
        Err(trouble) => trouble.for_visitors(visit),
    }
}
