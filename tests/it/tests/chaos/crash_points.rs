//! Every crash point in turn: a host ends at the point, and the next host, which will end at the next point, recovers
//! the scans of the one before.

use std::time::Duration;

use fake_nessus::{FakeNessus, Fault, FaultKind, Operation};
use scanhost_it::{
    mcp::{McpClient, ToolReply},
    output::Output,
    redis::Redis,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::environment::{BROKEN, Environment, ExpectedScans, IDLE, QUICK, SLOW, submit_arguments};

/// The longest time until a host reaches its crash point.
const CRASH_TIMEOUT: Duration = Duration::from_secs(90);

/// A scan fails as poison after ten crashes while it was worked on, so that fewer hosts than that may crash in a row.
const CRASHES_IN_A_ROW: usize = 8;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// An action that makes a host reach a crash point.
#[derive(Clone, Copy, Debug)]
enum Trigger {
    /// The host only has to run.
    Idle,
    Scan,
    /// A scan whose create fails at first, and whose next create and launch are carried out but not answered.
    UnansweredRequests,
    /// A scan that runs for a while.
    LongScan,
    Cancel,
    /// The host gets SIGTERM.
    Shutdown,
    Results,
    Delete,
    Pause,
    RetryDeadLetter,
    PurgeDeadLetter,
}

impl Trigger {
    /// Whether an admin command does it. On a shared store the command reaches the crash point itself.
    fn is_command(self) -> bool {
        matches!(self, Self::Pause | Self::RetryDeadLetter | Self::PurgeDeadLetter)
    }
}

fn trigger(step: &str) -> Trigger {
    match step {
        "store.report_scanner" | "scanner.health" | "scanner.list" => Trigger::Idle,
        "store.submit" | "store.claim" | "store.finish" | "scanner.create" | "scanner.launch" | "scanner.status"
        | "scanner.export" | "scanner.parse" => Trigger::Scan,
        "store.update.retry" | "store.update.state" | "scanner.find" => Trigger::UnansweredRequests,
        step if step.starts_with("store.update.") => Trigger::Scan,
        "store.progress" | "store.heartbeat" => Trigger::LongScan,
        "store.cancel" | "scanner.stop" => Trigger::Cancel,
        "store.release" => Trigger::Shutdown,
        "store.touch" => Trigger::Results,
        // The host also removes the remote scan of a deleted scan.
        "store.delete" | "scanner.remove" => Trigger::Delete,
        "store.pause" => Trigger::Pause,
        "store.retry_dead_letter" => Trigger::RetryDeadLetter,
        "store.purge_dead_letters" => Trigger::PurgeDeadLetter,
        unknown => panic!("no trigger is known for {unknown}"),
    }
}

/// The names of all crash points, which the program lists when it gets one that does not exist.
pub fn crash_point_names(home: &Home) -> Vec<String> {
    let mut command = home.command(&["config", "check"]);
    command.env("SCANHOST_CRASH_AT", "nowhere");
    let output = Output::run(command);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    let (_, names) = output.stderr.split_once("there are ").expect("the error lists the crash points");
    names.trim().split(", ").map(str::to_owned).collect()
}

async fn check_points(redis: Option<Redis>) {
    let mut environment = Environment::new(Environment::short_scans(), redis).await;
    let mut logs = String::new();
    for points in crash_point_names(&environment.home).chunks(CRASHES_IN_A_ROW) {
        for point in points {
            logs.push_str(&crash_at(&mut environment, point).await);
        }
        let server = environment.home.start();
        environment.wait_for_quick_scans(&server.mcp()).await;
        logs.push_str(&server.log());
    }
    let server = environment.home.start();
    let events_of_scan = |id: &str| {
        let now = server.log();
        logs.lines().chain(now.lines()).filter(|line| line.contains(id)).collect::<Vec<_>>().join("\n")
    };
    environment.verify(&server.mcp(), &events_of_scan).await;
}

/// Starts a host, makes it end at this crash point, and returns its log.
async fn crash_at(environment: &mut Environment, point: &str) -> String {
    let (step, _) = point.rsplit_once('.').expect("a crash point has a step and a side");
    let trigger = trigger(step);
    if trigger.is_command() && environment.redis.is_some() {
        return crash_command_at(environment, environment.home.start(), trigger, point).await;
    }
    let mut command = environment.home.serve_command();
    command.env("SCANHOST_CRASH_AT", point);
    let log = match Server::try_start(command) {
        Err(log) => log,
        Ok(mut server) => {
            let mut triggered = TriggeredHost { environment, mcp: server.mcp(), key: point };
            let pid = server.pid();
            let action = async {
                triggered.run(trigger, pid).await;
                std::future::pending().await
            };
            tokio::select! {
                () = wait_until_exited(&mut server) => {}
                () = action => {}
                () = tokio::time::sleep(CRASH_TIMEOUT) => {
                    panic!("the host did not reach {point} by {trigger:?}:\n{}", server.log())
                }
            }
            server.wait_for_whole_log()
        }
    };
    assert_crashed_at(point, &log);
    for scanner in [&environment.quick, &environment.slow] {
        scanner.set_faults([]);
    }
    log
}

/// Makes an admin command beside a running host end at this crash point, kills the host, and returns its log.
async fn crash_command_at(environment: &mut Environment, server: Server, trigger: Trigger, point: &str) -> String {
    let mut triggered = TriggeredHost { environment, mcp: server.mcp(), key: point };
    let output = tokio::time::timeout(CRASH_TIMEOUT, triggered.run(trigger, server.pid())).await;
    let output = output.expect("the host works").flatten().expect("a command ran");
    assert_crashed_at(point, &output.stderr);
    let log = server.log();
    server.kill();
    log
}

fn assert_crashed_at(point: &str, log: &str) {
    assert!(log.contains(&format!("crash point {point}")), "the process did not end at {point}:\n{log}");
}

async fn wait_until_exited(server: &mut Server) {
    while !server.has_exited() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// A host that a trigger acts on, and that may end at any moment.
struct TriggeredHost<'a> {
    environment: &'a mut Environment,
    mcp: McpClient,
    key: &'a str,
}

impl TriggeredHost<'_> {
    /// Runs the trigger, and returns the output of the command if it is one. Returns `None` early if the host has
    /// ended.
    async fn run(&mut self, trigger: Trigger, pid: u32) -> Option<Option<Output>> {
        match trigger {
            Trigger::Idle => {}
            Trigger::Scan => {
                let id = self.submit(QUICK).await?;
                self.wait_for_status(&id, "completed").await?;
            }
            Trigger::UnansweredRequests => {
                let refused = FaultKind::Status { code: 503.try_into().expect("a status") };
                self.environment.quick.set_faults([
                    Fault::next(1, Operation::Create, refused),
                    Fault::next(1, Operation::Create, FaultKind::DropAfter),
                    Fault::next(1, Operation::Launch, FaultKind::DropAfter),
                ]);
                let id = self.submit(QUICK).await?;
                self.wait_for_status(&id, "completed").await?;
            }
            Trigger::LongScan => {
                let id = self.submit(SLOW).await?;
                self.wait_for_status(&id, "running").await?;
            }
            Trigger::Cancel => {
                let id = self.submit(SLOW).await?;
                self.wait_until_launched(&id).await;
                self.call("cancel_scan", json!({ "task_id": id })).await?;
            }
            Trigger::Shutdown => {
                let id = self.submit(SLOW).await?;
                self.wait_for_status(&id, "running").await?;
                terminate(pid);
            }
            Trigger::Results | Trigger::Delete => {
                let id = self.submit(QUICK).await?;
                self.wait_for_status(&id, "completed").await?;
                self.call("get_scan_results", json!({ "task_id": id })).await?;
                if let Trigger::Delete = trigger {
                    self.environment.expected.deleted.insert(id.clone());
                    self.call("delete_scan", json!({ "task_id": id })).await?;
                }
            }
            Trigger::Pause => return Some(Some(self.command(&["queue", "pause", IDLE]).await)),
            Trigger::RetryDeadLetter | Trigger::PurgeDeadLetter => {
                let id = self.submit(BROKEN).await?;
                self.wait_for_status(&id, "failed").await?;
                let command: &[&str] = match trigger {
                    Trigger::RetryDeadLetter => &["dlq", "retry", &id],
                    _ => &["dlq", "purge", "--yes"],
                };
                return Some(Some(self.command(command).await));
            }
        }
        Some(None)
    }

    async fn submit(&mut self, pool: &'static str) -> Option<String> {
        let ExpectedScans { submits, .. } = &mut self.environment.expected;
        submits.insert(self.key.to_owned(), (pool, None));
        let submitted = self.call("run_untrusted_scan", submit_arguments(self.key, pool)).await?;
        let id = submitted.structured["task_id"].as_str()?.to_owned();
        self.environment.expected.submits.insert(self.key.to_owned(), (pool, Some(id.clone())));
        Some(id)
    }

    async fn wait_for_status(&self, id: &str, status: &str) -> Option<Value> {
        loop {
            let scan = self.call("get_scan_status", json!({ "task_id": id })).await?.structured;
            if scan["status"] == status {
                return Some(scan);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn wait_until_launched(&self, id: &str) {
        let slow: &FakeNessus = &self.environment.slow;
        while slow.records().record(id).executed.count(Operation::Launch) == 0 {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Option<ToolReply> {
        self.mcp.try_call(tool, arguments).await.ok()
    }

    /// Runs an admin command, which works through the host, or beside it on a shared store, where it ends at the crash
    /// point.
    async fn command(&self, arguments: &[&str]) -> Output {
        let mut command = self.environment.home.command(arguments);
        command.arg("--config").arg(self.environment.home.config());
        if self.environment.redis.is_some() {
            command.env("SCANHOST_CRASH_AT", self.key);
        }
        let done = tokio::task::spawn_blocking(|| Output::run(command)).await;
        done.expect("running a command does not panic")
    }
}

fn terminate(pid: u32) {
    let status = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert!(status.expect("signals can be sent").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_lose_and_duplicate_no_scan_of_the_embedded_store() {
    check_points(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_lose_and_duplicate_no_scan_in_redis() {
    check_points(Some(Redis::new())).await;
}
