//! How long the host takes to become ready, and how much memory it uses while idle.

use std::time::{Duration, Instant};

use crate::{
    Bench,
    bench_host::BenchHost,
    connection::{Call, Connection},
    process::memory,
    table::{Figure, Table, Target, median},
};

/// How long the host is idle before its memory is measured. By then it has freed what it needed only to start.
const IDLE_TIME: Duration = Duration::from_secs(5);

pub async fn measure(bench: &Bench, table: &mut Table) {
    // The first start compiles the plugins and is not measured.
    let mut host = BenchHost::start(bench).await;
    let (mut times, mut idle_memory) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let until_listening = host.restart();
        let start = Instant::now();
        Connection::to_server(&host.server).await.call(&Call::get(&host.server, "/ready")).await;
        times.push(until_listening + start.elapsed());
        tokio::time::sleep(bench.period(IDLE_TIME)).await;
        idle_memory.push(memory(host.server.pid()));
    }
    table.row(
        "start to /ready with compiled plugins",
        Figure::milliseconds(median(&mut times)),
        Target::AtMost(100.0),
        "two backends, two profile plugins",
    );
    table.row("idle memory", Figure::mebibytes(median(&mut idle_memory)), Target::AtMost(48.0), "");
}
