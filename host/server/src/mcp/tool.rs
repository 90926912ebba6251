//! The one shape of all tools.

use std::{future::Future, pin::Pin, sync::Arc};

use rmcp::{
    RoleServer,
    model::{
        CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, InputRequiredResult, InputResponses,
        JsonObject, MetaObject, Task, Tool,
    },
    service::RequestContext,
};
use scanhost_app::{
    concurrency::CallSlot,
    host::Host,
    refusal::Refusal,
    submit::{Caller, new_trace_id},
};
use scanhost_config::Scope;
use scanhost_domain::ids::TraceId;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use tracing::Instrument as _;

use super::{arguments, effect::Effect, toolset::Toolset};

/// One call of a tool.
pub struct Call {
    pub host: Arc<Host>,
    pub arguments: JsonObject,
    pub caller: Caller,
    /// The answer of the person at the client, and the state that came with the question.
    pub input: Option<Input>,
    /// For progress and cancellation; absent where there is no client to tell.
    pub context: Option<RequestContext<RoleServer>>,
    /// A call that waits for something else passes it on.
    pub turn: CallSlot,
}

/// The answers to questions of an earlier, identical call.
#[derive(Clone, Debug)]
pub struct Input {
    pub responses: InputResponses,
    pub state: Option<String>,
}

pub type Calling = Pin<Box<dyn Future<Output = Result<CallToolResponse, Refusal>> + Send>>;

/// The answer of a tool.
pub enum ToolAnswer<R> {
    Reply(R),
    /// The reply, and a further block for the agent.
    With(R, ContentBlock),
    /// A task, whose result is the answer.
    Task(Task),
    /// A question to the person at the client.
    Ask(InputRequiredResult),
}

/// A tool as it is listed and called.
pub struct Row {
    pub tool: Tool,
    pub toolset: Toolset,
    pub scope: Scope,
    pub effect: Effect,
    pub call: Box<dyn Fn(Call) -> Calling + Send + Sync>,
}

/// The properties of a tool beside its arguments.
pub struct ToolInfo {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub toolset: Toolset,
    pub scope: Scope,
    pub effect: Effect,
    /// Arguments of the type that this tool does not have.
    pub without: &'static [&'static [&'static str]],
}

/// A tool whose reply is structured content, and the same as text.
pub fn structured<A, R, F>(about: ToolInfo, run: impl Fn(Call, A) -> F + Clone + Send + Sync + 'static) -> Row
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    R: Serialize + JsonSchema,
    F: Future<Output = Result<R, Refusal>> + Send,
{
    answering(about, move |call, args| {
        let run = run.clone();
        async move { run(call, args).await.map(ToolAnswer::Reply) }
    })
}

/// A tool whose answer may have a further block, or be a task or a question.
pub fn answering<A, R, F>(about: ToolInfo, run: impl Fn(Call, A) -> F + Clone + Send + Sync + 'static) -> Row
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    R: Serialize + JsonSchema,
    F: Future<Output = Result<ToolAnswer<R>, Refusal>> + Send,
{
    let tool = describe::<A>(&about).with_raw_output_schema(Arc::new(arguments::reply_schema::<R>()));
    row(about, tool, move |call, args| {
        let run = run.clone();
        async move {
            let (reply, more) = match run(call, args).await? {
                ToolAnswer::Reply(reply) => (reply, None),
                ToolAnswer::With(reply, more) => (reply, Some(more)),
                ToolAnswer::Task(task) => return Ok(CreateTaskResult::new(task).into()),
                ToolAnswer::Ask(question) => return Ok(question.into()),
            };
            let reply = serde_json::to_value(&reply).map_err(|error| Refusal::internal("writing the reply", &error))?;
            let mut result = CallToolResult::structured(reply);
            result.content.extend(more);
            Ok(result.into())
        }
    })
}

/// The reply of a tool that answers with text alone.
pub struct TextReply {
    pub text: String,
    /// A second block.
    pub more: Option<ContentBlock>,
    pub trace: TraceId,
}

/// A tool whose reply is text alone.
pub fn text<A, F>(about: ToolInfo, run: impl Fn(Call, A) -> F + Clone + Send + Sync + 'static) -> Row
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Future<Output = Result<TextReply, Refusal>> + Send,
{
    let tool = describe::<A>(&about);
    row(about, tool, move |call, args| {
        let run = run.clone();
        async move {
            let TextReply { text, more, trace } = run(call, args).await?;
            let mut result = CallToolResult::success([ContentBlock::text(text)].into_iter().chain(more).collect());
            result.meta = Some(trace_meta(&trace));
            Ok(result.into())
        }
    })
}

/// Returns a `_meta` with the trace id of a scan, for answers that have no field for it.
pub fn trace_meta(trace: &TraceId) -> MetaObject {
    let mut meta = MetaObject::default();
    meta.insert("trace_id".to_owned(), trace.as_str().into());
    meta
}

fn describe<A: JsonSchema>(about: &ToolInfo) -> Tool {
    let schema = arguments::schema_without::<A>(about.without.iter().copied().flatten().copied());
    Tool::new(about.name, about.description, Arc::new(schema))
        .with_title(about.title)
        .with_annotations(about.effect.annotations())
}

fn row<A, F>(about: ToolInfo, tool: Tool, run: impl Fn(Call, A) -> F + Clone + Send + Sync + 'static) -> Row
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Future<Output = Result<CallToolResponse, Refusal>> + Send,
{
    let schema = tool.input_schema.clone();
    let call = move |mut call: Call| -> Calling {
        let (run, schema) = (run.clone(), schema.clone());
        let metrics = call.host.metrics.clone();
        let trace = call.caller.trace.get_or_insert_with(new_trace_id);
        let span = tracing::error_span!("call", tool = about.name, %trace);
        let calling = async move {
            let turn = call.turn.clone();
            let work = async {
                let args = arguments::parse::<A>(&schema, &call.arguments)?;
                turn.work(run(call, args)).await
            };
            let answer = metrics.measure_tool(about.name, work).await;
            turn.pass_on();
            answer.inspect_err(|refusal| {
                let (code, reason) = (refusal.code.name(), &refusal.message);
                tracing::debug!(tool = about.name, code, reason, "call refused");
            })
        };
        Box::pin(calling.instrument(span))
    };
    Row { tool, toolset: about.toolset, scope: about.scope, effect: about.effect, call: Box::new(call) }
}
