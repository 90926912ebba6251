//! Cases about reports that are cut, damaged or hostile: `parse` returns an error with its offset and never crashes.

use crate::{
    case::{Case, Outcome, Stop, case, fail, skip},
    mutation::mutations,
    rig::Rig,
    sample::{Delivery, ParseResult},
};

/// A text that no error or warning of a parser may repeat.
const CANARY: &str = "canary-91d3ab";

/// How much more fuel a report of twice the size may cost, in percent. Quadratic work would cost 400.
const MAX_COST_PERCENT: u64 = 300;

pub fn cases() -> Vec<Case<Rig>> {
    vec![
        case!("stands-an-empty-report", empty, "a transfer may end before the first byte"),
        case!("stands-binary-noise", noise, "the report may be some other file"),
        case!("stands-broken-text", broken_text, "a report may have NUL bytes, broken UTF-8 or another encoding"),
        case!("stands-one-long-line", long_line, "a line of four million characters has to fit into its memory"),
        case!("stands-deep-nesting", nested, "deeply nested brackets must not exhaust the stack"),
        case!("stands-a-cut-report", cut, "a transfer may end anywhere"),
        case!("stands-changed-json", changed_json, "a new version of a scanner may drop keys and change types"),
        case!("tells-a-failing-disk", failing_disk, "half a report must never be mistaken for a whole one"),
        case!("reads-odd-pieces", pieces, "`read` may return fewer bytes than asked for"),
        case!("reads-the-same-twice", twice, "a report has the same findings each time it is read"),
        case!(
            "stops-at-a-refused-batch",
            refused,
            "after an error of `emit` nothing more can be stored, so `parse` has to end"
        ),
        case!("has-well-typed-values", typed, "the host leaves out values that are not of their field's type"),
        case!(
            "reports-no-quotes",
            quotes,
            "an attacker may control a report, so no text of it may be in errors and warnings"
        ),
        case!(
            "reads-in-linear-time",
            linear,
            "a report may have a gigabyte, so twice the size may cost only twice the work"
        ),
    ]
}

/// Fails if the call failed, a batch broke a rule, or an error has no message or lies outside of the report.
fn check_parse(parsed: &ParseResult, size: usize) -> Outcome {
    match &parsed.answer {
        Err(fault) => fail(format!("`parse` {fault}")),
        Ok(Err(malformed)) if malformed.offset > size as u64 => {
            fail(format!("`parse` reported an error at byte {} of a report of {size} bytes", malformed.offset))
        }
        Ok(Err(malformed)) if malformed.message.is_empty() => fail("the error that `parse` returned has no message"),
        Ok(_) => match &parsed.broken_rule {
            Some(rule) => fail(format!("a batch breaks a rule of the host: {rule}")),
            None => Ok(()),
        },
    }
}

async fn check_survives(rig: &Rig, bytes: &[u8]) -> Outcome {
    check_parse(&rig.read(bytes, Delivery::Whole).await?, bytes.len())
}

async fn empty(rig: &Rig) -> Outcome {
    check_survives(rig, b"").await
}

async fn noise(rig: &Rig) -> Outcome {
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    check_survives(rig, &noise).await
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
        check_survives(rig, bytes).await?;
    }
    Ok(())
}

async fn long_line(rig: &Rig) -> Outcome {
    check_survives(rig, &b"a".repeat(4 << 20)).await
}

async fn nested(rig: &Rig) -> Outcome {
    for opened in [&b"["[..], b"<a>", b"{\"a\":"] {
        check_survives(rig, &opened.repeat(50_000)).await?;
    }
    Ok(())
}

async fn cut(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    for part in 1..8 {
        check_survives(rig, &sample[..sample.len() * part / 8]).await?;
    }
    check_survives(rig, &sample[..sample.len().saturating_sub(1)]).await
}

async fn changed_json(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    if sample.len() > 256 << 10 {
        return skip("the sample is larger than 256 KiB");
    }
    let Some(reports) = mutations(&sample) else { return skip("the sample is neither JSON nor JSON lines") };
    for report in reports {
        check_survives(rig, &report).await?;
    }
    Ok(())
}

async fn failing_disk(rig: &Rig) -> Outcome {
    let sample = rig.sample().await?;
    let parsed = rig.read(&sample, Delivery::FailsAfter(sample.len() / 2)).await?;
    match &parsed.answer {
        Ok(Err(_)) => Ok(()),
        Ok(Ok(_)) => fail("`read` failed halfway, but `parse` succeeded"),
        Err(fault) => fail(format!("`parse` {fault}")),
    }
}

async fn whole(rig: &Rig) -> Result<(Vec<u8>, ParseResult), Stop> {
    let sample = rig.sample().await?;
    let parsed = rig.read(&sample, Delivery::Whole).await?;
    match &parsed.answer {
        Ok(Ok(_)) => Ok((sample, parsed)),
        _ => skip("`parse` cannot read the sample (see the case `reads-its-report`)"),
    }
}

fn same(first: &ParseResult, second: &ParseResult) -> Outcome {
    if let (Ok(Ok(first)), Ok(Ok(second))) = (&first.answer, &second.answer)
        && first != second
    {
        return fail(format!("`parse` returned {first:?} first, then {second:?}"));
    }
    match &second.answer {
        Ok(Err(malformed)) => return fail(format!("the second time `parse` returned the error {malformed}")),
        Err(fault) => return fail(format!("`parse` {fault}")),
        Ok(Ok(_)) => {}
    }
    let (one, other) = (first.findings.len(), second.findings.len());
    match first.findings.iter().zip(&second.findings).position(|(one, other)| one != other) {
        Some(at) => fail(format!("finding {at} differs")),
        None if one != other => fail(format!("`parse` found {one} findings first, then {other}")),
        None => Ok(()),
    }
}

async fn pieces(rig: &Rig) -> Outcome {
    let (sample, parsed) = whole(rig).await?;
    // Small pieces of a large report would take long and show nothing more.
    let bytes = if sample.len() > 256 << 10 { return skip("the sample is larger than 256 KiB") } else { sample };
    same(&parsed, &rig.read(&bytes, Delivery::Pieces).await?)
}

async fn twice(rig: &Rig) -> Outcome {
    let (sample, parsed) = whole(rig).await?;
    same(&parsed, &rig.read(&sample, Delivery::Whole).await?)
}

async fn refused(rig: &Rig) -> Outcome {
    let (sample, parsed) = whole(rig).await?;
    if parsed.findings.is_empty() {
        return skip("the sample has no findings");
    }
    let parsed = rig.read_refused(&sample).await?;
    match &parsed.answer {
        Ok(Ok(_)) => fail("`emit` failed, but `parse` succeeded"),
        Err(fault) => fail(format!("`parse` {fault}")),
        Ok(Err(_)) if parsed.emitted_after_refusal > 0 => {
            fail(format!("`emit` failed, but `parse` emitted {} more batches", parsed.emitted_after_refusal))
        }
        Ok(Err(_)) => Ok(()),
    }
}

async fn typed(rig: &Rig) -> Outcome {
    let (_, parsed) = whole(rig).await?;
    match parsed.warnings.iter().find(|warning| warning.contains("not of their field's type")) {
        Some(warning) => fail(format!("in the sample, {warning}")),
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
        let parsed = rig.read(&bytes, Delivery::Whole).await?;
        let message = match &parsed.answer {
            Ok(Ok(info)) => info.warnings.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>().join(" "),
            Ok(Err(malformed)) => malformed.message.clone(),
            Err(fault) => return fail(format!("`parse` {fault}")),
        };
        if message.contains(CANARY) {
            return fail("`parse` repeats text of the report in its error or in a warning");
        }
    }
    Ok(())
}

async fn linear(rig: &Rig) -> Outcome {
    let text = |lines: usize| "10.0.0.1,443,High,something that is long enough to look like a finding\n".repeat(lines);
    let mut costs = Vec::new();
    for lines in [4_000, 8_000] {
        let before = rig.fuel();
        let parsed = rig.read(text(lines).as_bytes(), Delivery::Whole).await?;
        check_parse(&parsed, text(lines).len())?;
        costs.push(rig.fuel() - before);
    }
    let (once, twice) = (costs[0], costs[1]);
    if twice * 100 > once * MAX_COST_PERCENT {
        return fail(format!("a report costs {once} units of fuel, and one of twice the size costs {twice}"));
    }
    Ok(())
}
