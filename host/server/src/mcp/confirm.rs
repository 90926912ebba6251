//! Asks a person to agree to a privileged scan, if the operator wants that: by a form that the client shows, or, if the
//! client cannot show one, by the word of the agent.

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequests, InputRequiredResult,
};
use scanhost_app::{refusal::Refusal, submit::SubmitArgs};
use scanhost_domain::visible::visible;

use super::{
    context::{asks_people, is_stateless, permit_staying},
    request_state::{self, PATIENCE},
    tool::Call,
};

/// The question's name among those of a call.
const QUESTION: &str = "confirm";

const HINT: &str = "Do not try again unless the person asks for it. run_trusted_scan needs no agreement, only a login.";

/// The result of asking for consent.
pub enum Consent {
    Given,
    /// The answer may be sent twice; the key makes sure that it scans once.
    GivenOnce(String),
    /// The client has to ask, and then call again.
    Ask(InputRequiredResult),
}

/// Asks a person, if the operator wants that.
pub async fn consent(call: &Call, args: &SubmitArgs) -> Result<Consent, Refusal> {
    let Some(context) = call.context.as_ref().filter(|_| call.host.snapshot.load().config.confirm_privileged) else {
        return Ok(Consent::Given);
    };
    if !asks_people(context) {
        return if args.confirm == Some(true) {
            Ok(Consent::Given)
        } else {
            Err(Refusal::invalid(
                "a person has to agree to a privileged scan",
                "Ask the person that you work for; once they agree, repeat the call with confirm: true.",
            ))
        };
    }
    if !is_stateless(context) {
        permit_staying(context)?;
        call.turn.pass_on();
        let asked = context.peer.create_elicitation_with_timeout(form(args), Some(PATIENCE)).await;
        let answer =
            asked.map_err(|_| Refusal::invalid("the person at the client was asked and did not answer", HINT))?;
        return agreed(&answer).map(|()| Consent::Given);
    }
    let Some(input) = call.input.as_ref().filter(|input| input.responses.contains_key(QUESTION)) else {
        let requests = [(QUESTION.to_owned(), InputRequest::Elicitation(ElicitRequest::new(form(args))))];
        let state = request_state::seal(call, &format!("confirmed-{:032x}", rand::random::<u128>()));
        return Ok(Consent::Ask(InputRequiredResult::new(Some(InputRequests::from(requests)), Some(state))));
    };
    let key = input.state.as_deref().and_then(|state| request_state::open(call, state)).ok_or_else(|| {
        Refusal::invalid(
            "the answer does not belong to a question about this call, or it came too late",
            "Call again without requestState and inputResponses to get the question.",
        )
    })?;
    let answer = serde_json::from_value(input.responses[QUESTION].clone()).map_err(|_| {
        Refusal::invalid(
            "the answer to the question is malformed",
            "Call again without requestState and inputResponses to get the question.",
        )
    })?;
    agreed(&answer).map(|()| Consent::GivenOnce(key))
}

fn agreed(answer: &ElicitResult) -> Result<(), Refusal> {
    let said = answer.content.as_ref().and_then(|content| content[QUESTION].as_bool());
    if answer.action == ElicitationAction::Accept && said == Some(true) {
        Ok(())
    } else {
        Err(Refusal::invalid("the person did not agree", HINT))
    }
}

fn form(args: &SubmitArgs) -> ElicitRequestParams {
    let way = args.login.elevate_privileges_with.as_deref().unwrap_or("the configured method");
    let schema = ElicitationSchema::builder()
        .required_bool_with(QUESTION, |field| field.title("Scan with administrator rights"))
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: format!(
            "Scan {} with administrator rights (by {})? The scan is named {}.",
            visible(&args.targets),
            visible(way),
            visible(&args.name)
        ),
        requested_schema: schema,
    }
}
