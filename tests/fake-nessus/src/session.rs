//! Authentication: by API keys in one header, or in another one by the token of a session, which may end after some
//! requests.

use std::collections::HashMap;

use axum::http::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use crate::{reply::Refusal, settings::Settings};

/// The open sessions by token, each with the number of requests that it may still make.
#[derive(Debug, Default)]
pub struct Sessions(HashMap<String, Option<u32>>);

impl Sessions {
    pub fn open(&mut self, body: &Value, settings: &Settings) -> Result<String, Refusal> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let (Some(username), Some(password)) = (text("username"), text("password")) else {
            return Err(Refusal::invalid("Missing username or password"));
        };
        let login = settings.login.as_ref().ok_or(Refusal::UNAUTHORIZED)?;
        if (login.username.as_str(), login.password.as_str()) != (username, password) {
            return Err(Refusal::UNAUTHORIZED);
        }
        let token = Uuid::new_v4().simple().to_string();
        self.0.insert(token.clone(), settings.session_requests);
        Ok(token)
    }

    pub fn close(&mut self, headers: &HeaderMap) {
        if let Some(token) = token(headers) {
            self.0.remove(token);
        }
    }

    /// Authenticates a request, and counts it for its session.
    pub fn authenticate(&mut self, headers: &HeaderMap, settings: &Settings) -> Result<(), Refusal> {
        if has_api_keys(headers, settings) {
            return Ok(());
        }
        let token = token(headers).ok_or(Refusal::UNAUTHORIZED)?;
        match self.0.get_mut(token) {
            None => Err(Refusal::UNAUTHORIZED),
            Some(None) => Ok(()),
            Some(Some(0)) => {
                self.0.remove(token);
                Err(Refusal::UNAUTHORIZED)
            }
            Some(Some(left)) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

fn has_api_keys(headers: &HeaderMap, settings: &Settings) -> bool {
    let (Some(text), Some(keys)) = (header(headers, "x-apikeys"), &settings.api_keys) else {
        return false;
    };
    value_of(text, "accessKey") == Some(&keys.access) && value_of(text, "secretKey") == Some(&keys.secret)
}

fn token(headers: &HeaderMap) -> Option<&str> {
    value_of(header(headers, "x-cookie")?, "token")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The value of a key in `key=value; key=value`.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split(';').find_map(|pair| pair.trim().strip_prefix(key)?.strip_prefix('='))
}
