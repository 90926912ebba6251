//! The command line, with one file for each verb. The exit codes are 0 for done, 1 for failed and 2 for wrong usage.

mod compare;
mod compiled;
mod completions;
mod config_check;
mod config_folder;
mod confirm;
mod dlq;
mod filter_args;
mod format;
mod interrupt;
mod listing;
mod native;
mod orphans;
mod plugin;
mod queue;
mod report;
mod reread;
mod scan;
mod scans;
mod serve;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use config_folder::Usage;

/// Lets AI agents run vulnerability scans over MCP.
///
/// Without a command it does the same as `scanhost serve`.
#[derive(Parser)]
#[command(version, about, propagate_version = true, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Serve MCP over HTTP and run scans.
    Serve(serve::Args),
    /// Serve MCP over standard input and output to the program that started this one.
    Stdio(serve::Args),
    /// Submit a scan, follow it to its end, and print all its findings.
    ///
    /// Ctrl-C cancels the scan and exits with code 1. A second Ctrl-C exits at once.
    Scan(scan::Args),
    /// Print the findings of a scanner's report file.
    Report(report::Args),
    /// Show what changed between two scans or two report files.
    Compare(compare::Args),
    /// Show the pools and their queues; pause or resume a pool.
    Queue(queue::Args),
    /// List scans.
    Scans(scans::Args),
    /// Show, retry or purge dead letters: failed scans that need an operator.
    Dlq(dlq::Args),
    /// Read the kept report of an ended scan again, such as after its plugin was mended.
    ///
    /// The findings belong to a new scan. No scanner is asked.
    Reread(reread::Args),
    /// Show, adopt or remove scans at the scanners that no task owns.
    Orphans(orphans::Args),
    /// Inspect, check, test and create plugins; list or roll back loaded ones.
    Plugin(plugin::Args),
    /// Create tokens for clients.
    Token(token::Args),
    /// Print a shell completion script.
    Completions(completions::Args),
    /// Work with the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Load and check the whole configuration, and report every problem with its file, line and key.
    Check(config_check::Args),
}

const WRONG_USAGE: u8 = 2;

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("scanhost: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::serve(args).await,
            Command::Stdio(args) => serve::stdio(args).await,
            Command::Scan(args) => scan::run(args).await,
            Command::Report(args) => report::run(args).await,
            Command::Compare(args) => compare::run(args).await,
            Command::Queue(args) => queue::run(args).await,
            Command::Scans(args) => scans::run(args).await,
            Command::Dlq(args) => dlq::run(args).await,
            Command::Reread(args) => reread::run(args).await,
            Command::Orphans(args) => orphans::run(args).await,
            Command::Plugin(args) => plugin::run(args).await,
            Command::Token(args) => token::run(args),
            Command::Completions(args) => completions::run(&args),
            Command::Config { command: ConfigCommand::Check(args) } => config_check::run(args).await,
        }
    });
    // Tasks that still block were asked to end and had time for it.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It is no failure when the reader closes the pipe early.
            let is_closed_pipe = error.chain().any(|cause| {
                cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
            });
            if !is_closed_pipe {
                eprintln!("scanhost: {error:#}");
            }
            if error.is::<Usage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
        }
    }
}
