//! `token new`: makes a token for a client, shows it once, and prints the line for the configuration, which holds only its
//! digest.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::Subcommand;
use rand::Rng as _;
use scanhost_config::{Scope, permit_token_name};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::listing;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Create a token. It is shown once and not stored.
    New {
        /// Name of the token, which logs show: 1 to 64 characters
        #[arg(value_parser = token_name)]
        name: String,
        /// What the token may do: scan:read, scan:submit, scan:admin
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
    },
}

fn token_name(name: &str) -> Result<String, &'static str> {
    permit_token_name(name).map(|()| name.to_owned())
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let Command::New { name, scopes } = args.command;
    let secret: [u8; 32] = rand::rng().random();
    let token = BASE64_URL_SAFE_NO_PAD.encode(secret);
    let digest: String = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    // A name may be any text. The quotes of JSON are also valid in YAML.
    let line = format!("{{name: {}, scopes: [{}], sha256: \"{digest}\"}}", json!(name), scopes.join(", "));
    let answer = json!({ "token": token, "configuration": line });
    listing::one(args.json, &answer, || {
        format!("{token}\n\nThe token is not shown again. Add this line under `tokens:` in scanhost.yaml:\n  - {line}")
    })
}
