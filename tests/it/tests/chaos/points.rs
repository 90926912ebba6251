//! Every crash point, one by one: a host ends there, and the next one, which will end at the next point, goes on with
//! what the first has left.

use std::time::Duration;

use fake_nessus::{FakeNessus, Fault, Kind, Operation};
use scanhost_it::{
    mcp::{Mcp, Reply},
    output::Output,
    redis::Redis,
    server::{Home, Server},
};
use serde_json::{Value, json};

use crate::world::{BROKEN, IDLE, Owed, QUICK, SLOW, World, arguments};

/// How long a host may live that is to end at a point.
const LIFE: Duration = Duration::from_secs(90);

/// A scan that is taken over more than ten times without getting on is given up.
const ENDS_IN_A_ROW: usize = 8;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What brings a host to a point.
#[derive(Clone, Copy, Debug)]
enum Occasion {
    /// It only has to run.
    Life,
    Scan,
    /// A create that is refused for now, another one and a launch that are not answered.
    Doubt,
    /// A scan that runs for a while.
    LongScan,
    Cancel,
    /// The host is asked to end.
    End,
    Results,
    Delete,
    Pause,
    RetryDeadLetter,
    PurgeDeadLetter,
}

impl Occasion {
    /// An admin command does it: on a store that is shared, by itself.
    fn is_command(self) -> bool {
        matches!(self, Self::Pause | Self::RetryDeadLetter | Self::PurgeDeadLetter)
    }
}

fn occasion(step: &str) -> Occasion {
    match step {
        "store.report_scanner" | "scanner.health" | "scanner.list" => Occasion::Life,
        "store.submit" | "store.claim" | "store.finish" | "scanner.create" | "scanner.launch" | "scanner.status"
        | "scanner.export" => Occasion::Scan,
        "store.update.retry" | "store.update.state" | "scanner.find" => Occasion::Doubt,
        step if step.starts_with("store.update.") => Occasion::Scan,
        "store.progress" | "store.heartbeat" => Occasion::LongScan,
        "store.cancel" | "scanner.stop" => Occasion::Cancel,
        "store.release" => Occasion::End,
        "store.touch" => Occasion::Results,
        // What the deleted scan has left at its scanner is removed there in time.
        "store.delete" | "scanner.remove" => Occasion::Delete,
        "store.pause" => Occasion::Pause,
        "store.retry_dead_letter" => Occasion::RetryDeadLetter,
        "store.purge_dead_letters" => Occasion::PurgeDeadLetter,
        unknown => panic!("say what brings a host to {unknown}"),
    }
}

/// As the program lists them, for whoever names one that does not exist.
pub fn names(home: &Home) -> Vec<String> {
    let mut command = home.command(&["config", "check"]);
    command.env("SCANHOST_CRASH_AT", "nowhere");
    let output = Output::of(command);
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    let (_, names) = output.stderr.split_once("there are ").expect("it says which points there are");
    names.trim().split(", ").map(str::to_owned).collect()
}

async fn check_points(redis: Option<Redis>) {
    let mut world = World::new(World::brief(), redis).await;
    let mut logs = String::new();
    for points in names(&world.home).chunks(ENDS_IN_A_ROW) {
        for point in points {
            logs.push_str(&end_at(&mut world, point).await);
        }
        let server = world.home.start();
        world.end_quick_ones(&server.mcp()).await;
        logs.push_str(&server.log());
    }
    let server = world.home.start();
    let story_of = |id: &str| {
        let now = server.log();
        logs.lines().chain(now.lines()).filter(|line| line.contains(id)).collect::<Vec<_>>().join("\n")
    };
    world.settle(&server.mcp(), &story_of).await;
}

/// A process that ends at this point; its log.
async fn end_at(world: &mut World, point: &str) -> String {
    let (step, _) = point.rsplit_once('.').expect("a point has a side");
    let occasion = occasion(step);
    if occasion.is_command() && world.redis.is_some() {
        return command_ends_at(world, world.home.start(), occasion, point).await;
    }
    let mut command = world.home.serving();
    command.env("SCANHOST_CRASH_AT", point);
    let log = match Server::try_start(command) {
        Err(log) => log,
        Ok(mut server) => {
            let mut play = Play { world, mcp: server.mcp(), key: point };
            let host = server.pid();
            let wanted = async {
                play.bring_about(occasion, host).await;
                std::future::pending().await
            };
            tokio::select! {
                () = until_ended(&mut server) => {}
                () = wanted => {}
                () = tokio::time::sleep(LIFE) => {
                    panic!("{occasion:?} did not bring the host to {point}:\n{}", server.log())
                }
            }
            server.log_to_end()
        }
    };
    assert_ended_at(point, &log);
    for scanner in [&world.quick, &world.slow] {
        scanner.set_faults([]);
    }
    log
}

/// The host, whose log this is, lives on, until it is killed; the command beside it is what ends at the point.
async fn command_ends_at(world: &mut World, server: Server, occasion: Occasion, point: &str) -> String {
    let mut play = Play { world, mcp: server.mcp(), key: point };
    let output = tokio::time::timeout(LIFE, play.bring_about(occasion, server.pid())).await;
    let output = output.expect("the host works").flatten().expect("a command ran");
    assert_ended_at(point, &output.stderr);
    let log = server.log();
    server.kill();
    log
}

fn assert_ended_at(point: &str, log: &str) {
    assert!(log.contains(&format!("crash point {point}")), "another end than at {point}:\n{log}");
}

async fn until_ended(server: &mut Server) {
    while !server.has_ended() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Something to do at a host that may be gone at any moment.
struct Play<'a> {
    world: &'a mut World,
    mcp: Mcp,
    key: &'a str,
}

impl Play<'_> {
    /// Ends early when the host is gone. What a command said, where one did it.
    async fn bring_about(&mut self, occasion: Occasion, host: u32) -> Option<Option<Output>> {
        match occasion {
            Occasion::Life => {}
            Occasion::Scan => {
                let id = self.submit(QUICK).await?;
                self.until(&id, "completed").await?;
            }
            Occasion::Doubt => {
                let refused = Kind::Status { code: 503.try_into().expect("a status") };
                self.world.quick.set_faults([
                    Fault::next(1, Operation::Create, refused),
                    Fault::next(1, Operation::Create, Kind::DropAfter),
                    Fault::next(1, Operation::Launch, Kind::DropAfter),
                ]);
                let id = self.submit(QUICK).await?;
                self.until(&id, "completed").await?;
            }
            Occasion::LongScan => {
                let id = self.submit(SLOW).await?;
                self.until(&id, "running").await?;
            }
            Occasion::Cancel => {
                let id = self.submit(SLOW).await?;
                self.until_launched(&id).await;
                self.call("cancel_scan", json!({ "task_id": id })).await?;
            }
            Occasion::End => {
                let id = self.submit(SLOW).await?;
                self.until(&id, "running").await?;
                terminate(host);
            }
            Occasion::Results | Occasion::Delete => {
                let id = self.submit(QUICK).await?;
                self.until(&id, "completed").await?;
                self.call("get_scan_results", json!({ "task_id": id })).await?;
                if let Occasion::Delete = occasion {
                    self.world.owed.deleted.insert(id.clone());
                    self.call("delete_scan", json!({ "task_id": id })).await?;
                }
            }
            Occasion::Pause => return Some(Some(self.command(&["queue", "pause", IDLE]).await)),
            Occasion::RetryDeadLetter | Occasion::PurgeDeadLetter => {
                let id = self.submit(BROKEN).await?;
                self.until(&id, "failed").await?;
                let command: &[&str] = match occasion {
                    Occasion::RetryDeadLetter => &["dlq", "retry", &id],
                    _ => &["dlq", "purge", "--yes"],
                };
                return Some(Some(self.command(command).await));
            }
        }
        Some(None)
    }

    async fn submit(&mut self, pool: &'static str) -> Option<String> {
        let Owed { submits, .. } = &mut self.world.owed;
        submits.insert(self.key.to_owned(), (pool, None));
        let submitted = self.call("run_untrusted_scan", arguments(self.key, pool)).await?;
        let id = submitted.structured["task_id"].as_str()?.to_owned();
        self.world.owed.submits.insert(self.key.to_owned(), (pool, Some(id.clone())));
        Some(id)
    }

    async fn until(&self, id: &str, status: &str) -> Option<Value> {
        loop {
            let present = self.call("get_scan_status", json!({ "task_id": id })).await?.structured;
            if present["status"] == status {
                return Some(present);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn until_launched(&self, id: &str) {
        let slow: &FakeNessus = &self.world.slow;
        while slow.records().of(id).done.of(Operation::Launch) == 0 {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Option<Reply> {
        self.mcp.try_call(tool, arguments).await.ok()
    }

    /// An admin command. It works through the host, or, on a store that is shared, beside it, and then ends at the point.
    async fn command(&self, arguments: &[&str]) -> Output {
        let mut command = self.world.home.command(arguments);
        command.arg("--config").arg(self.world.home.config());
        if self.world.redis.is_some() {
            command.env("SCANHOST_CRASH_AT", self.key);
        }
        let done = tokio::task::spawn_blocking(|| Output::of(command)).await;
        done.expect("running a command does not panic")
    }
}

fn terminate(host: u32) {
    let told = std::process::Command::new("kill").args(["-TERM", &host.to_string()]).status();
    assert!(told.expect("signals can be sent").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crash_point_loses_or_doubles_a_scan_of_the_embedded_store() {
    check_points(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crash_point_loses_or_doubles_a_scan_of_redis() {
    check_points(Some(Redis::new())).await;
}
