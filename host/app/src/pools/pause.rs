//! Pausing a pool, which then starts nothing new, and resuming it.

use serde::Serialize;

use crate::{host::Host, refusal::Refusal, submit::find_stored_pool};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused {
    Yes,
    No,
}

impl Paused {
    /// Its name in the audit log.
    pub fn action(self) -> &'static str {
        match self {
            Self::Yes => "queue pause",
            Self::No => "queue resume",
        }
    }
}

#[derive(Serialize)]
pub struct Reply {
    pub pool: String,
    pub paused: bool,
}

/// Pauses or resumes a pool, also one that is no longer configured.
pub async fn set_paused(host: &Host, pool: &str, paused: Paused) -> Result<Reply, Refusal> {
    let pool = find_stored_pool(host, pool).await?;
    let paused = paused == Paused::Yes;
    host.settings.pause(&pool, paused).await?;
    tracing::info!(%pool, paused, "pool paused or resumed");
    Ok(Reply { pool: pool.to_string(), paused })
}
