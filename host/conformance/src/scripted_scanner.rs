//! The scripted scanner: it answers a backend's requests from a script, or all in one way, and records them.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use scanhost_outbound::egress::permit;
use scanhost_sandbox::capability::{
    Downloaded, Http, HttpError, Level, LogSink, Method, ReportWriter, Request, Response,
};
use serde_json::Value as Json;
use url::Url;

use super::{
    names::{INSTALLATION, TASK},
    script::{Answer, Route},
};

/// The address against which requests are checked. The kit's scanner has none.
const BASE: &str = "https://scanner.invalid";

/// How the scanner handles requests.
#[derive(Clone, Debug)]
pub enum ScannerBehaviour {
    Script(Vec<Route>),
    Always(Answer),
    Unreachable,
    /// The scanner accepts the request, and then the connection ends.
    BreaksOff,
}

/// A scanner with its record of requests. Clones share it.
#[derive(Clone)]
pub struct ScriptedScanner(Arc<Mutex<Scanner>>);

struct Scanner {
    behaviour: ScannerBehaviour,
    /// How often each route was used.
    taken: HashMap<usize, usize>,
    recording: Recording,
}

/// What a backend did, as the scanner and the log recorded it.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The method and path, and the body, of each request.
    pub requests: Vec<(String, String)>,
    pub headers: Vec<String>,
    /// Requests that the host would have refused, with the reasons.
    pub denied: Vec<String>,
    /// Requests that the script has no route for.
    pub unanswered: Vec<String>,
    pub log: Vec<String>,
    /// The JSON bodies, which answers may refer to.
    pub sent: Vec<Json>,
}

impl ScriptedScanner {
    pub fn new(behaviour: ScannerBehaviour, sent: Vec<Json>) -> Self {
        let recording = Recording { sent, ..Recording::default() };
        Self(Arc::new(Mutex::new(Scanner { behaviour, taken: HashMap::new(), recording })))
    }

    fn lock(&self) -> MutexGuard<'_, Scanner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn recording(&self) -> Recording {
        self.lock().recording.clone()
    }
}

impl Scanner {
    fn answer(&mut self, request: &Request) -> Result<Response, HttpError> {
        let method = method_name(request.method);
        let body = request.body.as_deref().unwrap_or_default();
        let line = format!("{method} {}", request.path);
        self.recording.requests.push((line.clone(), String::from_utf8_lossy(body).into_owned()));
        self.recording.headers.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let base = Url::parse(BASE).expect("a constant address");
        if let Err(error) = permit(&base, request) {
            self.recording.denied.push(format!("{line}: {error:?}"));
            return Err(error);
        }
        self.recording.sent.extend(serde_json::from_slice::<Json>(body));
        let answer = match &self.behaviour {
            ScannerBehaviour::Unreachable => return Err(HttpError::Unreachable("no address".into())),
            ScannerBehaviour::BreaksOff => return Err(HttpError::Broken("the connection ended".into())),
            ScannerBehaviour::Always(answer) => answer.clone(),
            ScannerBehaviour::Script(routes) => {
                let found = routes.iter().enumerate().find(|(_, route)| matches(&route.request, method, &request.path));
                let Some((index, route)) = found else {
                    self.recording.unanswered.push(line);
                    return self.filled(&Answer::text(404, "not found"));
                };
                let taken = self.taken.entry(index).or_default();
                let answers: Vec<_> = route.answers().collect();
                let answer = answers[(*taken).min(answers.len() - 1)].clone();
                *taken += 1;
                answer
            }
        };
        self.filled(&answer)
    }

    fn filled(&self, answer: &Answer) -> Result<Response, HttpError> {
        let mut headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let body = if let Some(json) = &answer.json {
            headers.push(("content-type".into(), "application/json".into()));
            serde_json::to_vec(&self.fill(json)).expect("JSON is always JSON")
        } else if let Some(file) = &answer.file {
            fs::read(file).map_err(|error| HttpError::Broken(error.to_string()))?
        } else {
            self.fill_text(answer.text.as_deref().unwrap_or_default()).into_bytes()
        };
        Ok(Response { status: answer.status, headers, body })
    }

    fn fill(&self, json: &Json) -> Json {
        match json {
            Json::String(text) => Json::String(self.fill_text(text)),
            Json::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Json::Object(members) => {
                Json::Object(members.iter().map(|(key, value)| (key.clone(), self.fill(value))).collect())
            }
            plain => plain.clone(),
        }
    }

    fn fill_text(&self, text: &str) -> String {
        let text = text.replace("{task_id}", TASK).replace("{installation}", INSTALLATION);
        let Some((before, opened)) = text.split_once("{sent:") else { return text };
        let Some((pointer, after)) = opened.split_once('}') else { return text };
        let sent = self.recording.sent.iter().rev().find_map(|body| body.pointer(pointer)?.as_str());
        format!("{before}{}{}", sent.unwrap_or_default(), self.fill_text(after))
    }
}

/// Whether the request matches `pattern`, in which `*` stands for any characters.
fn matches(pattern: &str, method: &str, path: &str) -> bool {
    let Some((wanted, pattern)) = pattern.split_once(' ') else { return false };
    let path = if pattern.contains('?') { path } else { path.split('?').next().unwrap_or_default() };
    wanted == method && is_like(pattern.as_bytes(), path.as_bytes())
}

fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skipped| is_like(rest, &text[skipped..])),
        [first, rest @ ..] => text.first() == Some(first) && is_like(rest, &text[1..]),
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
    }
}

#[async_trait]
impl Http for ScriptedScanner {
    async fn send(&mut self, request: Request) -> Result<Response, HttpError> {
        self.lock().answer(&request)
    }

    async fn download(&mut self, request: Request, report: &mut dyn ReportWriter) -> Result<Downloaded, HttpError> {
        let Response { status, headers, body } = self.lock().answer(&request)?;
        if !(200..300).contains(&status) {
            return Ok(Downloaded { status, headers, written: 0, body });
        }
        let full = |error: std::io::Error| HttpError::Denied(error.to_string());
        report.restart().map_err(full)?;
        report.append(&body).map_err(full)?;
        Ok(Downloaded { status, headers, written: body.len() as u64, body: Vec::new() })
    }
}

impl LogSink for ScriptedScanner {
    fn write(&mut self, _level: Level, message: &str) {
        self.lock().recording.log.push(message.to_owned());
    }
}
