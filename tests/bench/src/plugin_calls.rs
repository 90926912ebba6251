//! The time of one plugin call: a new store, a new instance, the call, and the drop of both.

use std::time::Instant;

use scanhost_domain::field::{Column, FieldType};
use scanhost_it::{guests::PROFILE, program::compiled_plugins};
use scanhost_sandbox::{Limits, Profile, Sandbox};

use crate::{
    Bench,
    table::{Figure, Table, Target, median, quantile},
};

const CALLS: usize = 2_000;

pub async fn measure(bench: &Bench, table: &mut Table) {
    let sandbox = Sandbox::start(Some(compiled_plugins())).unwrap();
    let profile = Profile::load(sandbox, PROFILE, Limits::default()).unwrap();
    let columns = [Column { name: "host".into(), field_type: FieldType::Text }];
    let (mut medians, mut p99s) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let mut times = Vec::new();
        for _ in 0..bench.repetitions(CALLS) {
            let start = Instant::now();
            profile.plan("{}", columns.iter()).await.unwrap().unwrap();
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        medians.push(median(&mut times));
        p99s.push(quantile(&mut times, 0.99));
    }
    let time = Figure::new(median(&mut medians), "µs");
    let details = format!("p99 {}", Figure::new(median(&mut p99s), "µs"));
    table.row("plugin call with a new store", time, Target::AtMost(40.0), details);
}
