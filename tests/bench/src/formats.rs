//! The form in which findings are kept, beside Parquet: how fast it is written, how large it is, what a page costs.
//!
//! Parquet is written from the columns, so its speed is that of both steps; its pages are read in this process, and ours
//! over MCP, which is not in our favour.

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
    hosted::Hosted,
    ingest::ingesting,
    parquet_file::ParquetFile,
    process::Cost,
    table::{Bar, Figure, Table, median, spread},
    wire::Wire,
};

const QUESTIONS: usize = 100;

/// Page 7 of 40 records each.
const PAGE: std::ops::Range<usize> = 240..280;

pub async fn measure(bench: &Bench, table: &mut Table) {
    let report = bench.reports.usual();
    let hosted = Hosted::start(bench).await;
    let id = hosted.scanned(report).await;
    let parquet = hosted.home.path().join("findings.parquet");
    let (mut columns_time, mut parquet_time) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        columns_time.push(Cost::of(ingesting(&hosted.home, &report.path)).time);
        let out = File::create(&parquet).unwrap();
        parquet_time.push(Cost::printing(writing_parquet(&hosted.home, &report.path), out.into()).time);
    }
    let question = json!({ "task_id": id, "page": 7, "filters": { "severity": ">=High" } });
    let question = hosted.call("get_scan_results", &question);
    let mut wire = Wire::to(&hosted.server).await;
    let file = ParquetFile::open(&parquet);
    let (mut columns_pages, mut parquet_pages) = (Vec::new(), Vec::new());
    for _ in 0..bench.few(QUESTIONS) * bench.runs as usize {
        columns_pages.push(wire.call(&question).await.time);
        parquet_pages.push(page(&file));
    }
    let columns = hosted.home.data().join("tasks").join(&id).join("findings.columns");
    for (name, mut times, file, mut pages) in [
        ("columns", columns_time, columns, columns_pages),
        ("columns, then Parquet", parquet_time, parquet, parquet_pages),
    ] {
        let size = Figure::new(fs::metadata(file).unwrap().len() as f64 / 1e6, "MB");
        let more = format!("{size} for {}; page 7 of severity {}", report.size(), spread(&mut pages));
        let speed = Figure::megabytes_a_second(report.bytes, median(&mut times));
        table.row(format!("{name}, {}", report.size()), speed, Bar::None, more);
    }
}

fn writing_parquet(home: &Home, report: &Path) -> Command {
    let mut command = home.command(&["report", "--page", "0", "--profile", "full", "--format", "parquet"]);
    command.arg(report).env("XDG_CACHE_HOME", compiled_plugins()).env_remove("SCANHOST_LOG");
    command
}

fn page(file: &ParquetFile) -> Duration {
    let start = Instant::now();
    file.page(PAGE);
    start.elapsed()
}
