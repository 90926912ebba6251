//! Tests of the server over HTTP on the loopback.

mod exports;
mod faults;
mod records;
mod scans;
mod sessions;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::{ApiKeys, FakeNessus, Settings};

const MARKER: &str = "01JD2Q3R4S5T6V7W8X9YZABCDE";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Settings with which a scan runs until it is stopped.
fn slow_scans() -> Settings {
    Settings { queue_duration: Duration::ZERO, scan_duration: Duration::from_secs(3600), ..instant_scans() }
}

/// Settings with which a scan has completed when its launch is answered.
fn instant_scans() -> Settings {
    Settings {
        queue_duration: Duration::ZERO,
        scan_duration: Duration::ZERO,
        settle_duration: Duration::ZERO,
        export_duration: Duration::ZERO,
        ..Settings::default()
    }
}

struct Client {
    http: reqwest::Client,
    url: String,
    /// The name and value of the header that authenticates.
    login: Option<(&'static str, String)>,
}

impl Client {
    fn with_keys(server: &FakeNessus) -> Self {
        let ApiKeys { access, secret } = ApiKeys::default();
        Self {
            login: Some(("X-ApiKeys", format!("accessKey={access}; secretKey={secret}"))),
            ..Self::anonymous(server)
        }
    }

    fn anonymous(server: &FakeNessus) -> Self {
        // Another test may have installed the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No connection is reused, so that a closed connection cannot be mistaken for a stale one.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().timeout(TIMEOUT).build().unwrap();
        Self { http, url: server.url(), login: None }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.login {
            Some((name, value)) => request.header(*name, value),
            None => request,
        }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> reqwest::Result<Response> {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await
    }

    async fn status(&self, method: &str, path: &str, body: Value) -> StatusCode {
        self.send(method, path, body).await.unwrap().status()
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> Value {
        let response = self.send(method, path, body).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{method} {path}");
        response.json().await.unwrap()
    }

    async fn create(&self) -> u64 {
        self.json("POST", "/scans", create_body()).await["scan"]["id"].as_u64().unwrap()
    }

    async fn create_and_launch(&self) -> u64 {
        let id = self.create().await;
        self.json("POST", &format!("/scans/{id}/launch"), json!({})).await;
        id
    }

    async fn state(&self, id: u64) -> String {
        let details = self.json("GET", &format!("/scans/{id}"), Value::Null).await;
        details["info"]["status"].as_str().unwrap().to_owned()
    }
}

fn create_body() -> Value {
    json!({
        "uuid": Settings::default().advanced_template,
        "settings": {
            "name": "nightly",
            "description": format!("scanhost {MARKER}"),
            "text_targets": "10.0.0.1,10.0.0.2",
            "folder_id": 3,
            "launch_now": false,
        },
    })
}

/// Checks the condition repeatedly until it holds, and panics when it does not hold in time.
async fn wait_until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, wait).await.expect("the condition holds within the bound");
}
