//! What one call of a plugin costs: a new store, an instance, the call, and the end of both.

use std::time::Instant;

use scanhost_domain::field::{Column, FieldType};
use scanhost_it::{guests::PROFILE, program::compiled_plugins};
use scanhost_sandbox::{Limits, Profile, Sandbox};

use crate::{
    Bench,
    table::{Bar, Figure, Table, median, quantile},
};

const CALLS: usize = 2_000;

pub async fn measure(bench: &Bench, table: &mut Table) {
    let sandbox = Sandbox::start(Some(compiled_plugins())).unwrap();
    let profile = Profile::load(sandbox, PROFILE, Limits::default()).unwrap();
    let columns = [Column { name: "host".into(), field_type: FieldType::Text }];
    let (mut halves, mut most) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let mut times = Vec::new();
        for _ in 0..bench.few(CALLS) {
            let start = Instant::now();
            profile.plan("{}", columns.iter()).await.unwrap().unwrap();
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        halves.push(median(&mut times));
        most.push(quantile(&mut times, 0.99));
    }
    let more = format!("p99 {}", Figure::new(median(&mut most), "µs"));
    table.row("call of a plugin with a new store", Figure::new(median(&mut halves), "µs"), Bar::AtMost(40.0), more);
}
