//! What a client carries from a question to its answer. It comes back from outside, so it is sealed: nobody can make or
//! change one, hand it to somebody else, use it for another call, or use it late.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use scanhost_domain::request::Sealed;
use scanhost_system::clock;
use serde::{Deserialize, Serialize};

use super::{context::access, tool::Call};

/// How long a person may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct Content {
    until: i64,
    note: String,
}

/// Seals a state that opens only for the same call of the same caller.
pub fn seal(call: &Call, note: &str) -> String {
    let until = clock::now().as_second().saturating_add(i64::try_from(PATIENCE.as_secs()).unwrap_or(i64::MAX));
    let content = serde_json::to_vec(&Content { until, note: note.to_owned() }).expect("texts are always JSON");
    BASE64_URL_SAFE_NO_PAD.encode(call.host.sealer.seal(&content, &bound_to(call)).0)
}

/// Returns the note that was sealed, or `None` for anything else.
pub fn open(call: &Call, state: &str) -> Option<String> {
    let sealed = Sealed(BASE64_URL_SAFE_NO_PAD.decode(state).ok()?);
    let content = call.host.sealer.open_sealed(&sealed, &bound_to(call)).ok()?;
    let content: Content = serde_json::from_slice(&content).ok()?;
    (clock::now().as_second() <= content.until).then_some(content.note)
}

fn bound_to(call: &Call) -> String {
    let caller = call.context.as_ref().map(access).map(|access| access.name).unwrap_or_default();
    let arguments = serde_json::to_vec(&call.arguments).expect("JSON is always JSON");
    let digest = BASE64_URL_SAFE_NO_PAD.encode(call.host.sealer.keyed_hash(&arguments));
    format!("request state of {caller} {digest}")
}
