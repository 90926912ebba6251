//! The command line. One file a verb; exit codes are 0 done, 1 failed, 2 usage.

mod compare;
mod compiled;
mod completions;
mod config_check;
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

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::control::Control;

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

/// Where the configuration is.
#[derive(clap::Args, Clone)]
struct ConfigFolder {
    /// Folder with scanhost.yaml, scanners.yaml and profiles.yaml; without it, one mock pool and ./data
    #[arg(long, value_name = "DIR", global = true)]
    config: Option<PathBuf>,
}

impl ConfigFolder {
    fn load(&self) -> anyhow::Result<crate::config::Config> {
        let environment = |name: &str| std::env::var(name).ok();
        Ok(crate::config::Config::load(self.config.as_deref(), &environment)?)
    }

    /// The host that runs on the data folder, also while something is wrong in the configuration: it goes on with what it
    /// had before.
    async fn running(&self) -> Option<Control> {
        let environment = |name: &str| std::env::var(name).ok();
        Control::running(&crate::config::Config::data_folder(self.config.as_deref(), &environment)?).await
    }
}

/// A command that cannot be meant, as could only be told from all its arguments together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(&'static str);

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
