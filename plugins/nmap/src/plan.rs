//! Plans the nmap run for a request. Targets are not part of the plan: nmap reads them from a file of the host.

use scanhost_sdk::{backend::types::ScanError, command::program::Argument};

use crate::options::{Options, Technique};

/// Returns the arguments of a scan without a login: it finds open ports, their services, and what the scripts report.
///
/// # Errors
/// If nmap cannot scan these targets in one run.
pub fn arguments(options: &Options, targets: &[String]) -> Result<Vec<String>, ScanError> {
    let is_ipv6 = |target: &&String| target.contains(':');
    let is_ipv4 =
        |target: &&String| target.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) && is_address(target);
    let has_ipv6 = targets.iter().any(|target| is_ipv6(&target));
    if has_ipv6 && targets.iter().any(|target| is_ipv4(&target)) {
        let advice = "nmap scans either IPv4 or IPv6 in one run: submit a scan for each";
        return Err(ScanError::Invalid(advice.to_owned()));
    }
    let mut arguments: Vec<String> = ["-oX", "-", "--stats-every=2s"].map(str::to_owned).into();
    let mut add = |argument: String| arguments.push(argument);
    add(match options.technique {
        Technique::Connect => "-sT".to_owned(),
        Technique::Syn => "-sS".to_owned(),
    });
    add("-sV".to_owned());
    if options.scripts != "none" {
        add(format!("--script={}", options.scripts));
    }
    if has_ipv6 {
        add("-6".to_owned());
    }
    if !options.resolve {
        add("-n".to_owned());
    }
    if !options.ping {
        add("-Pn".to_owned());
    }
    add(format!("-T{}", options.timing));
    if let Some(ports) = &options.ports {
        add(format!("-p{ports}"));
    }
    if let Some(count) = options.top_ports {
        add(format!("--top-ports={count}"));
    }
    if let Some(level) = options.version_intensity {
        add(format!("--version-intensity={level}"));
    }
    if let Some(minutes) = options.host_timeout_minutes {
        add(format!("--host-timeout={minutes}m"));
    }
    Ok(arguments)
}

/// Whether the target is an address or range. A host name may also begin with a digit, but contains a letter.
fn is_address(target: &str) -> bool {
    !target.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Converts the arguments for the host and adds the file of targets.
pub fn run(arguments: &[String]) -> Vec<Argument> {
    let own = arguments.iter().cloned().map(Argument::Text);
    own.chain([Argument::Text("-iL".to_owned()), Argument::TargetsFile]).collect()
}

#[cfg(test)]
mod tests;
