//! The import `http`. Requests are counted here; the caller's [`Http`](crate::capability::Http) permits and sends them.

use std::io;

use crate::{
    bindings::backend::scanhost::backend::http::{Downloaded, Host, HttpError, Request, Response},
    call::{CallState, Progress},
    capability::ReportWriter,
};

/// Requests that one call may send.
const MAX_REQUESTS: u32 = 64;

/// Bytes that a request's body may have.
const MAX_BODY: usize = 1 << 20;

/// Headers a request may have.
const MAX_HEADERS: usize = 64;

impl CallState {
    fn count(&mut self, request: &Request) -> Result<(), HttpError> {
        if self.requests == MAX_REQUESTS {
            return Err(HttpError::TooMany(MAX_REQUESTS));
        }
        self.requests += 1;
        self.progress.step();
        if request.body.as_ref().is_some_and(|body| body.len() > MAX_BODY) {
            return Err(HttpError::Denied(format!("the request's body is larger than {MAX_BODY} bytes")));
        }
        if request.headers.len() > MAX_HEADERS {
            return Err(HttpError::Denied(format!("the request has more than {MAX_HEADERS} headers")));
        }
        Ok(())
    }
}

fn no_scanner() -> HttpError {
    HttpError::Denied("this call has no scanner to talk to".into())
}

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, HttpError>> {
        if let Err(refused) = self.count(&request) {
            return Ok(Err(refused));
        }
        let Some(http) = &mut self.reach.http else { return Ok(Err(no_scanner())) };
        let answer = http.send(request).await;
        self.has_waited = true;
        Ok(answer)
    }

    async fn download(&mut self, request: Request) -> wasmtime::Result<Result<Downloaded, HttpError>> {
        if let Err(refused) = self.count(&request) {
            return Ok(Err(refused));
        }
        let (Some(http), Some(report)) = (&mut self.reach.http, &mut self.reach.report_writer) else {
            return Ok(Err(HttpError::Denied("downloads are for `export-report` only".into())));
        };
        let mut report = ProgressWriter { report: report.as_mut(), progress: self.progress.clone() };
        let answer = http.download(request, &mut report).await;
        self.has_waited = true;
        Ok(answer)
    }
}

/// Counts every piece that arrives as progress.
struct ProgressWriter<'a> {
    report: &'a mut dyn ReportWriter,
    progress: Progress,
}

impl ReportWriter for ProgressWriter<'_> {
    fn restart(&mut self) -> io::Result<()> {
        self.report.restart()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.progress.step();
        self.report.append(bytes)
    }
}
