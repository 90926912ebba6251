//! `scans`: lists scans, newest first.

use serde_json::{Value as Json, json};

use super::{config_folder::ConfigFolder, listing};
use crate::{
    app::Purpose,
    control::{Control, Request},
};

#[derive(clap::Args)]
pub struct Args {
    /// Only scans with this status
    #[arg(long)]
    status: Option<String>,
    /// Only scans of this pool
    #[arg(long)]
    pool: Option<String>,
    /// Only scans whose targets contain or overlap this address, CIDR or name
    #[arg(long)]
    target: Option<String>,
    /// How many scans to list, 1 to 200
    #[arg(long, default_value_t = 50, value_parser = limit)]
    limit: usize,
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let control = Control::open(args.folder.load_for_command()?, Purpose::Looking).await?;
    let listed = list(&control, &args).await;
    control.close().await;
    let scans = listed?;
    if args.json {
        return listing::json(&Json::from(scans));
    }
    let row = |scan: &Json| {
        json!({
            "task_id": scan["task_id"], "status": scan["status"], "pool": scan["scanner_pool"], "name": scan["name"],
            "targets": scan["targets"], "progress": scan["progress"], "created_at": scan["created_at"],
        })
    };
    let rows: Vec<Json> = scans.iter().map(row).collect();
    listing::table(&Json::from(rows))
}

/// Lists as many scans as were asked for. One answer may have fewer when its scans are large.
async fn list(control: &Control, args: &Args) -> anyhow::Result<Vec<Json>> {
    let mut scans = Vec::new();
    let mut cursor = None;
    loop {
        let mut page = control
            .ask(Request::Scans {
                status: args.status.clone(),
                scanner_pool: args.pool.clone(),
                target: args.target.clone(),
                limit: i64::try_from(args.limit - scans.len())?,
                cursor,
            })
            .await?;
        scans.extend(page["scans"].as_array_mut().map(std::mem::take).unwrap_or_default());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || scans.len() >= args.limit {
            return Ok(scans);
        }
    }
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=200).contains(limit));
    limit.ok_or_else(|| "must be from 1 to 200".to_owned())
}
