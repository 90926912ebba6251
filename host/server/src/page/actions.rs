//! The actions of a person on scans and pools. They do what the tools of the same name do, under the same scopes.

use axum::{
    Extension,
    extract::{Path, Request},
    response::{IntoResponse as _, Redirect, Response},
};
use scanhost_app::{
    dead_letters,
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
    redirect(&visitor, done, &format!("/scans/{id}"))
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
    redirect(&visitor, done, "/scans")
}

pub async fn pause(visitor: Extension<Visitor>, Path(pool): Path<String>, request: Request) -> Response {
    pause_or_resume(visitor, request, &pool, Paused::Yes).await
}

pub async fn resume(visitor: Extension<Visitor>, Path(pool): Path<String>, request: Request) -> Response {
    pause_or_resume(visitor, request, &pool, Paused::No).await
}

async fn pause_or_resume(visitor: Extension<Visitor>, request: Request, pool: &str, paused: Paused) -> Response {
    let host = visitor.host().clone();
    change_pool(visitor, request, pool, paused.action(), set_paused(&host, pool, paused)).await
}

/// Runs all dead letters of a pool again, each as a new scan. Those that cannot be retried stay dead letters.
pub async fn retry_dead_letters(visitor: Extension<Visitor>, Path(pool): Path<String>, request: Request) -> Response {
    let host = visitor.host().clone();
    change_pool(visitor, request, &pool, "dlq retry", dead_letters::retry_all(&host, Some(&pool), None)).await
}

/// Does for an administrator what changes a pool.
async fn change_pool<R: Serialize>(
    visitor: Extension<Visitor>,
    request: Request,
    pool: &str,
    action: &'static str,
    change: impl Future<Output = Result<R, Refusal>>,
) -> Response {
    let done = async {
        Form::of(&visitor, request).await?;
        if !visitor.may_pause() {
            return Err(Trouble::Scope(Scope::Admin));
        }
        let _running = visitor.permit()?;
        let reply = change.await?;
        Ok(serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))?)
    };
    let done = done.await;
    visitor.site.board.forget().await;
    visitor.note_reply(action, AuditDetails { pool: Some(pool), ..AuditDetails::default() }, done.as_ref());
    redirect(&visitor, done, "/#pools")
}

/// Does the work of a tool for a person whose scopes permit the tool.
///
/// # Errors
/// The person's scopes do not permit the tool, or the work was refused.
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
    // The work has a task of its own, so that it is completed even if the browser disconnects.
    let called = visitor.host().tasks.spawn(async move { metrics.measure_tool(tool, work).await });
    let reply = called.await.map_err(|error| Refusal::internal("running the action", &error))??;
    visitor.site.board.forget().await;
    Ok(serde_json::to_value(reply).map_err(|error| Refusal::internal("writing the reply", &error))?)
}

/// Redirects to the page that shows the result, so that reloading that page does not repeat the action.
fn redirect(visitor: &Visitor, done: Result<Json, Trouble>, next: &str) -> Response {
    match done {
        Ok(_) => Redirect::to(next).into_response(),
        Err(trouble) => trouble.for_visitors(visitor),
    }
}
