//! What a person can do to scans and pools: what the tools do, for those who could call them.

use axum::{
    Extension,
    extract::{Path, Request},
    response::{IntoResponse as _, Redirect, Response},
};
use scanhost_app::{
    pools::pause::{Paused, set_paused},
    refusal::Refusal,
    scans::{self, ScanArgs},
};
use scanhost_config::Scope;
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    form::Form,
    page_request::{About, Visit},
    trouble::Trouble,
};

pub async fn cancel(Extension(visit): Extension<Visit>, Path(id): Path<String>, request: Request) -> Response {
    let done = match Form::of(&visit, request).await {
        Ok(_) => {
            let (host, args) = (visit.host().clone(), ScanArgs { task_id: id.clone() });
            run(&visit, "cancel_scan", async move { scans::cancel::cancel(&host, &args.task_id).await }).await
        }
        Err(trouble) => Err(trouble),
    };
    visit.note_reply("cancel_scan", About { task_id: Some(&id), ..About::default() }, done.as_ref());
    answer(&visit, done, &format!("/scans/{id}"))
}

pub async fn delete(Extension(visit): Extension<Visit>, Path(id): Path<String>, request: Request) -> Response {
    let done = match Form::of(&visit, request).await {
        Ok(form) => {
            let (host, args) = (
                visit.host().clone(),
                scans::delete::Args { task_id: id.clone(), force: form.text("force") == "true" },
            );
            run(&visit, "delete_scan", async move { scans::delete::delete(&host, args).await }).await
        }
        Err(trouble) => Err(trouble),
    };
    visit.note_reply("delete_scan", About { task_id: Some(&id), ..About::default() }, done.as_ref());
    answer(&visit, done, "/scans")
}

pub async fn pause(visit: Extension<Visit>, Path(pool): Path<String>, request: Request) -> Response {
    change(visit, request, &pool, Paused::Yes).await
}

pub async fn resume(visit: Extension<Visit>, Path(pool): Path<String>, request: Request) -> Response {
    change(visit, request, &pool, Paused::No).await
}

async fn change(visit: Extension<Visit>, request: Request, pool: &str, paused: Paused) -> Response {
    let done = async {
        Form::of(&visit, request).await?;
        if !visit.may_pause() {
            return Err(Trouble::Scope(Scope::Admin));
        }
        let _running = visit.permit()?;
        let reply = set_paused(visit.host(), pool, paused).await?;
        Ok(serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))?)
    };
    let done = done.await;
    visit.site.board.forget().await;
    visit.note_reply(paused.action(), About { pool: Some(pool), ..About::default() }, done.as_ref());
    answer(&visit, done, "/#pools")
}

/// Does what the tool of that name does, for a person who could call it.
///
/// # Errors
/// When they could not, or with what the use case refuses.
pub async fn run<R: Serialize + Send + 'static>(
    visit: &Visit,
    tool: &'static str,
    work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
) -> Result<Json, Trouble> {
    if !visit.may_call(tool) {
        return Err(Trouble::Scope(Scope::Submit));
    }
    let _running = visit.permit()?;
    let metrics = visit.host().metrics.clone();
    // In a task of its own, so that a browser that goes away leaves nothing half done.
    let called = visit.host().tasks.spawn(async move { metrics.measure_tool(tool, work).await });
    let reply = called.await.map_err(|error| Refusal::internal("doing that", &error))??;
    visit.site.board.forget().await;
    Ok(serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))?)
}

/// Leads on to where one sees what was done, so that loading a page again does nothing twice.
fn answer(visit: &Visit, done: Result<Json, Trouble>, next: &str) -> Response {
    match done {
        Ok(_) => Redirect::to(next).into_response(),
        Err(trouble) => trouble.for_visitors(visit),
    }
}
