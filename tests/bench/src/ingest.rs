//! Reading a report through the Wasm reader into columns, beside other readers in the same run.
//!
//! Each is a process of its own; what ours takes for an empty report is not counted.

use std::{fs, path::Path, process::Command, time::Duration};

use scanhost_it::{program::compiled_plugins, server::Home};

use crate::{
    Bench,
    process::Cost,
    readers,
    reports::ReportFile,
    table::{Bar, Figure, Table, median},
};

/// A report of this size takes half a second.
const SHORT: u64 = 100_000_000;

/// Beyond this a run in Python takes longer than all else together.
const MOST_FOR_PYTHON: u64 = 150_000_000;

const EMPTY: &str = "<NessusClientData_v2><Report name=\"r\"/></NessusClientData_v2>";

pub fn measure(bench: &Bench, table: &mut Table) {
    let home = Home::new(&[]);
    let mut memory = Vec::new();
    for report in bench.reports.iter() {
        memory.push(compare(bench, table, &home, report));
    }
    if let [first, .., last] = memory[..] {
        let figure = Figure::new(last as f64 / first as f64, "×");
        let sizes = format!("{} and {}", bench.reports.smallest().size(), bench.reports.largest().size());
        table.row("ingest: peak memory, largest to smallest", figure, Bar::AtMost(1.3), sizes);
    }
}

/// Returns our usual peak memory: the highest of many runs and of few are not comparable.
fn compare(bench: &Bench, table: &mut Table, home: &Home, report: &ReportFile) -> u64 {
    let (mut ours, mut native, mut python) = (Costs::default(), Costs::default(), Costs::default());
    let empty = home.path().join("empty.nessus");
    fs::write(&empty, EMPTY).unwrap();
    // The first run compiles the plugins.
    Cost::of(ingesting(home, &empty));
    // What is over soon is measured more often.
    let more = if bench.is_tiny { 1 } else { (SHORT / report.bytes).clamp(1, 5) };
    // One after the other, so that a machine that gets slower does so for all.
    for _ in 0..u64::from(bench.runs) * more {
        let start = Cost::of(ingesting(home, &empty));
        ours.add(Cost::of(ingesting(home, &report.path)).less(&start));
        native.add(Cost::of(readers::native(&report.path, &home.path().join("lines.jsonl"))));
        if report.bytes <= MOST_FOR_PYTHON
            && let Some(command) = readers::element_tree(&report.path)
        {
            python.add(Cost::of(command));
        }
    }
    let (size, bytes) = (report.size(), report.bytes);
    let (highest, usual) = ours.peaks();
    let (our_time, our_core_time) = ours.medians();
    let (native_time, native_core_time) = native.medians();
    let more = format!("of core time {}", Figure::megabytes_a_second(bytes, our_core_time));
    table.row(format!("ingest, {size}"), Figure::megabytes_a_second(bytes, our_time), Bar::AtLeast(165.0), more);
    table.row(
        format!("ingest, {size}: share of native quick-xml's speed"),
        Figure::ratio(native_time, our_time),
        Bar::AtLeast(0.5),
        format!(
            "native to JSON lines {}; of core time {}",
            Figure::megabytes_a_second(bytes, native_time),
            Figure::ratio(native_core_time, our_core_time)
        ),
    );
    let what = format!("ingest, {size}: peak memory");
    table.row(what, Figure::mebibytes(highest), Bar::AtMost(96.0), "the whole process, the highest of all runs");
    if python.0.is_empty() {
        return usual;
    }
    let (python_time, _) = python.medians();
    let more = format!("ours is {} as fast", Figure::ratio(python_time, our_time));
    table.row(format!("Python xml.etree, {size}"), Figure::megabytes_a_second(bytes, python_time), Bar::None, more);
    usual
}

/// Reads the report, and shows next to nothing of it.
pub fn ingesting(home: &Home, report: &Path) -> Command {
    let mut command = home.command(&["report", "--page-size", "10", "--fields", "host"]);
    command.arg(report).env("XDG_CACHE_HOME", compiled_plugins()).env_remove("SCANHOST_LOG");
    command
}

#[derive(Default)]
struct Costs(Vec<Cost>);

impl Costs {
    fn add(&mut self, cost: Cost) {
        self.0.push(cost);
    }

    /// Of time and core time.
    fn medians(&self) -> (Duration, Duration) {
        let mut times: Vec<Duration> = self.0.iter().map(|cost| cost.time).collect();
        let mut core_times: Vec<Duration> = self.0.iter().map(|cost| cost.core_time).collect();
        (median(&mut times), median(&mut core_times))
    }

    /// The highest, and the median.
    fn peaks(&self) -> (u64, u64) {
        let mut peaks: Vec<u64> = self.0.iter().map(|cost| cost.peak).collect();
        (peaks.iter().copied().max().unwrap(), median(&mut peaks))
    }
}
