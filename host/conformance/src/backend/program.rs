//! A backend whose scanner is a program: what it starts, and what it makes of a program that is not there or misbehaves.

use scanhost_sandbox::{Grant, ScannerError, capability::{Argument, Ending, Limit}};

use crate::{case::{Case, Outcome, Stop, case, fail, skip}, probe::{Function, Said}, programs::Behaviour, rig::{Made, Rig, plain_scan}, script::ScenarioName};

/// What no error, log line or health message may repeat.
const CANARY: &str = "canary-5d07c2";

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("cannot-be-resumed", not_resumable, "a program ends with its host: nobody else can go on with its scan"),
        case!("leaves-targets-to-the-host", targets, "a target among the arguments could be read as an option"),
        case!(
            "retries-a-missing-program",
            missing,
            "a program that is being replaced comes back: the host tries again"
        ),
        case!("tells-what-is-not-granted", denied, "trying again changes nothing before the operator does"),
        case!("tells-how-a-program-failed", failed, "a scan whose program failed must not be waited for"),
        case!("stands-nonsense-of-a-program", nonsense, "a program may write anything, and without end"),
        case!(
            "quotes-no-program",
            quotes,
            "what a program writes is an attacker's text: none of it in errors and logs"
        ),
    ]
}

fn runs_programs(rig: &Rig) -> Outcome {
    if rig.component.requests().contains(&Grant::Command) { Ok(()) } else { skip("it runs no programs") }
}

async fn not_resumable(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    if rig.backend.description().resumable { fail("it describes itself as `resumable`") } else { Ok(()) }
}

async fn targets(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let Made { remote, sent } = rig.created().await?;
    let scene = rig.scene(ScenarioName::Created, sent)?;
    scene.said(Function::Launch, &remote).await?;
    let started = scene.program.started();
    let [arguments] = &started[..] else { return fail(format!("`launch` started {} programs", started.len())) };
    if !arguments.iter().any(|argument| matches!(argument, Argument::TargetsFile)) {
        return fail("it started a program without `targets-file`");
    }
    let targets = plain_scan().targets;
    let holds = |text: &String| targets.iter().any(|target| text.contains(target.as_str()));
    match arguments.iter().find(|argument| matches!(argument, Argument::Text(text) if holds(text))) {
        Some(argument) => fail(format!("it put a target into {argument:?}")),
        None => Ok(()),
    }
}

async fn missing(rig: &Rig) -> Outcome {
    let said = launched_on(rig, Behaviour::Missing).await?;
    if said.is_retried() { Ok(()) } else { fail(format!("`launch` gave {}, expected `unavailable`", said.text())) }
}

async fn denied(rig: &Rig) -> Outcome {
    let said = launched_on(rig, Behaviour::Denied).await?;
    match &said {
        Said::Error(ScannerError::Unsupported(_) | ScannerError::Invalid(_)) => Ok(()),
        _ => fail(format!("`launch` gave {}, expected `unsupported` or `invalid`", said.text())),
    }
}

/// What `launch` says there; `health` must not say that all is well.
async fn launched_on(rig: &Rig, behaviour: Behaviour) -> Result<Said, Stop> {
    runs_programs(rig)?;
    let Made { remote, .. } = rig.created().await?;
    let health = rig.on_machine(behaviour.clone()).said(Function::Health, &remote).await?;
    if matches!(&health, Said::Value(value) if value.contains("ready: true")) {
        return fail(format!("`health` gave {}", health.text()));
    }
    rig.on_machine(behaviour).said(Function::Launch, &remote).await
}

async fn failed(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let Made { remote, .. } = rig.launched().await?;
    for ending in [
        Ending::Exited(1),
        Ending::Exited(255),
        Ending::Signalled(9),
        Ending::Signalled(11),
        Ending::Exceeded(Limit::Time),
        Ending::Exceeded(Limit::Memory),
        Ending::Exceeded(Limit::Output),
        Ending::Exceeded(Limit::Processes),
        Ending::NotExecuted("Exec format error".into()),
    ] {
        let scene = rig.on_machine(Behaviour::Wrote(Vec::new(), Some(ending.clone())));
        let said = scene.said(Function::Status, &remote).await?;
        if !matches!(&said, Said::Value(value) if value.contains("state: Failed")) {
            return fail(format!("for {ending:?} `status` gave {}, expected `failed`", said.text()));
        }
    }
    Ok(())
}

async fn nonsense(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let Made { remote, .. } = rig.launched().await?;
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for written in [Vec::new(), noise, b"\n".repeat(1 << 20), vec![b'<'; 4 << 20]] {
        let scene = rig.on_machine(Behaviour::Wrote(written, None));
        let said = scene.said(Function::Status, &remote).await?;
        if !matches!(&said, Said::Value(value) if value.contains("state: Running")) {
            return fail(format!("of a program that runs `status` gave {}", said.text()));
        }
        scene.said(Function::Health, &remote).await?;
    }
    Ok(())
}

async fn quotes(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let Made { remote, .. } = rig.launched().await?;
    for ending in [None, Some(Ending::Exited(1))] {
        let written = format!("{CANARY}\n<{CANARY} task=\"{CANARY}\" percent=\"{CANARY}\">\n").into_bytes();
        for function in [Function::Health, Function::Status] {
            let probe =
                rig.on_machine(Behaviour::Wrote(written.clone(), ending.clone())).probe(function, &remote).await;
            let logged = probe.seen.log.iter().any(|line| line.contains(CANARY));
            if logged || probe.said.text().contains(CANARY) {
                let what = if logged { "logged" } else { "said" };
                return fail(format!("`{}` {what} what the program wrote", function.name()));
            }
        }
    }
    Ok(())
}
