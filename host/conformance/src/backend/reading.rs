//! Reports that are cut, damaged, hostile or slow: an error with its place, never a crash.

use crate::{case::{Case, Outcome, Stop, case, fail, skip}, changed::changed, rig::Rig, sample::{Handing, Reading}};

/// What no error of a parser may repeat.
const CANARY: &str = "canary-91d3ab";

/// Twice the report may cost this much more, in hundredths, before something grows with the square of it.
const LINEAR: u64 = 300;

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("stands-an-empty-report", empty, "a transfer may end before it begins"),
        case!("stands-binary-noise", noise, "a report may be another file altogether"),
        case!("stands-broken-text", broken_text, "text that is no UTF-8, with NUL, or of another encoding"),
        case!("stands-one-long-line", long_line, "four million characters without a line break have to fit its memory"),
        case!("stands-deep-nesting", nested, "brackets without end must not exhaust the stack"),
        case!("stands-a-cut-report", cut, "a transfer may end anywhere"),
        case!(
            "stands-changed-json",
            changed_json,
            "keys go and types change from one version of a scanner to the next"
        ),
        case!("tells-a-failing-disk", failing_disk, "half a report must never be taken for a whole one"),
        case!("reads-odd-pieces", pieces, "`read` may give less than it was asked for"),
        case!("reads-the-same-twice", twice, "a report has the same findings whenever it is read"),
        case!("stops-at-a-refused-batch", refused, "an error of `emit` ends the parse: nothing more can be stored"),
        case!("has-well-typed-values", typed, "a value that is not of its field's type is left out and lost"),
        case!("reports-no-quotes", quotes, "a report is an attacker's text: none of it in errors and warnings"),
        case!("reads-in-linear-time", linear, "a report may be a gigabyte: twice the size is twice the work"),
    ]
}

/// The parse has to end in an answer, and an error has to lie within the report.
fn sound(reading: &Reading, size: usize) -> Outcome {
    match &reading.answer {
        Err(fault) => fail(format!("`parse` {fault}")),
        Ok(Err(malformed)) if malformed.offset > size as u64 => {
            fail(format!("`parse` found an error at byte {} of {size}", malformed.offset))
        }
        Ok(Err(malformed)) if malformed.message.is_empty() => fail("the error of `parse` has no message"),
        Ok(_) => match &reading.broken_rule {
            Some(rule) => fail(format!("a batch breaks a rule: {rule}")),
            None => Ok(()),
        },
    }
}

async fn stands(rig: &Rig, bytes: &[u8]) -> Outcome {
    sound(&rig.read(bytes, Handing::Whole).await?, bytes.len())
}

async fn empty(rig: &Rig) -> Outcome {
    stands(rig, b"").await
}

async fn noise(rig: &Rig) -> Outcome {
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    stands(rig, &noise).await
}

async fn broken_text(rig: &Rig) -> Outcome {
    for bytes in [
        &b"\xff\xfe<\0a\0>\0"[..],
        b"a,b,\xc3\x28\n",
        b"a\0b\0\0\n",
        b"\xef\xbb\xbf",
        b"<a>\x80</a>",
        b"{\"a\":\"\xed\xa0\x80\"}",
    ] {
        stands(rig, bytes).await?;
    }
    Ok(())
}

async fn long_line(rig: &Rig) -> Outcome {
    stands(rig, &b"a".repeat(4 << 20)).await
}

async fn nested(rig: &Rig) -> Outcome {
    for opened in [&b"["[..], b"<a>", b"{\"a\":"] {
        stands(rig, &opened.repeat(50_000)).await?;
    }
    Ok(())
}

async fn cut(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    for part in 1..8 {
        stands(rig, &sample[..sample.len() * part / 8]).await?;
    }
    stands(rig, &sample[..sample.len().saturating_sub(1)]).await
}

async fn changed_json(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    if sample.len() > 256 << 10 {
        return skip("the sample is larger than 256 KiB");
    }
    let Some(reports) = changed(&sample) else { return skip("the sample is neither JSON nor lines of it") };
    for report in reports {
        stands(rig, &report).await?;
    }
    Ok(())
}

async fn failing_disk(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    let reading = rig.read(&sample, Handing::FailsAfter(sample.len() / 2)).await?;
    match &reading.answer {
        Ok(Err(_)) => Ok(()),
        Ok(Ok(_)) => fail("`read` failed half way, and `parse` was content"),
        Err(fault) => fail(format!("`parse` {fault}")),
    }
}

async fn whole(rig: &Rig) -> Result<(Vec<u8>, Reading), Stop> {
    let sample = rig.sample().await?;
    let reading = rig.read(&sample, Handing::Whole).await?;
    match &reading.answer {
        Ok(Ok(_)) => Ok((sample, reading)),
        _ => skip("it cannot read the sample (see the case `reads-its-report`)"),
    }
}

fn same(first: &Reading, second: &Reading) -> Outcome {
    if let (Ok(Ok(first)), Ok(Ok(second))) = (&first.answer, &second.answer)
        && first != second
    {
        return fail(format!("what it says of the report differs: {first:?} and {second:?}"));
    }
    match &second.answer {
        Ok(Err(malformed)) => return fail(format!("this time `parse` says {malformed}")),
        Err(fault) => return fail(format!("`parse` {fault}")),
        Ok(Ok(_)) => {}
    }
    let (one, other) = (first.findings.len(), second.findings.len());
    match first.findings.iter().zip(&second.findings).position(|(one, other)| one != other) {
        Some(at) => fail(format!("finding {at} is another")),
        None if one != other => fail(format!("{one} findings, and then {other}")),
        None => Ok(()),
    }
}

async fn pieces(rig: &Rig) -> Outcome {
    let (sample, reading) = whole(rig).await?;
    // Small pieces of a large report would take long, and show nothing more.
    let bytes = if sample.len() > 256 << 10 { return skip("the sample is larger than 256 KiB") } else { sample };
    same(&reading, &rig.read(&bytes, Handing::Pieces).await?)
}

async fn twice(rig: &Rig) -> Outcome {
    let (sample, reading) = whole(rig).await?;
    same(&reading, &rig.read(&sample, Handing::Whole).await?)
}

async fn refused(rig: &Rig) -> Outcome {
    let (sample, reading) = whole(rig).await?;
    if reading.findings.is_empty() {
        return skip("the sample has no findings");
    }
    let reading = rig.read_refused(&sample).await?;
    match &reading.answer {
        Ok(Ok(_)) => fail("`emit` failed, and `parse` was content"),
        Err(fault) => fail(format!("`parse` {fault}")),
        Ok(Err(_)) if reading.emitted_after_refusal > 0 => {
            fail(format!("`emit` failed, and {} more batches came", reading.emitted_after_refusal))
        }
        Ok(Err(_)) => Ok(()),
    }
}

async fn typed(rig: &Rig) -> Outcome {
    let (_, reading) = whole(rig).await?;
    match reading.warnings.iter().find(|warning| warning.contains("not of their field's type")) {
        Some(warning) => fail(format!("of the sample {warning}")),
        None => Ok(()),
    }
}

async fn quotes(rig: &Rig) -> Outcome {
    let mut damaged = vec![format!("{CANARY} <{CANARY}>{{\"{CANARY}\": {CANARY},{CANARY}\n").into_bytes()];
    if let Ok(sample) = rig.sample().await {
        let half = sample.len() / 2;
        damaged.push([&sample[..half], CANARY.as_bytes(), b"<<{{", CANARY.as_bytes()].concat());
    }
    for bytes in damaged {
        let reading = rig.read(&bytes, Handing::Whole).await?;
        let told = match &reading.answer {
            Ok(Ok(info)) => info.warnings.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>().join(" "),
            Ok(Err(malformed)) => malformed.message.clone(),
            Err(fault) => return fail(format!("`parse` {fault}")),
        };
        if told.contains(CANARY) {
            return fail("`parse` repeats what stands in the report in its error or a warning");
        }
    }
    Ok(())
}

async fn linear(rig: &Rig) -> Outcome {
    let text = |lines: usize| "10.0.0.1,443,High,something that is long enough to look like a finding\n".repeat(lines);
    let mut costs = Vec::new();
    for lines in [4_000, 8_000] {
        let before = rig.fuel();
        let reading = rig.read(text(lines).as_bytes(), Handing::Whole).await?;
        sound(&reading, text(lines).len())?;
        costs.push(rig.fuel() - before);
    }
    let (once, twice) = (costs[0], costs[1]);
    if twice * 100 > once * LINEAR {
        return fail(format!("{once} units of fuel for a report, {twice} for one of twice the size"));
    }
    Ok(())
}
