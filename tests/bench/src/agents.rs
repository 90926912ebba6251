//! A hundred agents in a closed loop that submit, and that ask how their scans are; the pool is paused. They share the
//! machine's cores with the host.

use std::time::Duration;

use serde_json::json;

use crate::{
    Bench,
    hosted::Hosted,
    load::{Load, Repeat},
    table::{Bar, Figure, Table, median, spread},
    wire::{Call, Wire},
};

const AGENTS: usize = 100;

const PERIOD: Duration = Duration::from_secs(5);

pub async fn measure(bench: &Bench, table: &mut Table) {
    let hosted = Hosted::start(bench).await;
    hosted.pause();
    let submit = hosted.submit();
    let id = Wire::to(&hosted.server).await.call(&submit).await.task_id();
    let ask = hosted.call("get_scan_status", &json!({ "task_id": id }));
    let (mut submits, mut asked) = (Figures::default(), Figures::default());
    for _ in 0..bench.runs {
        submits.add(bench, &hosted, &submit).await;
        asked.add(bench, &hosted, &ask).await;
    }
    submits.tell(table, "durable submits", 7_000.0);
    asked.tell(table, "status calls", 12_000.0);
}

#[derive(Default)]
struct Figures {
    rates: Vec<f64>,
    times: Vec<Duration>,
}

impl Figures {
    async fn add(&mut self, bench: &Bench, hosted: &Hosted, call: &Call) {
        let load = Load::start(hosted.address(), bench.few(AGENTS), Repeat(call.clone()));
        tokio::time::sleep(bench.period(PERIOD)).await;
        let (made, time) = load.stop().await;
        self.rates.push(made.len() as f64 / time.as_secs_f64());
        self.times.extend(made.iter().map(|made| made.time));
    }

    fn tell(mut self, table: &mut Table, what: &str, bar: f64) {
        let rate = Figure::new(median(&mut self.rates), "a second");
        table.row(format!("{what} of {AGENTS} agents"), rate, Bar::AtLeast(bar), spread(&mut self.times));
    }
}
