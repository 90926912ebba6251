//! How long a host takes until it is ready, and what it needs while nobody asks it anything.

use std::time::{Duration, Instant};

use crate::{
    Bench,
    hosted::Hosted,
    process::memory,
    table::{Bar, Figure, Table, median},
    wire::{Call, Wire},
};

/// Until what a start needs only once is given back.
const IDLE: Duration = Duration::from_secs(5);

pub async fn measure(bench: &Bench, table: &mut Table) {
    // The first one compiles the plugins.
    let mut hosted = Hosted::start(bench).await;
    let (mut times, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let listening = hosted.restart();
        let start = Instant::now();
        Wire::to(&hosted.server).await.call(&Call::get(&hosted.server, "/ready")).await;
        times.push(listening + start.elapsed());
        tokio::time::sleep(bench.period(IDLE)).await;
        sizes.push(memory(hosted.server.pid()));
    }
    let half = Figure::milliseconds(median(&mut times));
    table.row(
        "start to /ready, plugins compiled before",
        half,
        Bar::AtMost(100.0),
        "two backends, two profile plugins",
    );
    table.row("idle memory", Figure::mebibytes(median(&mut sizes)), Bar::AtMost(48.0), "");
}
