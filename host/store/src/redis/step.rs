//! One step in one instant: what has to be so, and what is written then.

use std::sync::LazyLock;

use redis::Script;

use super::{super::StoreError, RedisStore};

static STEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("step.lua")));

/// Checks and writes, each as the number of its words and these.
#[derive(Default)]
pub struct Step {
    check_count: usize,
    checks: Vec<String>,
    writes: Vec<String>,
}

impl Step {
    /// The command must answer exactly this. One that writes must be the last check.
    pub fn check(self, command: &[&str], answer: &str) -> Self {
        self.expect(format!("={answer}"), command)
    }

    /// The command must answer a number below this one.
    pub fn check_below(self, command: &[&str], bound: u32) -> Self {
        self.expect(format!("<{bound}"), command)
    }

    fn expect(mut self, expected: String, command: &[&str]) -> Self {
        self.check_count += 1;
        self.checks.extend([(command.len() + 1).to_string(), expected]);
        self.checks.extend(command.iter().map(ToString::to_string));
        self
    }

    /// A command of Redis, or `LEASE key scan`, which sets when the lease ends.
    pub fn write(mut self, command: &[&str]) -> Self {
        self.writes.push(command.len().to_string());
        self.writes.extend(command.iter().map(ToString::to_string));
        self
    }
}

impl RedisStore {
    /// Whether the step was applied; not when a check did not hold.
    pub(super) async fn apply(&self, step: &Step) -> Result<bool, StoreError> {
        let mut script = STEP.prepare_invoke();
        script.arg(self.lease_milliseconds()).arg(step.check_count).arg(&step.checks).arg(&step.writes);
        let refused: usize = self.connection.invoke(&script).await?;
        Ok(refused == 0)
    }
}
