//! Somebody with a browser, as far as it takes no script: cookies, forms, and no redirect that is not looked at.

use std::fmt::Write as _;

use reqwest::{RequestBuilder, header::HeaderMap, redirect::Policy};

use crate::server::Server;

/// What a browser says that it takes.
const PAGES: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[derive(Clone)]
pub struct Visitor {
    http: reqwest::Client,
    url: String,
    /// As it goes into the header.
    pub cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Seen {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Visitor {
    pub fn of(server: &Server) -> Self {
        // The client of the server's own protocol sets up what every client needs.
        let _provider = server.mcp();
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build();
        Self { http: http.expect("a client can be made"), url: server.url().to_owned(), cookie: None }
    }

    /// The same, logged in with this token.
    pub async fn logged_in(server: &Server, token: &str) -> Self {
        let mut visitor = Self::of(server);
        let seen = visitor.send("/login", "/login", &[("token", token)]).await;
        assert_eq!(seen.code, 303, "{}", seen.body);
        visitor.cookie = Some(seen.cookie().split(';').next().expect("a cookie").to_owned());
        visitor
    }

    /// The same person at another server.
    pub fn at(&self, server: &Server) -> Self {
        Self { url: server.url().to_owned(), ..self.clone() }
    }

    pub fn request(&self, path: &str) -> RequestBuilder {
        self.with_cookie(self.http.get(format!("{}{path}", self.url)).header("accept", PAGES))
    }

    pub async fn get(&self, path: &str) -> Seen {
        Seen::of(self.request(path)).await
    }

    /// A file that has to be there, and what is said about it.
    pub async fn get_bytes(&self, path: &str) -> (HeaderMap, Vec<u8>) {
        let response = self.request(path).send().await.expect("the server answers");
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers().clone();
        (headers, response.bytes().await.expect("the file comes whole").to_vec())
    }

    /// A page that has to be there.
    pub async fn page(&self, path: &str) -> String {
        let seen = self.get(path).await;
        assert_eq!(seen.code, 200, "{path}: {}", seen.body);
        seen.body
    }

    /// Sends a form to `path`, with the token that the page at `from` has.
    pub async fn send(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Seen {
        let token = self.get(from).await.form_token();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("form", token.as_str())]).collect();
        Seen::of(self.form(path, &fields)).await
    }

    /// A form as a browser sends it, to be changed by tests that need to.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let request = self.http.post(format!("{}{path}", self.url)).header("accept", PAGES);
        self.with_cookie(request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&")))
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

impl Seen {
    pub async fn of(request: RequestBuilder) -> Self {
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

    /// What the forms of the page carry; empty where it has none.
    pub fn form_token(&self) -> String {
        let after = self.body.split_once("name=\"form\" value=\"").map_or("", |(_, after)| after);
        after.split('"').next().unwrap_or_default().to_owned()
    }
}

/// As part of a query or of a form.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes any text");
        }
        encoded
    })
}
