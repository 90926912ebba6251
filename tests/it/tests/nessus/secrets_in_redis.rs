//! Secrets of all kinds on a host with a Redis, sessions at the scanner, tokens and named credentials. The tests search
//! for them in everything that the host writes and answers, also in hexadecimal and base64.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fake_nessus::{FakeNessus, Fault, FaultKind, Login, Operation, Settings};
use scanhost_it::{
    output::Output,
    redis::Redis,
    server::{Home, Server},
    testbed::{FAST_POLLING, SCAN_TIMEOUT, Testbed, endless_scans, nessus_scanners_yaml, wait_until},
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-battery-staple";
const PASSPHRASE: &str = "open-sesame-please";
const ESCALATION: &str = "second-factor-of-root";
const KEY_LINE: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
const CONFIGURED: &str = "password-of-the-audit-account";
const TOKEN: &str = "token-of-the-client-of-this-test";
/// A text that stands in for a secret where the test checks that the search works.
const BAIT: &str = "text-that-the-search-must-find";

/// A file, an answer or a log, which must not contain a secret.
struct Searched {
    name: String,
    bytes: Vec<u8>,
}

/// A testbed, and the answers that its host has given.
struct SecretSearch {
    redis: Redis,
    testbed: Testbed,
    answers: Vec<Searched>,
}

impl SecretSearch {
    async fn new() -> Self {
        let redis = Redis::new();
        // Without compression, the dump contains texts literally.
        assert_eq!(redis.command(&["CONFIG", "SET", "rdbcompression", "no"]), "OK");
        let scanner = FakeNessus::start(Settings { session_requests: Some(5), ..endless_scans() }).await;
        let Login { username, password } = Login::default();
        let auth = format!("{{username: {username}, password: {password}}}");
        let more = "credentials: {linux-audit: {ssh_username: audit, ssh_password: \"${AUDIT_PASSWORD}\"}}\n\
            tokens: [{name: ci, scopes: [scan:read, scan:submit], token: \"${CI_TOKEN}\"}]\n";
        let home = Home::new(&[
            ("scanners.yaml", &nessus_scanners_yaml(&scanner.url(), &auth)),
            ("scanhost.yaml", &format!("store: {}\n{FAST_POLLING}{more}", redis.url())),
        ]);
        let mut command = home.serve_command();
        command.env("SCANHOST_LOG", "trace");
        let server = Server::start(with_secrets(command));
        let mcp = server.mcp().with_token(TOKEN);
        Self { redis, testbed: Testbed { scanner, home, server, mcp }, answers: Vec::new() }
    }

    /// Calls a tool, and records its answer, which may be an error.
    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let reply = self.testbed.mcp.call(tool, arguments).await;
        let bytes = format!("{}{}", reply.text, reply.structured).into_bytes();
        self.answers.push(Searched { name: format!("an answer of {tool}"), bytes });
        reply.structured
    }

    /// Records the answers of every tool that reads, of the HTTP endpoints, and of the admin commands.
    async fn record_all_answers(&mut self, ids: &[String]) {
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
            let request =
                self.testbed.mcp.http().get(format!("{}{path}", self.testbed.server.url())).bearer_auth(TOKEN);
            let text = request.send().await.expect("the server answers").text().await.expect("text");
            self.answers.push(Searched { name: path.to_owned(), bytes: text.into_bytes() });
        }
        let shows: Vec<Vec<&str>> = ids.iter().map(|id| vec!["dlq", "show", id.as_str()]).collect();
        for arguments in [vec!["scans"], vec!["queue"], vec!["dlq", "list"]].into_iter().chain(shows) {
            let mut command = with_secrets(self.testbed.home.command(&arguments));
            command.arg("--json").arg("--config").arg(self.testbed.home.config());
            let output = Output::run(command);
            let bytes = format!("{}{}", output.stdout, output.stderr).into_bytes();
            self.answers.push(Searched { name: format!("scanhost {arguments:?}"), bytes });
        }
    }

    /// Reads the log, and all files of the host and of Redis.
    fn read_files(&self) -> Vec<Searched> {
        assert_eq!(self.redis.command(&["SAVE"]), "OK");
        let mut texts = vec![Searched { name: "the log".to_owned(), bytes: self.testbed.server.log().into_bytes() }];
        read_below(&self.testbed.home.data(), &mut texts);
        read_below(self.redis.folder(), &mut texts);
        for file in ["dump.rdb", ".aof"] {
            assert!(texts.iter().any(|searched| searched.name.ends_with(file)), "Redis has not written {file}");
        }
        texts
    }

    /// Describes each occurrence of a secret.
    fn occurrences(&self, secrets: &[String]) -> Vec<String> {
        let texts = self.read_files();
        let mut found = Vec::new();
        for searched in texts.iter().chain(&self.answers) {
            let text = String::from_utf8_lossy(&searched.bytes);
            for secret in secrets {
                for spelling in spellings(secret) {
                    if text.contains(&spelling) {
                        found.push(format!("{secret:?} as {spelling:?} in {}", searched.name));
                    }
                }
            }
        }
        found
    }

    /// The secrets of the test and of the configuration, and every session token that the scanner has issued.
    fn secrets(&self) -> Vec<String> {
        let own = [PASSWORD, PASSPHRASE, ESCALATION, KEY_LINE, CONFIGURED, TOKEN];
        let mut secrets: Vec<String> = own.iter().map(ToString::to_string).collect();
        secrets.push(Login::default().password);
        let records = self.testbed.scanner.records();
        let cookies = records.markers.values().filter_map(|record| record.headers.get("x-cookie")).flatten();
        let tokens: Vec<String> = cookies.filter_map(|cookie| Some(cookie.split_once('=')?.1.to_owned())).collect();
        assert!(tokens.len() > 2, "several sessions were opened: {tokens:?}");
        secrets.extend(tokens);
        secrets
    }

    /// Submits a scan with each kind of secret, and returns the task ids.
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
            ids.push(submitted["task_id"].as_str().expect("the scan is accepted").to_owned());
        }
        ids
    }

    /// Makes requests with secrets that the host refuses.
    async fn submit_invalid(&mut self) {
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

fn read_below(folder: &Path, texts: &mut Vec<Searched>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_symlink() {
            // The link leads to the compiled plugins, which all tests share.
        } else if path.is_dir() {
            read_below(&path, texts);
        } else if let Ok(bytes) = fs::read(&path) {
            texts.push(Searched { name: path.display().to_string(), bytes });
        }
    }
}

/// The secret itself, in hexadecimal, and in base64 for each of the three offsets at which it may begin.
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
    let mut search = SecretSearch::new().await;
    let ids = search.submit_all().await;
    // Two scans run, and two wait with their secrets sealed.
    wait_until("two scans to run", || search.testbed.scanner.records().executed.count(Operation::Launch) == 2).await;
    search.submit_invalid().await;
    search.record_all_answers(&ids).await;
    assert_eq!(search.occurrences(&search.secrets()), Vec::<String>::new(), "a secret leaks while scans run and wait");
    // The scans that were queued now fail and become dead letters, and the scanner quotes their requests.
    let refused = FaultKind::Status { code: 400.try_into().expect("a status") };
    search.testbed.scanner.set_faults([Fault::every(1, Operation::Create, refused)]);
    for id in &ids[..2] {
        search.call("cancel_scan", json!({ "task_id": id })).await;
    }
    for id in &ids {
        search.testbed.mcp.wait_for_end(id, SCAN_TIMEOUT).await;
    }
    search.record_all_answers(&ids).await;
    assert_eq!(search.occurrences(&search.secrets()), Vec::<String>::new(), "a secret leaks when scans have ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_search_finds_a_text_in_every_place() {
    let mut search = SecretSearch::new().await;
    let arguments = json!({ "targets": "10.20.0.11", "name": BAIT });
    let submitted = search.call("run_untrusted_scan", arguments).await;
    let id = submitted["task_id"].as_str().expect("the scan is accepted").to_owned();
    wait_until("the launch", || search.testbed.scanner.records().executed.count(Operation::Launch) == 1).await;
    search.call("cancel_scan", json!({ "task_id": id })).await;
    search.testbed.mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    search.record_all_answers(std::slice::from_ref(&id)).await;
    let hidden = fs::write(search.testbed.home.data().join("hidden"), BASE64_STANDARD.encode(format!("x{BAIT}")));
    hidden.expect("a file can be written");
    let found = search.occurrences(&[BAIT.to_owned(), id]).join("\n");
    for name in ["dump.rdb", ".aof", "task.json", "the log", "list_scans", "hidden", "scanhost [\"scans\"]"] {
        assert!(found.contains(name), "the bait was not found in {name}:\n{found}");
    }
}
