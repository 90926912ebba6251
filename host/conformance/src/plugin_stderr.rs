//! Shows what a plugin wrote to its standard error before a call of it failed, to its author and to the operator. No
//! answer to an agent has this text, since it may repeat what scanned hosts sent.

use scanhost_domain::visible::visible;
use scanhost_sandbox::{CallReport, Observer, StderrTail};

/// The text for people, with the plugin's own lines indented.
pub fn text(words: &StderrTail<'_>) -> String {
    let lines = visible(words.text).lines().map(|line| format!("\n  {line}")).collect::<String>();
    format!("`{}` wrote to its standard error:{lines}", words.function)
}

/// Prints the text to the standard error of a command, before the command says what failed.
pub struct PrintStderr;

impl Observer for PrintStderr {
    fn call_ended(&self, _: &CallReport<'_>) {}

    fn stderr_written(&self, words: &StderrTail<'_>) {
        eprintln!("{}: {}", words.plugin, text(words));
    }
}
