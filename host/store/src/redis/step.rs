//! One atomic step: checks, and the writes that follow if all of them hold.

use std::sync::LazyLock;

use redis::Script;

use super::{super::StoreError, RedisStore};

static STEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("step.lua")));

/// Checks and writes, each as the number of its words and the words.
#[derive(Default)]
pub struct Step {
    check_count: usize,
    checks: Vec<String>,
    writes: Vec<String>,
}

impl Step {
    /// Adds a check: the command must answer exactly this. A command that writes must be the last check.
    pub fn check(self, command: &[&str], answer: &str) -> Self {
        self.expect(format!("={answer}"), command)
    }

    /// Adds a check: the command must answer a number below this one.
    pub fn check_below(self, command: &[&str], bound: u32) -> Self {
        self.expect(format!("<{bound}"), command)
    }

    fn expect(mut self, expected: String, command: &[&str]) -> Self {
        self.check_count += 1;
        self.checks.extend([(command.len() + 1).to_string(), expected]);
        self.checks.extend(command.iter().map(ToString::to_string));
        self
    }

    /// Adds a write: a command of Redis, or `LEASE key scan`, which sets when the lease ends.
    pub fn write(mut self, command: &[&str]) -> Self {
        self.writes.push(command.len().to_string());
        self.writes.extend(command.iter().map(ToString::to_string));
        self
    }
}

impl RedisStore {
    /// Applies the step, and says whether all checks held and it was carried out.
    pub(super) async fn apply(&self, step: &Step) -> Result<bool, StoreError> {
        let mut script = STEP.prepare_invoke();
        script.arg(self.lease_milliseconds()).arg(step.check_count).arg(&step.checks).arg(&step.writes);
        let refused: usize = self.connection.invoke(&script).await?;
        Ok(refused == 0)
    }
}
