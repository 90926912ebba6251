//! Our columns compared with Parquet as storage of findings: writing speed, size, and the time of a page.
//!
//! Parquet is written from the columns, so its speed includes both steps. The comparison of pages favours Parquet: its
//! pages are read in this process, ours over MCP.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use scanhost_it::{program::compiled_plugins, server::Home};
use serde_json::json;

use crate::{
    Bench,
    bench_host::BenchHost,
    connection::Connection,
    ingest::ingest_command,
    parquet_file::ParquetFile,
    process::Cost,
    table::{Figure, Table, Target, median, percentiles},
};

const PAGES_PER_RUN: usize = 100;

/// The records of page 7, at 40 records per page.
const PAGE_RECORDS: std::ops::Range<usize> = 240..280;

pub async fn measure(bench: &Bench, table: &mut Table) {
    let report = bench.reports.standard();
    let host = BenchHost::start(bench).await;
    let id = host.run_scan(report).await;
    let parquet = host.home.path().join("findings.parquet");
    let (mut columns_time, mut parquet_time) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        columns_time.push(Cost::measure(ingest_command(&host.home, &report.path)).time);
        let stdout = File::create(&parquet).unwrap();
        let command = parquet_command(&host.home, &report.path);
        parquet_time.push(Cost::measure_with_stdout(command, stdout.into()).time);
    }
    let arguments = json!({ "task_id": id, "page": 7, "filters": { "severity": ">=High" } });
    let call = host.call("get_scan_results", &arguments);
    let mut connection = Connection::to_server(&host.server).await;
    let file = ParquetFile::open(&parquet);
    let (mut columns_pages, mut parquet_pages) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions(PAGES_PER_RUN) * bench.runs as usize {
        columns_pages.push(connection.call(&call).await.time);
        parquet_pages.push(time_of_page(&file));
    }
    let columns = host.home.data().join("tasks").join(&id).join("findings.columns");
    for (name, mut times, file, mut pages) in [
        ("columns", columns_time, columns, columns_pages),
        ("columns, then Parquet", parquet_time, parquet, parquet_pages),
    ] {
        let size = Figure::new(fs::metadata(file).unwrap().len() as f64 / 1e6, "MB");
        let details = format!("{size}; page 7 with a filter on severity: {}", percentiles(&mut pages));
        let speed = Figure::megabytes_per_second(report.bytes, median(&mut times));
        table.row(format!("{name}, {}", report.size()), speed, Target::None, details);
    }
}

/// A command that reads the report and prints its findings as Parquet.
fn parquet_command(home: &Home, report: &Path) -> Command {
    let mut command = home.command(&["report", "--page", "0", "--profile", "full", "--format", "parquet"]);
    command.arg(report).env("XDG_CACHE_HOME", compiled_plugins()).env_remove("SCANHOST_LOG");
    command
}

fn time_of_page(file: &ParquetFile) -> Duration {
    let start = Instant::now();
    file.read_page(PAGE_RECORDS);
    start.elapsed()
}
