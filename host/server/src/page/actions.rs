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
    trouble::Trouble,
    visitor::{AuditDetails, Visitor},
};

pub async fn cancel(Extension(visitor): Extension<Visitor>, Path(id): Path<String>, request: Request) -> Response {
    let done = match Form::of(&visitor, request).await {
        Ok(_) => {
            let (host, args) = (visitor.host().clone(), ScanArgs { task_id: id.clone() });
            run(&visitor, "cancel_scan", async move { scans::cancel::cancel(&host, &args.task_id).await }).await
        }
        Err(trouble) => Err(trouble),
    };
    visitor.note_reply("cancel_scan", AuditDetails { task_id: Some(&id), ..AuditDetails::default() }, done.as_ref());
    answer(&visitor, done, &format!("/scans/{id}"))
}

pub async fn delete(Extension(visitor): Extension<Visitor>, Path(id): Path<String>, request: Request) -> Response {
    let done = match Form::of(&visitor, request).await {
        Ok(form) => {
            let (host, args) = (
                visitor.host().clone(),
                scans::delete::Args { task_id: id.clone(), force: form.text("force") == "true" },
            );
            run(&visitor, "delete_scan", async move { scans::delete::delete(&host, args).await }).await
        }
        Err(trouble) => Err(trouble),
    };
    visitor.note_reply("delete_scan", AuditDetails { task_id: Some(&id), ..AuditDetails::default() }, done.as_ref());
    answer(&visitor, done, "/scans")
}

pub async fn pause(visitor: Extension<Visitor>, Path(pool): Path<String>, request: Request) -> Response {
    change(visitor, request, &pool, Paused::Yes).await
}

pub async fn resume(visitor: Extension<Visitor>, Path(pool): Path<String>, request: Request) -> Response {
    change(visitor, request, &pool, Paused::No).await
}

async fn change(visitor: Extension<Visitor>, request: Request, pool: &str, paused: Paused) -> Response {
    let done = async {
        Form::of(&visitor, request).await?;
        if !visitor.may_pause() {
            return Err(Trouble::Scope(Scope::Admin));
        }
        let _running = visitor.permit()?;
        let reply = set_paused(visitor.host(), pool, paused).await?;
        Ok(serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))?)
    };
    let done = done.await;
    visitor.site.board.forget().await;
    visitor.note_reply(paused.action(), AuditDetails { pool: Some(pool), ..AuditDetails::default() }, done.as_ref());
    answer(&visitor, done, "/#pools")
}

/// Does what the tool of that name does, for a person who could call it.
///
/// # Errors
/// When they could not, or with what the use case refuses.
pub async fn run<R: Serialize + Send + 'static>(
    visitor: &Visitor,
    tool: &'static str,
    work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
) -> Result<Json, Trouble> {
    if !visitor.may_call(tool) {
        return Err(Trouble::Scope(Scope::Submit));
    }
    let _running = visitor.permit()?;
    let metrics = visitor.host().metrics.clone();
    // In a task of its own, so that a browser that goes away leaves nothing half done.
    let called = visitor.host().tasks.spawn(async move { metrics.measure_tool(tool, work).await });
    let reply = called.await.map_err(|error| Refusal::internal("doing that", &error))??;
    visitor.site.board.forget().await;
    Ok(serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))?)
}

/// Leads on to where one sees what was done, so that loading a page again does nothing twice.
fn answer(visitor: &Visitor, done: Result<Json, Trouble>, next: &str) -> Response {
    match done {
        Ok(_) => Redirect::to(next).into_response(),
        Err(trouble) => trouble.for_visitors(visitor),
    }
}
