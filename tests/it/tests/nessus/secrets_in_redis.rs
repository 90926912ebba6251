//! Secrets of all kinds on a host with everything: a Redis that is dumped, sessions at the scanner, tokens, credentials
//! of the configuration. They are searched for in every place that the host writes to, also in other spellings.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fake_nessus::{FakeNessus, Fault, Kind, Login, Operation, Settings};
use scanhost_it::{
    lab::{Lab, POLL, SCAN_TIME, endless, scanners, wait_until},
    output::Output,
    redis::Redis,
    server::{Home, Server},
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-battery-staple";
const PASSPHRASE: &str = "open-sesame-please";
const ESCALATION: &str = "second-factor-of-root";
const KEY_LINE: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
const CONFIGURED: &str = "password-of-the-audit-account";
const TOKEN: &str = "token-of-the-client-of-this-test";
const TRAP: &str = "what-only-the-trap-holds";

struct Place {
    name: String,
    bytes: Vec<u8>,
}

struct Watched {
    redis: Redis,
    lab: Lab,
    answers: Vec<Place>,
}

impl Watched {
    async fn new() -> Self {
        let redis = Redis::new();
        // So that a text in the dump is there as it is.
        assert_eq!(redis.ask(&["CONFIG", "SET", "rdbcompression", "no"]), "OK");
        let scanner = FakeNessus::start(Settings { session_requests: Some(5), ..endless() }).await;
        let Login { username, password } = Login::default();
        let auth = format!("{{username: {username}, password: {password}}}");
        let more = "credentials: {linux-audit: {ssh_username: audit, ssh_password: \"${AUDIT_PASSWORD}\"}}\n\
            tokens: [{name: ci, scopes: [scan:read, scan:submit], token: \"${CI_TOKEN}\"}]\n";
        let home = Home::new(&[
            ("scanners.yaml", &scanners(&scanner.url(), &auth)),
            ("scanhost.yaml", &format!("store: {}\n{POLL}{more}", redis.url())),
        ]);
        let mut command = home.serving();
        command.env("SCANHOST_LOG", "trace");
        let server = Server::start(with_secrets(command));
        let mcp = server.mcp().with_token(TOKEN);
        Self { redis, lab: Lab { scanner, home, server, mcp }, answers: Vec::new() }
    }

    /// Calls a tool, and keeps what it answers, well or ill.
    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let reply = self.lab.mcp.call(tool, arguments).await;
        let bytes = format!("{}{}", reply.text, reply.structured).into_bytes();
        self.answers.push(Place { name: format!("an answer of {tool}"), bytes });
        reply.structured
    }

    /// The same of every tool that tells something, of the pages, and of the commands.
    async fn ask_everything(&mut self, ids: &[String]) {
        for tool in
            ["list_scans", "list_scanners", "list_pools", "get_pool_status", "get_queue_status", "list_profiles"]
        {
            self.call(tool, json!({})).await;
        }
        for id in ids {
            for tool in ["get_scan_status", "get_scan_settings", "get_scan_results", "download_native_scan"] {
                self.call(tool, json!({ "task_id": id })).await;
            }
        }
        for path in ["/ready", "/metrics", "/health"] {
            let request = self.lab.mcp.http().get(format!("{}{path}", self.lab.server.url())).bearer_auth(TOKEN);
            let text = request.send().await.expect("the server answers").text().await.expect("text");
            self.answers.push(Place { name: path.to_owned(), bytes: text.into_bytes() });
        }
        let shown: Vec<Vec<&str>> = ids.iter().map(|id| vec!["dlq", "show", id.as_str()]).collect();
        for arguments in [vec!["scans"], vec!["queue"], vec!["dlq", "list"]].into_iter().chain(shown) {
            let mut command = with_secrets(self.lab.home.command(&arguments));
            command.arg("--json").arg("--config").arg(self.lab.home.config());
            let output = Output::of(command);
            let bytes = format!("{}{}", output.stdout, output.stderr).into_bytes();
            self.answers.push(Place { name: format!("scanhost {arguments:?}"), bytes });
        }
    }

    /// Wherever the host has written to, as it is now.
    fn places(&self) -> Vec<Place> {
        assert_eq!(self.redis.ask(&["SAVE"]), "OK");
        let mut places = vec![Place { name: "the log".to_owned(), bytes: self.lab.server.log().into_bytes() }];
        read_below(&self.lab.home.data(), &mut places);
        read_below(self.redis.folder(), &mut places);
        for file in ["dump.rdb", ".aof"] {
            assert!(places.iter().any(|place| place.name.ends_with(file)), "Redis writes {file}");
        }
        places
    }

    /// Every secret that is somewhere, and where.
    fn found(&self, secrets: &[String]) -> Vec<String> {
        let places = self.places();
        let mut found = Vec::new();
        for place in places.iter().chain(&self.answers) {
            let text = String::from_utf8_lossy(&place.bytes);
            for secret in secrets {
                for spelling in spellings(secret) {
                    if text.contains(&spelling) {
                        found.push(format!("{secret:?} as {spelling:?} in {}", place.name));
                    }
                }
            }
        }
        found
    }

    /// Those of the test, of the configuration, and every token of a session that the scanner has given out.
    fn secrets(&self) -> Vec<String> {
        let own = [PASSWORD, PASSPHRASE, ESCALATION, KEY_LINE, CONFIGURED, TOKEN];
        let mut secrets: Vec<String> = own.iter().map(ToString::to_string).collect();
        secrets.push(Login::default().password);
        let records = self.lab.scanner.records();
        let cookies = records.markers.values().filter_map(|record| record.headers.get("x-cookie")).flatten();
        let tokens: Vec<String> = cookies.filter_map(|cookie| Some(cookie.split_once('=')?.1.to_owned())).collect();
        assert!(tokens.len() > 2, "sessions were lost and opened again: {tokens:?}");
        secrets.extend(tokens);
        secrets
    }

    /// One scan of each kind that has a secret.
    async fn submit_all(&mut self) -> Vec<String> {
        let key = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY_LINE}\n-----END OPENSSH PRIVATE KEY-----\n");
        let logins = [
            ("run_trusted_scan", json!({ "ssh_username": "audit", "ssh_password": PASSWORD })),
            ("run_trusted_scan", json!({ "ssh_username": "a", "ssh_private_key": key, "ssh_passphrase": PASSPHRASE })),
            ("run_trusted_scan", json!({ "credential": "linux-audit" })),
            (
                "run_privileged_scan",
                json!({ "ssh_username": "audit", "ssh_password": PASSWORD, "elevate_privileges_with": "su",
                        "escalation_account": "root", "escalation_password": ESCALATION, "idempotency_key": "k" }),
            ),
        ];
        let mut ids = Vec::new();
        for (tool, mut arguments) in logins {
            arguments["targets"] = json!("10.20.0.11");
            arguments["name"] = json!("audit");
            let submitted = self.call(tool, arguments).await;
            ids.push(submitted["task_id"].as_str().expect("it is taken").to_owned());
        }
        ids
    }

    /// Requests that are not taken.
    async fn err(&mut self) {
        let login = json!({ "targets": "10.20.0.11", "name": "audit", "ssh_username": "a", "ssh_password": PASSWORD });
        for (name, value) in [
            ("targets", json!("8.8.8.8")),
            ("scanner_pool", json!(PASSWORD.len())),
            ("elevate_privileges_with", json!("magic")),
            ("ssh_private_key", json!(KEY_LINE)),
            ("credential", json!("linux-audit")),
            ("idempotency_key", json!("k")),
        ] {
            let mut arguments = login.clone();
            arguments[name] = value;
            self.call("run_privileged_scan", arguments).await;
        }
    }
}

fn with_secrets(mut command: std::process::Command) -> std::process::Command {
    command.env("AUDIT_PASSWORD", CONFIGURED).env("CI_TOKEN", TOKEN);
    command
}

fn read_below(folder: &Path, places: &mut Vec<Place>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_symlink() {
            // Compiled plugins, which all tests share.
        } else if path.is_dir() {
            read_below(&path, places);
        } else if let Ok(bytes) = fs::read(&path) {
            places.push(Place { name: path.display().to_string(), bytes });
        }
    }
}

/// As it is, in hexadecimal, and in base64 wherever in a text it may begin.
fn spellings(secret: &str) -> Vec<String> {
    let hexadecimal = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let shifted = (0..3).map(|skipped| {
        let rest = &secret.as_bytes()[skipped..];
        BASE64_STANDARD.encode(&rest[..rest.len() / 3 * 3])
    });
    [secret.to_owned(), hexadecimal].into_iter().chain(shifted).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_in_redis_files_logs_or_answers() {
    let mut watched = Watched::new().await;
    let ids = watched.submit_all().await;
    // Two run and two wait, with their secrets sealed.
    wait_until("two scans run", || watched.lab.scanner.records().done.of(Operation::Launch) == 2).await;
    watched.err().await;
    watched.ask_everything(&ids).await;
    assert_eq!(watched.found(&watched.secrets()), Vec::<String>::new(), "while scans run and wait");
    // The last one fails with a dead letter; the scanner quotes what it was sent.
    let refused = Kind::Status { code: 400.try_into().expect("a status") };
    watched.lab.scanner.set_faults([Fault::every(1, Operation::Create, refused)]);
    for id in &ids[..2] {
        watched.call("cancel_scan", json!({ "task_id": id })).await;
    }
    for id in &ids {
        watched.lab.mcp.ended(id, SCAN_TIME).await;
    }
    watched.ask_everything(&ids).await;
    assert_eq!(watched.found(&watched.secrets()), Vec::<String>::new(), "when scans have ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_finds_what_is_in_any_of_the_places() {
    let mut watched = Watched::new().await;
    let asked = json!({ "targets": "10.20.0.11", "name": TRAP });
    let submitted = watched.call("run_untrusted_scan", asked).await;
    let id = submitted["task_id"].as_str().expect("it is taken").to_owned();
    wait_until("the launch", || watched.lab.scanner.records().done.of(Operation::Launch) == 1).await;
    watched.call("cancel_scan", json!({ "task_id": id })).await;
    watched.lab.mcp.ended(&id, SCAN_TIME).await;
    watched.ask_everything(std::slice::from_ref(&id)).await;
    let hidden = fs::write(watched.lab.home.data().join("hidden"), BASE64_STANDARD.encode(format!("x{TRAP}")));
    hidden.expect("a file can be written");
    let found = watched.found(&[TRAP.to_owned(), id]).join("\n");
    for place in ["dump.rdb", ".aof", "task.json", "the log", "list_scans", "hidden", "scanhost [\"scans\"]"] {
        assert!(found.contains(place), "not found in {place}:\n{found}");
    }
}
