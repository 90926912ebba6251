use super::Progress;

fn followed(progress: Progress, output: &str) -> Progress {
    let read = |start: u64, max: u32| {
        let rest = &output.as_bytes()[(start as usize).min(output.len())..];
        Ok(rest[..rest.len().min(max as usize)].to_vec())
    };
    progress.follow(read).unwrap()
}

fn line(task: &str, percent: &str) -> String {
    format!("<taskprogress task=\"{task}\" time=\"1795392446\" percent=\"{percent}\" remaining=\"12\"/>\n")
}

#[test]
fn progress_grows_from_task_to_task() {
    let mut output = String::new();
    let mut progress = Progress::default();
    for (task, percent, expected) in [
        ("NSE", "50.00", 0),
        ("Ping Scan", "50.00", 2),
        ("Connect Scan", "10.00", 8),
        ("Service scan", "0.00", 40),
        ("Service scan", "66.67", 63),
        ("Connect Scan", "50.00", 63),
        ("NSE", "100.00", 99),
        ("Something else", "1.00", 99),
        ("NSE", "nan%", 99),
        ("NSE", "1e300", 99),
    ] {
        output += &line(task, percent);
        progress = followed(progress, &output);
        assert_eq!(progress.percent, expected, "{task} {percent}");
    }
    assert_eq!(progress.offset, output.len() as u64);
}

#[test]
fn incomplete_line_is_read_again() {
    let whole = line("Connect Scan", "50.00");
    let progress = followed(Progress::default(), &whole[..whole.len() - 8]);
    assert_eq!(progress, Progress::default());
    assert_eq!(followed(progress, &whole).percent, 22);
}

#[test]
fn other_output_is_skipped() {
    let noise =
        "a".repeat(3 << 20) + "\n\u{0}\u{ffff}<taskprogress \n<taskprogress task=\"NSE\n" + &line("Ping Scan", "100");
    assert_eq!(followed(followed(Progress::default(), &noise), &noise).percent, 5);
}
