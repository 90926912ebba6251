//! Tries to get at what it was not granted.
//!
//! In `create` it sends the placeholder of its credential to `/echo`, and a forged one, and keeps placeholder and answer
//! in the state. In `status` it makes requests that the host has to deny, and fails with `<denied> of <all> denied`, the
//! outcome of each that was not, and what it saw in `create`.

use guests::{Backend, Guest, remote_id};
use scanhost_sdk::backend::{
    http::{self, HttpError, Method, Request},
    report,
    scanner::{LoginSecret, RemoteScan, RemoteState, ScanError, ScanRequest},
};

const PATHS: [&str; 13] = [
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

const HEADERS: [&str; 10] = [
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
        let state = secret.map(|placeholder| reflect(&placeholder)).unwrap_or_default();
        Ok(RemoteScan { id: remote_id(Self::NAME, &request.task_id), state })
    }

    fn status(state: &mut Vec<u8>) -> RemoteState {
        let sent = |path: &str, header: Option<&str>, body: usize| {
            let headers = header.map(|name| (name.to_owned(), "nosy".to_owned())).into_iter().collect();
            let body = (body > 0).then(|| vec![b'x'; body]);
            denied(http::send(&Request { method: Method::Post, path: path.to_owned(), headers, body }))
        };
        let mut tries: Vec<(String, Result<(), String>)> = Vec::new();
        tries.extend(PATHS.iter().map(|path| (format!("path {path:?}"), sent(path, None, 0))));
        tries.extend(HEADERS.iter().map(|name| (format!("header {name}"), sent("/", Some(name), 0))));
        tries.push(("header with line break".to_owned(), sent("/", Some("x-a\r\nx-b"), 0)));
        tries.push(("body over 1 MiB".to_owned(), sent("/", None, 1024 * 1024 + 1)));
        let plain = Request { method: Method::Get, path: "/".to_owned(), headers: Vec::new(), body: None };
        tries.push(("download outside export-report".to_owned(), denied(http::download(&plain))));
        tries.push(("append outside export-report".to_owned(), refused(report::append(b"nosy"))));
        tries.push(("read outside parse".to_owned(), refused(report::read(16))));

        let done: Vec<String> =
            tries.iter().filter_map(|(what, outcome)| Some(format!("; {what}: {}", outcome.as_ref().err()?))).collect();
        let saw = if state.is_empty() { String::new() } else { format!("; it saw {}", String::from_utf8_lossy(state)) };
        RemoteState::Failed(format!("{} of {} denied{}{saw}", tries.len() - done.len(), tries.len(), done.concat()))
    }
}

/// The placeholder, a blank, and what came back for it.
fn reflect(placeholder: &str) -> Vec<u8> {
    let forged = placeholder
        .split('-')
        .enumerate()
        .map(|(at, part)| if at == 2 { "0".repeat(part.len()) } else { part.to_owned() });
    let forged = forged.collect::<Vec<_>>().join("-");
    let body = format!(r#"{{"password":"{placeholder}","forged":"{forged}"}}"#).into_bytes();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let answer = http::send(&Request { method: Method::Post, path: "/echo".to_owned(), headers, body: Some(body) });
    let mut state = format!("{placeholder} ").into_bytes();
    match answer {
        Ok(response) => state.extend(response.body.into_iter().take(32 * 1024)),
        Err(error) => state.extend(format!("{error:?}").into_bytes()),
    }
    state
}

/// The error is what happened instead.
fn denied<T>(outcome: Result<T, HttpError>) -> Result<(), String> {
    match outcome {
        Err(HttpError::Denied(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("it was sent".to_owned()),
    }
}

fn refused<T>(outcome: Result<T, String>) -> Result<(), String> {
    match outcome {
        Err(_) => Ok(()),
        Ok(_) => Err("it was done".to_owned()),
    }
}

type Component = Backend<Nosy>;
scanhost_sdk::export_backend!(Component);
