//! The command line. One file a verb; exit codes are 0 done, 1 failed, 2 usage.

mod compare;
mod compiled;
mod completions;
mod config_check;
mod config_folder;
mod dlq;
mod format;
mod interrupt;
mod listing;
mod native;
mod plugin;
mod queue;
mod report;
mod scan;
mod scans;
mod serve;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use config_folder::Usage;

/// Lets AI agents run vulnerability scans over MCP.
///
/// Without a command it serves, like `scanhost serve`.
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
    /// Serve MCP over standard input and output, for the program that started this one.
    Stdio(serve::Args),
    /// Submit a scan, follow it to its end, and print all its findings.
    ///
    /// Ctrl-C cancels the scan and exits with 1; once more, it ends this at once.
    Scan(scan::Args),
    /// Print the findings of a scanner's report file.
    Report(report::Args),
    /// What changed between two scans or two report files.
    Compare(compare::Args),
    /// The pools and what waits in them.
    Queue(queue::Args),
    /// The scans that there are.
    Scans(scans::Args),
    /// The failed scans that an operator should look at.
    Dlq(dlq::Args),
    /// Components: what they are, whether they can be loaded, and which are.
    Plugin(plugin::Args),
    /// Tokens for clients.
    Token(token::Args),
    /// Print what a shell needs to complete these commands.
    Completions(completions::Args),
    /// Work with the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Load and check everything, and name every problem with its file, line and key.
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
            Command::Plugin(args) => plugin::run(args).await,
            Command::Token(args) => token::run(args),
            Command::Completions(args) => completions::run(&args),
            Command::Config { command: ConfigCommand::Check(args) } => config_check::run(args).await,
        }
    });
    // Whatever still blocks was told to end, and had its time.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A reader that has seen enough is no failure of ours.
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
