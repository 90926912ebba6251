use proptest::prelude::*;
use scanhost_sdk::command::program::Argument;

use super::{arguments, run};
use crate::options::Options;

fn planned(options: &str, targets: &[&str]) -> Result<String, String> {
    let options = Options::parse(options).map_err(|error| format!("{error:?}"))?;
    let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
    arguments(&options, &targets).map(|arguments| arguments.join(" ")).map_err(|error| format!("{error:?}"))
}

#[test]
fn options_become_arguments() {
    const USUAL: &str = "-oX - --stats-every=2s -sT -sV --script=default -n -T3";
    for (options, targets, expected) in [
        ("{}", &["10.0.0.1"][..], USUAL.to_owned()),
        ("{}", &["10.0.0.1", "web.example", "1.example"], USUAL.to_owned()),
        ("{}", &["web.example", "fc00::1"], USUAL.replace("-n", "-6 -n")),
        (
            r#"{"scripts": "none", "technique": "syn"}"#,
            &["10.0.0.0/24"],
            "-oX - --stats-every=2s -sS -sV -n -T3".into(),
        ),
        (
            r#"{"ports": "22,80-90", "timing": 4, "ping": false, "resolve": true, "version_intensity": 2,
                "host_timeout_minutes": 30, "scripts": "default,vuln"}"#,
            &["10.0.0.1"],
            "-oX - --stats-every=2s -sT -sV --script=default,vuln -Pn -T4 -p22,80-90 --version-intensity=2 \
             --host-timeout=30m"
                .to_owned(),
        ),
        (r#"{"top_ports": 10}"#, &["10.0.0.1"], format!("{USUAL} --top-ports=10")),
    ] {
        assert_eq!(planned(options, targets), Ok(expected), "{options}");
    }
}

#[test]
fn ipv4_and_ipv6_targets_are_not_mixed() {
    let refused = planned("{}", &["10.0.0.1", "fc00::1"]).unwrap_err();
    assert!(refused.contains("either IPv4 or IPv6"), "{refused}");
}

proptest! {
    /// For any targets and options, no argument contains a target, the documented allow list permits every argument,
    /// and the file of targets comes last.
    #[test]
    fn arguments_never_contain_targets(
        targets in prop::collection::vec("[-a-z0-9.:/;$()=]{1,20}", 0..6),
        ports in prop::option::of("[-0-9,a-z$;]{0,12}"),
        scripts in "[-a-z,/ $;]{0,16}",
        timing in 0..9_u8,
    ) {
        let options = serde_json::json!({ "ports": ports, "scripts": scripts, "timing": timing }).to_string();
        let Ok(options) = Options::parse(&options) else { return Ok(()) };
        let Ok(planned) = arguments(&options, &targets) else { return Ok(()) };
        for argument in &planned {
            let plain = argument.bytes().all(|b| b.is_ascii_alphanumeric() || b"-,=_".contains(&b));
            prop_assert!(plain, "{argument:?}");
            let known = ["-oX", "-", "--stats-every=2s", "-sT", "-sV", "-n", "-6"].contains(&argument.as_str())
                || ["--script=", "-T", "-p"].iter().any(|start| argument.starts_with(start));
            prop_assert!(known, "{argument:?}");
        }
        let run = run(&planned);
        prop_assert_eq!(run.last(), Some(&Argument::TargetsFile));
        prop_assert_eq!(run.len(), planned.len() + 2);
    }
}
