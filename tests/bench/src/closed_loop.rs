//! The throughput of submits and of status calls: a hundred agents each send a call as soon as the host has answered
//! their last one. The pool is paused, and the agents share the machine's cores with the host.

use std::time::Duration;

use serde_json::json;

use crate::{
    Bench,
    bench_host::BenchHost,
    connection::{Call, Connection},
    load::{Load, Repeat},
    table::{Figure, Table, Target, median, percentiles},
};

const AGENTS: usize = 100;

const PERIOD: Duration = Duration::from_secs(5);

pub async fn measure(bench: &Bench, table: &mut Table) {
    let host = BenchHost::start(bench).await;
    host.pause_mock_pool();
    let submit = host.submit_call();
    let id = Connection::to_server(&host.server).await.call(&submit).await.task_id();
    let get_status = host.call("get_scan_status", &json!({ "task_id": id }));
    let (mut submits, mut status_calls) = (Throughput::default(), Throughput::default());
    for _ in 0..bench.runs {
        submits.measure(bench, &host, &submit).await;
        status_calls.measure(bench, &host, &get_status).await;
    }
    submits.add_row(table, "durable submits", 7_000.0);
    status_calls.add_row(table, "status calls", 12_000.0);
}

#[derive(Default)]
struct Throughput {
    /// Calls per second, one value for each run.
    rates: Vec<f64>,
    /// The times of all calls of all runs.
    times: Vec<Duration>,
}

impl Throughput {
    async fn measure(&mut self, bench: &Bench, host: &BenchHost, call: &Call) {
        let load = Load::start(host.address(), bench.repetitions(AGENTS), Repeat(call.clone()));
        tokio::time::sleep(bench.period(PERIOD)).await;
        let (calls, time) = load.stop().await;
        self.rates.push(calls.len() as f64 / time.as_secs_f64());
        self.times.extend(calls.iter().map(|call| call.time));
    }

    fn add_row(mut self, table: &mut Table, calls: &str, target: f64) {
        let rate = Figure::new(median(&mut self.rates), "per second");
        let measurement = format!("{calls} of {AGENTS} agents");
        table.row(measurement, rate, Target::AtLeast(target), percentiles(&mut self.times));
    }
}
