//! Reads a report through the Wasm reader into columns, and compares that with other readers in the same run.
//!
//! Each reader runs in a process of its own. The time that ours takes for an empty report is subtracted.

use std::{fs, path::Path, process::Command, time::Duration};

use scanhost_it::{program::compiled_plugins, server::Home};

use crate::{
    Bench, other_readers,
    process::Cost,
    reports::ReportFile,
    table::{Figure, Table, Target, median},
};

/// Smaller reports take less than half a second and are measured more often. In bytes.
const SMALL_REPORT: u64 = 100_000_000;

/// A larger report would take longer in Python than in all other readers together. In bytes.
const MAX_SIZE_FOR_PYTHON: u64 = 150_000_000;

const EMPTY_REPORT: &str = "<NessusClientData_v2><Report name=\"r\"/></NessusClientData_v2>";

pub fn measure(bench: &Bench, table: &mut Table) {
    let home = Home::new(&[]);
    let mut peaks = Vec::new();
    for report in bench.reports.iter() {
        peaks.push(compare_readers(bench, table, &home, report));
    }
    if let [smallest, .., largest] = peaks[..] {
        let ratio = Figure::new(largest as f64 / smallest as f64, "×");
        let sizes = format!("{} and {}", bench.reports.smallest().size(), bench.reports.largest().size());
        table.row("ingest: peak memory, largest report to smallest", ratio, Target::AtMost(1.3), sizes);
    }
}

/// Returns the median of our peak memory. Its maximum would depend on the number of runs.
fn compare_readers(bench: &Bench, table: &mut Table, home: &Home, report: &ReportFile) -> u64 {
    let (mut ours, mut quick_xml, mut python) = (Costs::default(), Costs::default(), Costs::default());
    let empty = home.path().join("empty.nessus");
    fs::write(&empty, EMPTY_REPORT).unwrap();
    // The first run compiles the plugins and is not measured.
    Cost::measure(ingest_command(home, &empty));
    let repetitions = if bench.is_smoke_test { 1 } else { (SMALL_REPORT / report.bytes).clamp(1, 5) };
    // The readers take turns, so that a machine that gets slower does so for all of them.
    for _ in 0..u64::from(bench.runs) * repetitions {
        let startup = Cost::measure(ingest_command(home, &empty));
        ours.add(Cost::measure(ingest_command(home, &report.path)).subtract_times(&startup));
        let lines = home.path().join("lines.jsonl");
        quick_xml.add(Cost::measure(other_readers::quick_xml_command(&report.path, &lines)));
        if report.bytes <= MAX_SIZE_FOR_PYTHON
            && let Some(command) = other_readers::element_tree_command(&report.path)
        {
            python.add(Cost::measure(command));
        }
    }
    let (size, bytes) = (report.size(), report.bytes);
    let (highest_peak, median_peak) = ours.peaks();
    let (our_time, our_core_time) = ours.medians();
    let (quick_xml_time, quick_xml_core_time) = quick_xml.medians();
    let details = format!("by core time {}", Figure::megabytes_per_second(bytes, our_core_time));
    table.row(
        format!("ingest, {size}"),
        Figure::megabytes_per_second(bytes, our_time),
        Target::AtLeast(165.0),
        details,
    );
    table.row(
        format!("ingest, {size}: speed relative to native quick-xml"),
        Figure::ratio(quick_xml_time, our_time),
        Target::AtLeast(0.5),
        format!(
            "quick-xml to lines of JSON {}; by core time {}",
            Figure::megabytes_per_second(bytes, quick_xml_time),
            Figure::ratio(quick_xml_core_time, our_core_time)
        ),
    );
    table.row(
        format!("ingest, {size}: peak memory"),
        Figure::mebibytes(highest_peak),
        Target::AtMost(96.0),
        "the whole process, the highest of all runs",
    );
    if python.0.is_empty() {
        return median_peak;
    }
    let (python_time, _) = python.medians();
    table.row(
        format!("Python xml.etree, {size}"),
        Figure::megabytes_per_second(bytes, python_time),
        Target::None,
        format!("ours is {} as fast", Figure::ratio(python_time, our_time)),
    );
    median_peak
}

/// A command that reads the whole report and prints ten hosts of its findings.
pub fn ingest_command(home: &Home, report: &Path) -> Command {
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

    /// The medians of the time and of the core time.
    fn medians(&self) -> (Duration, Duration) {
        let mut times: Vec<Duration> = self.0.iter().map(|cost| cost.time).collect();
        let mut core_times: Vec<Duration> = self.0.iter().map(|cost| cost.core_time).collect();
        (median(&mut times), median(&mut core_times))
    }

    /// The maximum and the median of the peak memory.
    fn peaks(&self) -> (u64, u64) {
        let mut peaks: Vec<u64> = self.0.iter().map(|cost| cost.peak_memory).collect();
        (peaks.iter().copied().max().unwrap(), median(&mut peaks))
    }
}
