//! Benchmarks of the host, which print one table:
//!
//!     cargo bench -p scanhost-bench -- [ingest pages …] [--sizes 10,100,1000] [--runs 5] [--report FILE]…
//!
//! The variable `SCANHOST_BINARY` names another program to measure, such as the build of an earlier commit.
//! Every measurement is bounded and stays on the loopback interface. A slow host does not fail the run: the table marks
//! each target that was missed.

#![expect(clippy::unwrap_used, reason = "any error should end the benchmark")]

mod bench_host;
mod closed_loop;
mod connection;
mod formats;
mod generator;
mod ingest;
mod load;
mod machine;
mod many_agents;
mod other_readers;
mod pages;
mod parquet_file;
mod plugin_calls;
mod process;
mod reports;
mod startup;
mod table;
mod turnaround;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

use crate::{reports::Reports, table::Table};

#[derive(Parser)]
#[command(
    name = "scanhost-bench",
    about = "Measures scanhost and prints a table. SCANHOST_BINARY can name another program to measure."
)]
struct Args {
    /// What to measure (default: everything)
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Sizes of the generated reports, in MB
    #[arg(long, value_delimiter = ',', default_values_t = [10.0, 100.0, 1000.0])]
    sizes: Vec<f64>,
    /// Measure with this report instead of generated ones; can be repeated
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// Number of runs of each measurement; the table shows their median
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only convert a report to lines of JSON
    #[arg(long, hide = true, num_args = 2, value_names = ["REPORT", "LINES"])]
    native: Option<Vec<PathBuf>>,
    /// Cargo passes this flag under `cargo bench`, but not under `cargo test`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Time of one plugin call
    Calls,
    /// Time from start to ready, and idle memory
    Start,
    /// Speed of reading a report into columns, compared with other readers of the same report
    Ingest,
    /// Columns compared with Parquet: speed, size, pages
    Formats,
    /// Time of a page of results over MCP
    Pages,
    /// Time from submit to readable results
    Turnaround,
    /// 100 agents that submit and poll as fast as they can
    Agents,
    /// 1,000 agents that submit all at once
    Burst,
    /// 1,000 agents at a steady pace while other agents read pages and the host ingests a report
    Crowd,
    /// 32 agents that page through one report while the host ingests another
    Readers,
}

/// The settings of this run.
pub struct Bench {
    pub reports: Reports,
    pub runs: u32,
    /// Under `cargo test` the benchmarks only have to work: they run briefly, with tiny reports.
    is_smoke_test: bool,
}

impl Bench {
    /// Reduces this number of repetitions in a smoke test.
    pub fn repetitions(&self, count: usize) -> usize {
        if self.is_smoke_test { count.div_ceil(100) } else { count }
    }

    /// Shortens this period in a smoke test.
    pub fn period(&self, time: Duration) -> Duration {
        if self.is_smoke_test { time / 50 } else { time }
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let args = Args::parse();
    if let Some([report, lines]) = args.native.as_deref() {
        return other_readers::write_lines(report, lines);
    }
    let is_smoke_test = !args.bench;
    println!("{}", machine::describe());
    let sizes = if is_smoke_test { vec![0.2, 0.4] } else { args.sizes };
    let reports = if args.report.is_empty() { Reports::generated(&sizes) } else { Reports::given(&args.report) };
    let bench = Bench { reports, runs: if is_smoke_test { 1 } else { args.runs }, is_smoke_test };
    let mut table = Table::new(!is_smoke_test);
    for part in Part::value_variants() {
        if args.parts.is_empty() || args.parts.contains(part) {
            measure(*part, &bench, &mut table).await;
        }
    }
    println!("{table}\n{}", machine::load());
}

async fn measure(part: Part, bench: &Bench, table: &mut Table) {
    match part {
        Part::Calls => plugin_calls::measure(bench, table).await,
        Part::Start => startup::measure(bench, table).await,
        Part::Ingest => ingest::measure(bench, table),
        Part::Formats => formats::measure(bench, table).await,
        Part::Pages => pages::measure(bench, table).await,
        Part::Turnaround => turnaround::measure(bench, table).await,
        Part::Agents => closed_loop::measure(bench, table).await,
        Part::Burst => many_agents::measure_burst(bench, table).await,
        Part::Crowd => many_agents::measure_steady_load(bench, table).await,
        Part::Readers => many_agents::measure_page_readers(bench, table).await,
    }
}
