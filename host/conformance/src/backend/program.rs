//! Cases about a backend whose scanner is a program: what it starts, and how it handles a program that is missing or
//! misbehaves.

use scanhost_sandbox::{
    Grant, ScannerError,
    capability::{Argument, Ending, Limit},
};

use crate::{
    case::{Case, Outcome, Stop, case, fail, skip},
    probe::{CallResult, Function},
    rig::{CreatedScan, Rig, plain_scan},
    script::ScenarioName,
    scripted_program::ProgramBehaviour,
};

/// A text that no error, log line or health message may repeat.
const CANARY: &str = "canary-5d07c2";

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!(
            "cannot-be-resumed",
            not_resumable,
            "a program ends with its host, so no other process can resume its scan"
        ),
        case!("leaves-targets-to-the-host", targets, "a program could read a target among its arguments as an option"),
        case!(
            "retries-a-missing-program",
            missing,
            "the program may be missing only while it is replaced, so the host has to try again"
        ),
        case!(
            "tells-what-is-not-granted",
            denied,
            "trying again does not help until the operator changes the configuration"
        ),
        case!("tells-how-a-program-failed", failed, "the host must not wait for a scan whose program failed"),
        case!("stands-nonsense-of-a-program", nonsense, "a program may write anything, and any amount of it"),
        case!(
            "quotes-no-program",
            quotes,
            "an attacker may control what a program writes, so none of it may be in errors and logs"
        ),
    ]
}

fn runs_programs(rig: &Rig) -> Outcome {
    if rig.component.requests().contains(&Grant::Command) { Ok(()) } else { skip("it does not run programs") }
}

async fn not_resumable(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    if rig.backend.description().resumable { fail("it describes itself as `resumable`") } else { Ok(()) }
}

async fn targets(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let CreatedScan { remote, sent } = rig.created().await?;
    let stage = rig.stage(ScenarioName::Created, sent)?;
    stage.call(Function::Launch, &remote).await?;
    let started = stage.program.started();
    let [arguments] = &started[..] else { return fail(format!("`launch` started {} programs", started.len())) };
    if !arguments.iter().any(|argument| matches!(argument, Argument::TargetsFile)) {
        return fail("`launch` started a program without the argument `targets-file`");
    }
    let targets = plain_scan().targets;
    let holds = |text: &String| targets.iter().any(|target| text.contains(target.as_str()));
    match arguments.iter().find(|argument| matches!(argument, Argument::Text(text) if holds(text))) {
        Some(argument) => fail(format!("`launch` put a target into the argument {argument:?}")),
        None => Ok(()),
    }
}

async fn missing(rig: &Rig) -> Outcome {
    let result = launched_on(rig, ProgramBehaviour::Missing).await?;
    if result.is_retried() {
        Ok(())
    } else {
        fail(format!("`launch` returned {}, expected `unavailable`", result.text()))
    }
}

async fn denied(rig: &Rig) -> Outcome {
    let result = launched_on(rig, ProgramBehaviour::Denied).await?;
    match &result {
        CallResult::Error(ScannerError::Unsupported(_) | ScannerError::Invalid(_)) => Ok(()),
        _ => fail(format!("`launch` returned {}, expected `unsupported` or `invalid`", result.text())),
    }
}

/// What `launch` returns when programs behave like this. Fails if `health` returns that the scanner is ready.
async fn launched_on(rig: &Rig, behaviour: ProgramBehaviour) -> Result<CallResult, Stop> {
    runs_programs(rig)?;
    let CreatedScan { remote, .. } = rig.created().await?;
    let health = rig.on_machine(behaviour.clone()).call(Function::Health, &remote).await?;
    if matches!(&health, CallResult::Value(value) if value.contains("ready: true")) {
        return fail(format!("`health` returned {}", health.text()));
    }
    rig.on_machine(behaviour).call(Function::Launch, &remote).await
}

async fn failed(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let CreatedScan { remote, .. } = rig.launched().await?;
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
        let stage = rig.on_machine(ProgramBehaviour::Wrote(Vec::new(), Some(ending.clone())));
        let result = stage.call(Function::Status, &remote).await?;
        if !matches!(&result, CallResult::Value(value) if value.contains("state: Failed")) {
            return fail(format!(
                "`status` returned {} for a program with the ending {ending:?}, expected `failed`",
                result.text()
            ));
        }
    }
    Ok(())
}

async fn nonsense(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let CreatedScan { remote, .. } = rig.launched().await?;
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for written in [Vec::new(), noise, b"\n".repeat(1 << 20), vec![b'<'; 4 << 20]] {
        let stage = rig.on_machine(ProgramBehaviour::Wrote(written, None));
        let result = stage.call(Function::Status, &remote).await?;
        if !matches!(&result, CallResult::Value(value) if value.contains("state: Running")) {
            return fail(format!("`status` returned {} for a program that still runs", result.text()));
        }
        stage.call(Function::Health, &remote).await?;
    }
    Ok(())
}

async fn quotes(rig: &Rig) -> Outcome {
    runs_programs(rig)?;
    let CreatedScan { remote, .. } = rig.launched().await?;
    for ending in [None, Some(Ending::Exited(1))] {
        let written = format!("{CANARY}\n<{CANARY} task=\"{CANARY}\" percent=\"{CANARY}\">\n").into_bytes();
        for function in [Function::Health, Function::Status] {
            let probe =
                rig.on_machine(ProgramBehaviour::Wrote(written.clone(), ending.clone())).probe(function, &remote).await;
            let logged = probe.recording.log.iter().any(|line| line.contains(CANARY));
            if logged || probe.result.text().contains(CANARY) {
                let what = if logged { "logged" } else { "returned" };
                return fail(format!("`{}` {what} text that the program wrote", function.name()));
            }
        }
    }
    Ok(())
}
