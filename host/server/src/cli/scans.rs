//! `scans`: the scans that there are, the newest first.

use serde_json::{Value as Json, json};

use super::{ConfigFolder, listing};
use crate::{app::Purpose, control::Control};

#[derive(clap::Args)]
pub struct Args {
    /// Only scans of this status
    #[arg(long)]
    status: Option<String>,
    /// Only scans of this pool
    #[arg(long)]
    pool: Option<String>,
    /// Only scans whose targets contain or overlap this address, CIDR or name
    #[arg(long)]
    target: Option<String>,
    /// How many, 1 to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let control = Control::open(args.folder.load()?, Purpose::Administration).await?;
    let question = json!({
        "status": args.status, "scanner_pool": args.pool, "target": args.target, "limit": args.limit,
    });
    let answer = control.tool("list_scans", question).await;
    control.close().await;
    let answer = answer?;
    if args.json {
        return listing::rows(true, &answer["scans"]);
    }
    let row = |scan: &Json| {
        json!({
            "task_id": scan["task_id"], "status": scan["status"], "pool": scan["scanner_pool"], "name": scan["name"],
            "targets": scan["targets"], "progress": scan["progress"], "created_at": scan["created_at"],
        })
    };
    let rows: Vec<Json> = answer["scans"].as_array().into_iter().flatten().map(row).collect();
    listing::rows(false, &Json::from(rows))
}
