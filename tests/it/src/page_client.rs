//! A client of the page for people that works like a browser without scripts: it sends cookies and forms. It follows no
//! redirect, so that tests can check each one.

use std::fmt::Write as _;

use reqwest::{RequestBuilder, header::HeaderMap, redirect::Policy};

use crate::server::Server;

/// The header `accept` as browsers send it.
const ACCEPT: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[derive(Clone)]
pub struct PageClient {
    http: reqwest::Client,
    url: String,
    /// The value of the header `cookie`.
    pub cookie: Option<String>,
}

/// The answer to one request.
#[derive(Debug)]
pub struct PageResponse {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl PageClient {
    pub fn new(server: &Server) -> Self {
        // Making an MCP client installs the TLS provider, which every HTTP client needs.
        let _provider = server.mcp();
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build();
        Self { http: http.expect("a client can be made"), url: server.url().to_owned(), cookie: None }
    }

    /// Makes a client and logs it in with this token.
    pub async fn logged_in(server: &Server, token: &str) -> Self {
        let mut client = Self::new(server);
        let response = client.submit_form("/login", "/login", &[("token", token)]).await;
        assert_eq!(response.code, 303, "{}", response.body);
        client.cookie = Some(response.cookie().split(';').next().expect("a cookie").to_owned());
        client
    }

    /// Returns a copy of this client, with its cookie, that talks to another server.
    pub fn at_server(&self, server: &Server) -> Self {
        Self { url: server.url().to_owned(), ..self.clone() }
    }

    pub fn request(&self, path: &str) -> RequestBuilder {
        self.with_cookie(self.http.get(format!("{}{path}", self.url)).header("accept", ACCEPT))
    }

    pub async fn get(&self, path: &str) -> PageResponse {
        PageResponse::receive(self.request(path)).await
    }

    /// Fetches a file, which has to exist, and returns its headers and its bytes.
    pub async fn get_bytes(&self, path: &str) -> (HeaderMap, Vec<u8>) {
        let response = self.request(path).send().await.expect("the server answers");
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers().clone();
        (headers, response.bytes().await.expect("the file comes whole").to_vec())
    }

    /// Fetches a page, which has to exist, and returns its body.
    pub async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.code, 200, "{path}: {}", response.body);
        response.body
    }

    /// Submits a form to `path` with the form token of the page at `from`.
    pub async fn submit_form(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> PageResponse {
        let token = self.get(from).await.form_token();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("form", token.as_str())]).collect();
        PageResponse::receive(self.form_request(path, &fields)).await
    }

    /// Builds the request of a form as a browser sends it, which a test may change before it is sent.
    pub fn form_request(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
            .collect();
        let request = self.http.post(format!("{}{path}", self.url)).header("accept", ACCEPT);
        self.with_cookie(request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&")))
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

impl PageResponse {
    pub async fn receive(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        Self { code, headers, body: response.text().await.expect("the answer is text") }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are text"))
    }

    pub fn cookie(&self) -> &str {
        self.header("set-cookie")
    }

    /// The token in the forms of the page, or an empty text if it has no form.
    pub fn form_token(&self) -> String {
        let after = self.body.split_once("name=\"form\" value=\"").map_or("", |(_, after)| after);
        after.split('"').next().unwrap_or_default().to_owned()
    }
}

/// Encodes the text for a query or a form.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes any text");
        }
        encoded
    })
}
