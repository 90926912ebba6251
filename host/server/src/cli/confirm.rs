//! Asking before something is done that cannot be undone.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;

/// Asks for confirmation on the terminal.
///
/// # Errors
/// `refused`, if the answer is no. Without a terminal the error asks for `--yes`.
pub fn confirm(question: &str, refused: &'static str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("without a terminal this needs --yes");
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { bail!(refused) }
}
