//! A backend that tries to reach what it was not granted.
//!
//! In `create` it sends its credential's placeholder and a forged placeholder to `/echo`, and keeps its placeholder and
//! the response in the state. In `status` it makes calls that the host has to deny. The remote scan then fails with the
//! message `<denied> of <all> denied`, the outcome of each call that was not denied, and the state from `create`.

use guests::{Backend, Guest, remote_id};
use scanhost_sdk::backend::{
    http::{self, HttpError, Method, Request},
    report,
    scanner::{LoginSecret, RemoteScan, RemoteState, ScanError, ScanRequest},
};

const FORBIDDEN_PATHS: [&str; 13] = [
    "",
    "relative",
    "http://127.0.0.1/",
    "https://scanner.example/",
    "file:///etc/passwd",
    "//scanner.example/",
    "//[::ffff:169.254.169.254]/",
    "/\t/169.254.169.254/",
    "/\\scanner.example/",
    "/scans/../secret",
    "/..",
    "/line\nbreak",
    "@scanner.example/",
];

const FORBIDDEN_HEADERS: [&str; 10] = [
    "host",
    "Authorization",
    "cookie",
    "X-ApiKeys",
    "X-Cookie",
    "content-length",
    "proxy-authorization",
    "Transfer-Encoding",
    "connection",
    "upgrade",
];

struct Nosy;

impl Guest for Nosy {
    const NAME: &'static str = "nosy";

    fn create(request: ScanRequest) -> Result<RemoteScan, ScanError> {
        let secret = request.credential.map(|credential| match credential.secret {
            LoginSecret::Password(placeholder) => placeholder,
            LoginSecret::PrivateKey(key) => key.key,
        });
        let state = secret.map(|placeholder| echo(&placeholder)).unwrap_or_default();
        Ok(RemoteScan { id: remote_id(Self::NAME, &request.task_id), state })
    }

    fn status(state: &mut Vec<u8>) -> RemoteState {
        let send = |path: &str, header: Option<&str>, body: usize| {
            let headers = header.map(|name| (name.to_owned(), "nosy".to_owned())).into_iter().collect();
            let body = (body > 0).then(|| vec![b'x'; body]);
            expect_denied(http::send(&Request { method: Method::Post, path: path.to_owned(), headers, body }))
        };
        let mut attempts: Vec<(String, Result<(), String>)> = Vec::new();
        attempts.extend(FORBIDDEN_PATHS.iter().map(|path| (format!("path {path:?}"), send(path, None, 0))));
        attempts.extend(FORBIDDEN_HEADERS.iter().map(|name| (format!("header {name}"), send("/", Some(name), 0))));
        attempts.push(("header with line break".to_owned(), send("/", Some("x-a\r\nx-b"), 0)));
        attempts.push(("body over 1 MiB".to_owned(), send("/", None, 1024 * 1024 + 1)));
        let get_root = Request { method: Method::Get, path: "/".to_owned(), headers: Vec::new(), body: None };
        attempts.push(("download outside export-report".to_owned(), expect_denied(http::download(&get_root))));
        attempts.push(("append outside export-report".to_owned(), expect_error(report::append(b"nosy"))));
        attempts.push(("read outside parse".to_owned(), expect_error(report::read(16))));

        let not_denied: Vec<String> = attempts
            .iter()
            .filter_map(|(attempt, outcome)| Some(format!("; {attempt}: {}", outcome.as_ref().err()?)))
            .collect();
        let seen =
            if state.is_empty() { String::new() } else { format!("; it saw {}", String::from_utf8_lossy(state)) };
        let (denied, all) = (attempts.len() - not_denied.len(), attempts.len());
        RemoteState::Failed(format!("{denied} of {all} denied{}{seen}", not_denied.concat()))
    }
}

/// Sends the placeholder and a forged one to `/echo`. Returns the placeholder, a blank, and the response.
fn echo(placeholder: &str) -> Vec<u8> {
    let forged = placeholder
        .split('-')
        .enumerate()
        .map(|(index, part)| if index == 2 { "0".repeat(part.len()) } else { part.to_owned() });
    let forged = forged.collect::<Vec<_>>().join("-");
    let body = format!(r#"{{"password":"{placeholder}","forged":"{forged}"}}"#).into_bytes();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let outcome = http::send(&Request { method: Method::Post, path: "/echo".to_owned(), headers, body: Some(body) });
    let mut state = format!("{placeholder} ").into_bytes();
    match outcome {
        Ok(response) => state.extend(response.body.into_iter().take(32 * 1024)),
        Err(error) => state.extend(format!("{error:?}").into_bytes()),
    }
    state
}

/// Returns an error that says what happened if the host did not deny the request.
fn expect_denied<T>(outcome: Result<T, HttpError>) -> Result<(), String> {
    match outcome {
        Err(HttpError::Denied(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("the request was sent".to_owned()),
    }
}

/// Returns an error if the call succeeded.
fn expect_error<T>(outcome: Result<T, String>) -> Result<(), String> {
    match outcome {
        Err(_) => Ok(()),
        Ok(_) => Err("the call succeeded".to_owned()),
    }
}

type Component = Backend<Nosy>;
scanhost_sdk::export_backend!(Component);
