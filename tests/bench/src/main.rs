//! Measures what the design promises, and prints one table:
//!
//!     cargo bench -p scanhost-bench -- [ingest pages …] [--sizes 10,100,1000] [--runs 5] [--report FILE]…
//!
//! The variable `SCANHOST_BINARY` names another program to measure, such as that of an earlier commit.
//! Everything is bounded and stays on the loopback interface. Nothing is compared with a clock that fails: a missed bar
//! is a word in the table.

#![expect(clippy::unwrap_used, reason = "what fails in a benchmark should end it")]

mod agents;
mod calls;
mod crowd;
mod formats;
mod generator;
mod hosted;
mod ingest;
mod load;
mod machine;
mod pages;
mod parquet_file;
mod process;
mod readers;
mod reports;
mod start;
mod table;
mod turnaround;
mod wire;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

use crate::{reports::Reports, table::Table};

#[derive(Parser)]
#[command(
    name = "scanhost-bench",
    about = "Measures scanhost, and prints a table. SCANHOST_BINARY may name another program to measure."
)]
struct Args {
    /// What to measure; all of it without
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Sizes of the reports that are made, in MB
    #[arg(long, value_delimiter = ',', default_values_t = [10.0, 100.0, 1000.0])]
    sizes: Vec<f64>,
    /// Reports to measure with instead
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// How often each is measured; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only writes a report as lines of JSON
    #[arg(long, hide = true, num_args = 2, value_names = ["REPORT", "LINES"])]
    native: Option<Vec<PathBuf>>,
    /// As cargo passes it to benchmarks, and not to tests
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Calls of a plugin
    Calls,
    /// From start to ready, and idle memory
    Start,
    /// Reading reports into columns, beside other readers of the same bytes
    Ingest,
    /// Columns and Parquet: speed, size, pages
    Formats,
    /// Pages of results over MCP
    Pages,
    /// From submit to readable results
    Turnaround,
    /// A hundred agents that submit and ask as fast as they can
    Agents,
    /// A thousand agents at once
    Burst,
    /// A thousand agents at their pace, beside readers of pages and a report that is being read
    Crowd,
    /// 32 agents that page through one report while another one is being read
    Readers,
}

/// What is measured with, and how often.
pub struct Bench {
    pub reports: Reports,
    pub runs: u32,
    is_tiny: bool,
}

impl Bench {
    /// So many repetitions, or a handful where this only has to work.
    pub fn few(&self, repetitions: usize) -> usize {
        if self.is_tiny { repetitions.div_ceil(100) } else { repetitions }
    }

    pub fn period(&self, time: Duration) -> Duration {
        if self.is_tiny { time / 50 } else { time }
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let args = Args::parse();
    if let Some([report, lines]) = args.native.as_deref() {
        return readers::write_lines(report, lines);
    }
    let is_tiny = !args.bench;
    println!("{}", machine::describe());
    let sizes = if is_tiny { vec![0.2, 0.4] } else { args.sizes };
    let reports = if args.report.is_empty() { Reports::generated(&sizes) } else { Reports::given(&args.report) };
    let bench = Bench { reports, runs: if is_tiny { 1 } else { args.runs }, is_tiny };
    let mut table = Table::new(!is_tiny);
    for part in Part::value_variants() {
        if args.parts.is_empty() || args.parts.contains(part) {
            measure(*part, &bench, &mut table).await;
        }
    }
    println!("{table}\n{}", machine::load());
}

async fn measure(part: Part, bench: &Bench, table: &mut Table) {
    match part {
        Part::Calls => calls::measure(bench, table).await,
        Part::Start => start::measure(bench, table).await,
        Part::Ingest => ingest::measure(bench, table),
        Part::Formats => formats::measure(bench, table).await,
        Part::Pages => pages::measure(bench, table).await,
        Part::Turnaround => turnaround::measure(bench, table).await,
        Part::Agents => agents::measure(bench, table).await,
        Part::Burst => crowd::burst(bench, table).await,
        Part::Crowd => crowd::paced(bench, table).await,
        Part::Readers => crowd::readers(bench, table).await,
    }
}
