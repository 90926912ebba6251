use super::*;
use crate::Login;

async fn log_in(server: &FakeNessus) -> Client {
    let Login { username, password } = Login::default();
    let anonymous = Client::anonymous(server);
    let body = json!({ "username": username, "password": password });
    let token = anonymous.json("POST", "/session", body).await["token"].as_str().unwrap().to_owned();
    Client { login: Some(("X-Cookie", format!("token={token}"))), ..anonymous }
}

#[tokio::test]
async fn only_server_status_is_public() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = Client::anonymous(&server);
    for (path, expected) in
        [("/server/status", 200), ("/server/properties", 200), ("/scans", 401), ("/folders", 401), ("/nowhere", 401)]
    {
        assert_eq!(client.status("GET", path, Value::Null).await, expected, "{path}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused() {
    let server = FakeNessus::start(instant_scans()).await;
    for login in [("X-ApiKeys", "accessKey=a; secretKey=b"), ("X-ApiKeys", "nonsense"), ("X-Cookie", "token=a")] {
        let client = Client { login: Some((login.0, login.1.to_owned())), ..Client::anonymous(&server) };
        assert_eq!(client.status("GET", "/scans", Value::Null).await, 401, "{login:?}");
    }
    let client = Client::anonymous(&server);
    let wrong = json!({ "username": "operator", "password": "wrong" });
    assert_eq!(client.status("POST", "/session", wrong).await, 401);
    assert_eq!(client.status("POST", "/session", json!({})).await, 400);
}

#[tokio::test]
async fn session_ends_after_its_requests() {
    let server = FakeNessus::start(Settings { session_requests: Some(2), ..instant_scans() }).await;
    let client = log_in(&server).await;
    for expected in [200, 200, 401, 401] {
        assert_eq!(client.status("GET", "/scans", Value::Null).await, expected);
    }
    assert_eq!(log_in(&server).await.status("GET", "/scans", Value::Null).await, 200);
}

#[tokio::test]
async fn logout_ends_the_session() {
    let server = FakeNessus::start(instant_scans()).await;
    let client = log_in(&server).await;
    assert_eq!(client.status("DELETE", "/session", Value::Null).await, 200);
    assert_eq!(client.status("GET", "/scans", Value::Null).await, 401);
}
