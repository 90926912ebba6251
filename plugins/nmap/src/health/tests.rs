use scanhost_sdk::command::program::{Answer, Ending, Limit};

use super::judge;

#[test]
fn only_a_program_that_answers_like_nmap_is_ready() {
    for (ending, output, expected) in [
        (Ending::Exited(0), "Nmap version 7.93 ( https://nmap.org )\nPlatform: x86_64\n", Ok("nmap 7.93")),
        (Ending::Exited(0), "\nNmap version 7.95SVN ( https://nmap.org )\n", Ok("nmap 7.95SVN")),
        (Ending::Exited(0), "Nmap version <script> ( x )", Err("not nmap")),
        (Ending::Exited(0), "masscan 1.3.2", Err("not nmap")),
        (Ending::Exited(0), "", Err("not nmap")),
        (Ending::Exited(1), "Nmap version 7.93", Err("exit code 1")),
        (Ending::Signalled(11), "", Err("signal 11")),
        (Ending::Exceeded(Limit::Time), "", Err("limits.seconds")),
        (Ending::NotExecuted("Exec format error".to_owned()), "", Err("Exec format error")),
    ] {
        let judged = judge(Answer { ending, output: output.as_bytes().to_vec() });
        let text = format!("{judged:?}");
        match expected {
            Ok(message) => assert!(text.contains("ready: true") && text.contains(message), "{text}"),
            Err(part) => assert!(!text.contains("ready: true") && text.contains(part), "{text}"),
        }
    }
}
