use reqwest::dns::Resolve as _;
use scanhost_config::{Credential, CredentialLogin, Secret};
use scanhost_sandbox::{
    AuthScheme, KeyAuth, SessionAuth,
    capability::{HttpError, Method, Request},
};

use super::{
    address::{CheckedResolver, is_forbidden},
    request,
    secrets::Placeholders,
    session::Login,
};

#[track_caller]
fn check_path(base: &str, path: &str, expected: Option<&str>) {
    let url = request::address(&base.parse().unwrap(), path);
    assert_eq!(url.as_ref().ok().map(url::Url::as_str), expected, "{path:?}: {url:?}");
}

#[test]
fn paths_stay_below_the_scanner() {
    let base = "https://nessus.lab:8834/";
    check_path(base, "/scans/7", Some("https://nessus.lab:8834/scans/7"));
    check_path(base, "/scans?folder_id=3&x=..", Some("https://nessus.lab:8834/scans?folder_id=3&x=.."));
    check_path("https://proxy.lab/nessus/", "/scans", Some("https://proxy.lab/nessus/scans"));
    let refused = [
        "",
        "scans",
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "/../admin",
        "/scans/../../admin",
        "/scans/%2e%2E/x",
        "/scans/%2fx",
        "/scans/%5c..",
        "/./scans",
        "/scans\r\nHost: evil.example",
        "/scans#fragment",
        "@evil.example/",
    ];
    for path in refused {
        check_path("https://proxy.lab/nessus/", path, None);
    }
}

#[test]
fn headers_that_only_the_host_may_set_are_refused() {
    let asked = |name: &str, value: &str| Request {
        method: Method::Get,
        path: "/".into(),
        headers: vec![(name.into(), value.into())],
        body: None,
    };
    let own = ["x-scanner-login".parse().unwrap()];
    assert!(request::headers(&asked("Content-Type", "application/json"), &own).is_ok());
    let refused = [
        ("Authorization", "x"),
        ("COOKIE", "x"),
        ("X-ApiKeys", "x"),
        ("x-cookie", "x"),
        ("Host", "evil.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("x-scanner-login", "x"),
        ("bad name", "x"),
        ("ok", "line\nbreak"),
    ];
    for (name, value) in refused {
        let answer = request::headers(&asked(name, value), &own);
        assert!(matches!(answer, Err(HttpError::Denied(_))), "{name}");
    }
}

#[test]
fn metadata_and_other_special_addresses_are_forbidden() {
    let forbidden = [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
    ];
    for address in forbidden {
        assert!(is_forbidden(address.parse().unwrap()), "{address}");
    }
    for address in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "::1", "fd12::1", "2001:db8::1"] {
        assert!(!is_forbidden(address.parse().unwrap()), "{address}");
    }
}

#[tokio::test]
async fn name_resolves_only_to_permitted_addresses() {
    let resolved = async |name: &str| CheckedResolver.resolve(name.parse().unwrap()).await.map(|found| found.count());
    assert!(resolved("localhost").await.is_ok_and(|addresses| addresses > 0));
    for name in ["169.254.169.254", "::ffff:169.254.169.254", "100.100.100.200", "0.0.0.0"] {
        assert!(resolved(name).await.is_err(), "{name}");
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn credential() -> Credential {
    Credential {
        username: "audit".into(),
        login: CredentialLogin::Password(secret("p\"ss\\word\n1")),
        escalation: None,
    }
}

#[test]
fn plugin_sees_the_placeholder_and_scanner_gets_the_secret() {
    let mut placeholders = Placeholders::default();
    let shown = placeholders.hide(&credential());
    let scanhost_sandbox::LoginSecret::Password(placeholder) = &shown.secret else { panic!("{shown:?}") };
    assert!(!placeholder.contains("word"));
    let body = format!(r#"{{"password":"{placeholder}","again":"<{placeholder}>"}}"#);
    let filled: serde_json::Value = serde_json::from_slice(&placeholders.fill(body.as_bytes())).unwrap();
    assert_eq!(filled["password"], "p\"ss\\word\n1");
    assert_eq!(filled["again"], "<p\"ss\\word\n1>");
}

#[test]
fn placeholder_of_another_call_is_not_replaced() {
    let mut earlier = Placeholders::default();
    let shown = earlier.hide(&credential());
    let scanhost_sandbox::LoginSecret::Password(placeholder) = &shown.secret else { panic!("{shown:?}") };
    let mut later = Placeholders::default();
    later.hide(&credential());
    assert_eq!(later.fill(placeholder.as_bytes()).as_ref(), placeholder.as_bytes());
}

#[test]
fn secrets_are_struck_from_answers_plain_and_json_escaped() {
    let mut placeholders = Placeholders::default();
    placeholders.hide(&credential());
    let redaction = placeholders.redaction();
    for reflected in ["p\"ss\\word\n1", r#"p\"ss\\word\n1"#] {
        let answer = format!("before {reflected} after {reflected}");
        assert_eq!(redaction.strike(answer.into_bytes()), b"before *** after ***", "{reflected}");
    }
}

#[test]
fn short_secrets_are_not_struck() {
    let redaction = super::secrets::Redaction::of([secret("short")].iter());
    assert_eq!(redaction.strike(b"a short answer".to_vec()), b"a short answer");
}

fn schemes() -> Vec<AuthScheme> {
    vec![
        AuthScheme::Keys(KeyAuth {
            header: "X-ApiKeys".into(),
            template: "accessKey={access_key}; secretKey={secret_key}".into(),
        }),
        AuthScheme::Session(SessionAuth {
            login_path: "/session".into(),
            login_body: r#"{"username":"{username}","password":"{password}"}"#.into(),
            token_pointer: "/token".into(),
            header: "X-Cookie".into(),
            template: "token={token}".into(),
            logout_path: None,
        }),
    ]
}

fn auth(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect()
}

#[test]
fn first_scheme_with_all_keys_is_chosen() {
    let keys = Login::choose(&schemes(), &auth(&[("access_key", "a{secret_key}"), ("secret_key", "s")])).unwrap();
    let Login::Keys { header, value } = keys else { panic!("not the keys") };
    assert_eq!((header.as_str(), value.to_str().unwrap()), ("x-apikeys", "accessKey=a{secret_key}; secretKey=s"));
    let session = Login::choose(&schemes(), &auth(&[("username", "u"), ("password", "p\"{username}")])).unwrap();
    let Login::Session(session) = session else { panic!("not the session") };
    let body: serde_json::Value = serde_json::from_str(session.login_body.expose()).unwrap();
    assert_eq!((body["username"].as_str(), body["password"].as_str()), (Some("u"), Some("p\"{username}")));
    assert_eq!(session.token(br#"{"token":"t1"}"#).unwrap().expose(), "t1");
    assert!(session.token(b"not json").is_none());
}

#[test]
fn incomplete_login_names_the_needed_keys() {
    let error = Login::choose(&schemes(), &auth(&[("access_key", "a")])).err().unwrap();
    assert!(error.to_string().contains("access_key and secret_key; or username and password"), "{error}");
}
