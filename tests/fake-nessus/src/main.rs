//! The fake Nessus as a program, for clients outside of this repository.

use std::{error::Error, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use fake_nessus::{ApiKeys, FakeNessus, Fault, Login, Reports, Settings};

/// A server that behaves like the API of a Nessus scanner. It prints its address and its credentials.
#[derive(Parser)]
struct Args {
    #[arg(long, default_value = "127.0.0.1:8834")]
    listen: SocketAddr,
    /// The .nessus file that is the result of every scan; by default each scan gets a small report of its own.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// A folder of reports; the result of a scan is the file named like the first word of its name.
    #[arg(long, value_name = "FOLDER", conflicts_with = "report")]
    reports: Option<PathBuf>,
    /// How long a scan is pending, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    queue: Duration,
    /// How long a scan runs, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    duration: Duration,
    /// How long a pause, a resume or a stop takes, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    settle: Duration,
    /// How long an export takes, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    export: Duration,
    /// The number of hosts of a scan; by default one for each entry of its targets.
    #[arg(long)]
    hosts: Option<usize>,
    #[arg(long, default_value_t = ApiKeys::default().access)]
    access_key: String,
    #[arg(long, default_value_t = ApiKeys::default().secret)]
    secret_key: String,
    #[arg(long, default_value_t = Login::default().username)]
    username: String,
    #[arg(long, default_value_t = Login::default().password)]
    password: String,
    /// A session ends after this many requests.
    #[arg(long, value_name = "N")]
    session_requests: Option<u32>,
    /// Behave like an edition without the licence feature scan_api, and answer every write with 412.
    #[arg(long)]
    no_scan_api: bool,
    /// A fault such as {"operation":"create","kind":"drop_after","next":1}; may be given several times.
    #[arg(long = "fault", value_name = "JSON")]
    faults: Vec<Fault>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let reports = match (&args.report, args.reports) {
        (Some(file), _) => {
            let bytes = std::fs::read(file).map_err(|error| format!("reading {}: {error}", file.display()))?;
            Reports::Same(bytes.into())
        }
        (None, Some(folder)) => Reports::Folder(folder),
        (None, None) => Reports::Generated,
    };
    let settings = Settings {
        reports,
        queue_duration: args.queue,
        scan_duration: args.duration,
        settle_duration: args.settle,
        export_duration: args.export,
        hosts: args.hosts,
        api_keys: Some(ApiKeys { access: args.access_key.clone(), secret: args.secret_key.clone() }),
        login: Some(Login { username: args.username.clone(), password: args.password.clone() }),
        session_requests: args.session_requests,
        scan_api: !args.no_scan_api,
        ..Settings::default()
    };
    let server = FakeNessus::bind(args.listen, settings).await?;
    server.set_faults(args.faults);
    println!("url {}", server.url());
    println!("keys {} {}", args.access_key, args.secret_key);
    println!("login {} {}", args.username, args.password);
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
