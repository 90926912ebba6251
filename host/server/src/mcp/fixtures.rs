//! What the protocol's own conformance suite wants to find on a server, beside all that is really here. In no normal
//! build: the feature `conformance` has it, and `serve --conformance-fixtures` mounts it.
//! Whatever is no fixture goes to the real server; connections, tokens, sessions and the store are the real ones.

#![expect(deprecated, reason = "the suite looks for what the older era had, too")]

mod input;
mod jobs;
mod prompts;
mod resources;
mod talk;
mod tools;

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
        CompletionInfo, DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult,
        InitializeRequestParams, InitializeResult, JsonObject, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        Reference, ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
        UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext},
};
use scanhost_app::concurrency::CallSlot;
use tokio::sync::broadcast;

use super::{
    context::caller,
    handler::McpServer,
    tool::{Call, Input},
};
use jobs::Jobs;

/// A list that a fixture pretends to have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Tools,
    Prompts,
}

/// What all connections share.
pub struct Shared {
    changes: broadcast::Sender<Changed>,
    jobs: Jobs,
}

impl Default for Shared {
    fn default() -> Self {
        Self { changes: broadcast::Sender::new(16), jobs: Jobs::default() }
    }
}

#[derive(Clone)]
pub struct Fixtures {
    real: McpServer,
    shared: Arc<Shared>,
}

impl Fixtures {
    pub fn new(real: McpServer, shared: Arc<Shared>) -> Self {
        Self { real, shared }
    }
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.real.get_info();
        info.capabilities.logging = Some(JsonObject::new());
        if let Some(tools) = &mut info.capabilities.tools {
            tools.list_changed = Some(true);
        }
        if let Some(prompts) = &mut info.capabilities.prompts {
            prompts.list_changed = Some(true);
        }
        info
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.real.initialize(request.clone(), context).await?;
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let mut discovered = self.real.discover(context).await?;
        discovered.capabilities = self.get_info().capabilities;
        Ok(discovered)
    }

    async fn set_level(
        &self,
        _request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.real.list_tools(page, context).await?;
        listed.tools.extend(tools::listed()?);
        Ok(listed)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let fixture = || tools::listed().ok()?.into_iter().find(|tool| tool.name == name);
        self.real.get_tool(name).or_else(fixture)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.real.get_tool(&request.name).is_some() {
            return self.real.call_tool(request, context).await;
        }
        let call = Call {
            host: self.real.host().clone(),
            arguments: request.arguments.unwrap_or_default(),
            caller: caller(&context, request.meta.as_ref()),
            input: request.input_responses.map(|responses| Input { responses, state: request.request_state }),
            context: None,
            turn: CallSlot::default(),
        };
        let name = request.name.as_ref();
        if let Some(answer) = input::call(name, &call, &context).await {
            return answer;
        }
        if let Some(answer) = self.shared.jobs.call(name, &call, &context).await {
            return answer;
        }
        match name {
            "test_trigger_tool_change" => self.tell(Changed::Tools),
            "test_trigger_prompt_change" => self.tell(Changed::Prompts),
            _ => {}
        }
        if let Some(answer) = talk::call(name, &call, &context).await {
            return answer.map(Into::into);
        }
        tools::answer(name, &call.arguments).map(Into::into)
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut listed = self.real.list_resources(page, context).await?;
        listed.resources.extend(resources::listed());
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut listed = self.real.list_resource_templates(page, context).await?;
        listed.resource_templates.push(resources::template());
        Ok(listed)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match resources::read(&request.uri) {
            Some(result) => Ok(result.into()),
            None => self.real.read_resource(request, context).await,
        }
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.shared.changes.subscribe();
        let tell = async {
            while let Ok(changed) = changes.recv().await {
                // What the client has not asked for is kept back by the sink.
                let _kept_back = match changed {
                    Changed::Tools => subscription.sink().notify_tool_list_changed().await,
                    Changed::Prompts => subscription.sink().notify_prompt_list_changed().await,
                };
            }
        };
        tokio::select! {
            () = tell => {}
            () = subscription.cancelled() => {}
            () = self.real.host().shutdown.cancelled() => {}
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match resources::read(&request.uri) {
            Some(_) => Ok(()),
            None => self.real.subscribe(request, context).await,
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.real.unsubscribe(request, context).await
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut listed = self.real.list_prompts(page, context).await?;
        listed.prompts.extend(prompts::listed());
        Ok(listed)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match prompts::get(&request) {
            Some(answer) => answer,
            None => self.real.get_prompt(request, context).await,
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        match &request.r#ref {
            Reference::Prompt(prompt) if prompt.name.starts_with("test_") => {
                Ok(CompleteResult::new(CompletionInfo::default()))
            }
            _ => self.real.complete(request, context).await,
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let mut found = self.real.get_task(request, context).await?;
        self.shared.jobs.change(self.real.host(), &mut found.task).await?;
        Ok(found)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.shared.jobs.answer(&request.task_id, &request.input_responses);
        self.real.update_task(request, context).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.real.cancel_task(request, context).await
    }
}

impl Fixtures {
    fn tell(&self, changed: Changed) {
        // Nobody may be listening.
        let _nobody = self.shared.changes.send(changed);
    }
}

/// Fixtures are written as the JSON that clients see.
fn of_json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}
