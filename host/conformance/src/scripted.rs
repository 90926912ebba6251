//! The scripted scanner: answers a backend's requests from a script, or everything in one way, and keeps what was asked.

use std::{collections::HashMap, fs, sync::{Arc, Mutex, MutexGuard, PoisonError}};

use async_trait::async_trait;
use scanhost_outbound::egress::permit;
use scanhost_sandbox::capability::{Downloaded, Http, HttpError, Level, LogSink, Method, ReportWriter, Request, Response};
use serde_json::Value as Json;
use url::Url;

use super::{rig::{INSTALLATION, TASK}, script::{Answer, Route}};

/// The kit's scanner has no address; this one only serves to check what a backend asks for.
const BASE: &str = "https://scanner.invalid";

/// How the scanner meets requests.
#[derive(Clone, Debug)]
pub enum Manner {
    Script(Vec<Route>),
    Always(Answer),
    Unreachable,
    /// Takes the request, and the connection ends.
    BreaksOff,
}

/// A scanner and its memory. Copies are the same scanner.
#[derive(Clone)]
pub struct Scripted(Arc<Mutex<Scanner>>);

struct Scanner {
    manner: Manner,
    /// How often each route was taken.
    taken: HashMap<usize, usize>,
    seen: Seen,
}

/// What a backend did.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Method, path and body of each request.
    pub requests: Vec<(String, String)>,
    pub headers: Vec<String>,
    /// What the host would not have sent, and why.
    pub denied: Vec<String>,
    /// What the script has no answer for.
    pub unanswered: Vec<String>,
    pub log: Vec<String>,
    /// JSON bodies, which answers may refer to.
    pub sent: Vec<Json>,
}

impl Scripted {
    pub fn new(manner: Manner, sent: Vec<Json>) -> Self {
        let seen = Seen { sent, ..Seen::default() };
        Self(Arc::new(Mutex::new(Scanner { manner, taken: HashMap::new(), seen })))
    }

    fn lock(&self) -> MutexGuard<'_, Scanner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn seen(&self) -> Seen {
        self.lock().seen.clone()
    }
}

impl Scanner {
    fn answer(&mut self, request: &Request) -> Result<Response, HttpError> {
        let method = method_name(request.method);
        let body = request.body.as_deref().unwrap_or_default();
        let line = format!("{method} {}", request.path);
        self.seen.requests.push((line.clone(), String::from_utf8_lossy(body).into_owned()));
        self.seen.headers.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let base = Url::parse(BASE).expect("a constant address");
        if let Err(error) = permit(&base, request) {
            self.seen.denied.push(format!("{line}: {error:?}"));
            return Err(error);
        }
        self.seen.sent.extend(serde_json::from_slice::<Json>(body));
        let answer = match &self.manner {
            Manner::Unreachable => return Err(HttpError::Unreachable("no address".into())),
            Manner::BreaksOff => return Err(HttpError::Broken("the connection ended".into())),
            Manner::Always(answer) => answer.clone(),
            Manner::Script(routes) => {
                let found = routes.iter().enumerate().find(|(_, route)| matches(&route.request, method, &request.path));
                let Some((index, route)) = found else {
                    self.seen.unanswered.push(line);
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
        let sent = self.seen.sent.iter().rev().find_map(|body| body.pointer(pointer)?.as_str());
        format!("{before}{}{}", sent.unwrap_or_default(), self.fill_text(after))
    }
}

/// Whether the request is the one of `pattern`, in which `*` stands for any characters.
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
impl Http for Scripted {
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

impl LogSink for Scripted {
    fn write(&mut self, _level: Level, message: &str) {
        self.lock().seen.log.push(message.to_owned());
    }
}
