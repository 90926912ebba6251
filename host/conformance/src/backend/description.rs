//! Cases about `describe`: what it returns has to be usable.

use std::{collections::BTreeSet, sync::Arc};

use scanhost_sandbox::{AuthScheme, Backend, Plugin};
use serde_json::Value as Json;
use url::Url;

use crate::{
    case::{Case, Outcome, Stop, case, fail},
    rig::Rig,
};

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!(
            "describes-itself-the-same",
            same,
            "the host calls `describe` once and relies on the answer for as long as it runs"
        ),
        case!("names-its-scan-types", scan_types, "it never gets a scan of a type that it does not name"),
        case!("describes-a-usable-login", login, "the host logs in as it says, so that no secret reaches the plugin"),
        case!("explains-its-fields", fields, "agents choose fields by their descriptions"),
    ]
}

async fn same(rig: &Rig) -> Outcome {
    let first = format!("{:?}", rig.backend.description());
    let again: Result<Arc<Backend>, _> = match Plugin::load(&rig.component, rig.limits, rig.grants).await {
        Ok(Plugin::Backend(backend)) => Ok(Arc::from(backend)),
        Ok(Plugin::Profile(_)) => Err("it was a profile when it was loaded again".to_owned()),
        Err(error) => Err(scanhost_domain::error_chain::chain(&error)),
    };
    let again = again.map_err(Stop::Fail)?;
    let second = format!("{:?}", again.description());
    if first == second { Ok(()) } else { fail(format!("first {first}, then {second}")) }
}

async fn scan_types(rig: &Rig) -> Outcome {
    if rig.backend.description().scan_types.is_empty() { fail("`scan-types` is empty") } else { Ok(()) }
}

async fn login(rig: &Rig) -> Outcome {
    for scheme in &rig.backend.description().auth {
        match scheme {
            AuthScheme::Keys(keys) => {
                header(&keys.header)?;
                names_a_key(&keys.template)?;
            }
            AuthScheme::Session(session) => {
                header(&session.header)?;
                names_a_key(&session.login_body)?;
                if serde_json::from_str::<Json>(&session.login_body).is_err() {
                    return fail("the `login-body` is not JSON");
                }
                if !session.token_pointer.starts_with('/') {
                    return fail("the `token-pointer` is not a JSON pointer such as `/token`");
                }
                if !session.template.contains("{token}") {
                    return fail("the `template` of a session has no `{token}`");
                }
                for path in std::iter::once(&session.login_path).chain(&session.logout_path) {
                    let base = Url::parse("https://scanner.invalid").expect("a constant address");
                    if let Err(error) = scanhost_outbound::egress::address(&base, path) {
                        return fail(format!("the path {path:?} is refused: {error:?}"));
                    }
                }
            }
        }
    }
    Ok(())
}

fn header(name: &str) -> Outcome {
    if http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
        Ok(())
    } else {
        fail(format!("{name:?} is not a valid header name"))
    }
}

fn names_a_key(template: &str) -> Outcome {
    let is_key = |text: &str| {
        text.split_once('}')
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    };
    if template.split('{').skip(1).any(is_key) {
        Ok(())
    } else {
        fail(format!("{template:?} names no key of the scanner's `auth`, such as {{access_key}}"))
    }
}

async fn fields(rig: &Rig) -> Outcome {
    let mut names = BTreeSet::new();
    for (name, _, description) in &rig.backend.description().fields {
        if description.trim().is_empty() {
            return fail(format!("the field `{name}` has no description"));
        }
        if !names.insert(name) {
            return fail(format!("the field `{name}` is described twice"));
        }
    }
    Ok(())
}
