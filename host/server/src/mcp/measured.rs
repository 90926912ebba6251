//! An MCP server whose requests are timed: every method is passed on to the real one, and told to the metrics.

#![expect(deprecated, reason = "clients of the older protocol use them")]

use std::{borrow::Cow, sync::Arc, time::Instant};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam, CompleteRequestParams,
        CompleteResult, CustomNotification, CustomRequest, CustomResult, DiscoverResult, GetPromptRequestParams,
        GetPromptResponse, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ProgressNotificationParam, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerConfig,
        SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
        UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use scanhost_app::{
    metrics::{Metrics, UNKNOWN},
    refusal::ErrorCode,
};

use super::handler::McpServer;

/// The error type of a tool that answered with an error, as OpenTelemetry's conventions have it.
const TOOL_ERROR: &str = "tool_error";

#[derive(Clone)]
pub struct Measured {
    server: McpServer,
    metrics: Arc<Metrics>,
}

impl Measured {
    pub fn new(server: McpServer) -> Self {
        Self { metrics: server.host().metrics.clone(), server }
    }

    async fn timed<T>(
        &self,
        method: &'static str,
        answering: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let start = Instant::now();
        let answer = answering.await;
        let error = answer.as_ref().err().map(error_type).unwrap_or_default();
        self.metrics.served_operation(method, "", &error, start.elapsed());
        answer
    }
}

/// A code of JSON-RPC, of which this program and the library have a handful.
fn error_type(error: &ErrorData) -> Cow<'static, str> {
    error.code.0.to_string().into()
}

/// Methods that are passed on and timed.
macro_rules! timed {
    ($($method:literal $name:ident($($request:ident: $type:ty)?) -> $answer:ty;)*) => {$(
        async fn $name(
            &self,
            $($request: $type,)?
            context: RequestContext<RoleServer>,
        ) -> Result<$answer, ErrorData> {
            self.timed($method, self.server.$name($($request,)? context)).await
        }
    )*};
}

/// Notifications, which have no answer.
macro_rules! passed_on {
    ($($name:ident($($notification:ident: $type:ty)?);)*) => {$(
        async fn $name(&self, $($notification: $type,)? context: NotificationContext<RoleServer>) {
            self.server.$name($($notification,)? context).await;
        }
    )*};
}

impl ServerHandler for Measured {
    timed! {
        "ping" ping() -> ();
        "initialize" initialize(request: InitializeRequestParams) -> InitializeResult;
        "server/discover" discover() -> DiscoverResult;
        "completion/complete" complete(request: CompleteRequestParams) -> CompleteResult;
        "logging/setLevel" set_level(request: SetLevelRequestParams) -> ();
        "prompts/get" get_prompt(request: GetPromptRequestParams) -> GetPromptResponse;
        "prompts/list" list_prompts(request: Option<PaginatedRequestParams>) -> ListPromptsResult;
        "resources/list" list_resources(request: Option<PaginatedRequestParams>) -> ListResourcesResult;
        "resources/templates/list" list_resource_templates(request: Option<PaginatedRequestParams>) -> ListResourceTemplatesResult;
        "resources/read" read_resource(request: ReadResourceRequestParams) -> ReadResourceResponse;
        "resources/subscribe" subscribe(request: SubscribeRequestParams) -> ();
        "resources/unsubscribe" unsubscribe(request: UnsubscribeRequestParams) -> ();
        "tools/list" list_tools(request: Option<PaginatedRequestParams>) -> ListToolsResult;
        "tasks/get" get_task(request: GetTaskParams) -> GetTaskResult;
        "tasks/update" update_task(request: UpdateTaskParams) -> ();
        "tasks/cancel" cancel_task(request: CancelTaskParams) -> ();
        // The method is the client's own text.
        "unknown" on_custom_request(request: CustomRequest) -> CustomResult;
    }

    passed_on! {
        on_cancelled(notification: CancelledNotificationParam);
        on_progress(notification: ProgressNotificationParam);
        on_initialized();
        on_roots_list_changed();
        on_custom_notification(notification: CustomNotification);
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.clone();
        let start = Instant::now();
        let answer = self.server.call_tool(request, context).await;
        let (tool, error) = match &answer {
            Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => (name, TOOL_ERROR.into()),
            Ok(_) => (name, "".into()),
            // There is no such tool, or not for this caller.
            Err(error) => {
                self.metrics.called_tool(UNKNOWN, Err(ErrorCode::InvalidArgument), start.elapsed());
                (UNKNOWN.into(), error_type(error))
            }
        };
        self.metrics.served_operation("tools/call", &tool, &error, start.elapsed());
        answer
    }

    /// A subscription lasts as long as its client likes, which says nothing about this server.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.server.listen(context).await
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.server.accepted_subscription_filter(requested)
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
        self.server.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        ServerHandler::supported_protocol_versions(&self.server)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.server.get_tool(name)
    }

    fn get_info(&self) -> ServerConfig {
        ServerHandler::get_info(&self.server)
    }
}
