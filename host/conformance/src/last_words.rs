//! What a plugin wrote to its standard error before a call of it failed, told to its author and to the operator. No
//! answer to an agent has it, since it may repeat what scanned hosts said.

use scanhost_domain::visible::visible;
use scanhost_sandbox::{CallReport, Observer, StderrTail};

/// Lines for people, the plugin's own indented.
pub fn told(words: &StderrTail<'_>) -> String {
    let lines = visible(words.text).lines().map(|line| format!("\n  {line}")).collect::<String>();
    format!("`{}` wrote to its standard error:{lines}", words.function)
}

/// For commands of the shell: says it on the command's own standard error, before the command says what failed.
pub struct Aloud;

impl Observer for Aloud {
    fn call_ended(&self, _: &CallReport<'_>) {}

    fn stderr_written(&self, words: &StderrTail<'_>) {
        eprintln!("{}: {}", words.plugin, told(words));
    }
}
