//! Builds findings and a summary from elements and their text.

use std::ops::Range;

use scanhost_sdk::{
    backend::reader::Warning,
    xml::{Attributes, Fault, Text, trim},
};

use super::{
    Sink, Summary,
    batch::{BatchWriter, MAX_ITEM},
    fields::{HEADER, Names, Slot},
    host::{Host, MAX_VALUE, Property},
    item::{Item, MAX_VALUES, Span},
};

/// The longest list of targets that is kept, in bytes.
const MAX_TARGETS: usize = 8 * 1024 * 1024;

const TOO_LARGE: &str = "a finding has more than 7.6 MiB";

pub struct Collector<'s, S> {
    summary: Summary,
    names: Names,
    batches: BatchWriter<'s, S>,
    host: Host,
    item: Item,
    /// The child that is being read, and where its text begins in the arena.
    field: (Slot, usize),
    /// The host property that is being read.
    property: Property,
    /// Text that is neither a finding's value nor skipped.
    scratch: Vec<u8>,
    /// Whether the preference that is being read is the list of targets.
    is_target: bool,
    late_properties: u32,
    /// The number of `<` in findings' text that begin no tag.
    loose_markup: u64,
    /// The number of findings whose severity is not one of the scanner's.
    bad_severities: u64,
}

impl<'s, S: Sink> Collector<'s, S> {
    pub fn new(sink: &'s mut S) -> Self {
        Self {
            summary: Summary::default(),
            names: Names::new(),
            batches: BatchWriter::new(sink),
            host: Host::default(),
            item: Item::default(),
            field: (Slot::HOST, 0),
            property: Property::CredentialedScan,
            scratch: Vec::new(),
            is_target: false,
            late_properties: 0,
            loose_markup: 0,
            bad_severities: 0,
        }
    }

    pub fn open_report(&mut self, attributes: Attributes<'_>) -> Result<(), Fault> {
        let name = first(attributes, "name", &mut self.scratch)?;
        if self.summary.name.is_none() && !name.is_empty() {
            self.summary.name = Some(text_of(name));
        }
        Ok(())
    }

    pub fn open_preference(&mut self) {
        self.is_target = false;
    }

    pub fn open_preference_part(&mut self) {
        self.scratch.clear();
    }

    /// The destination of the text of a preference's name or value.
    pub fn preference_text(&mut self) -> Text<'_> {
        Text::Keep { into: &mut self.scratch, limit: MAX_TARGETS, too_long: "a preference has more than 8 MiB" }
    }

    pub fn close_preference_name(&mut self) {
        self.is_target = trim(&self.scratch).1 == b"TARGET";
    }

    pub fn is_target(&self) -> bool {
        self.is_target
    }

    pub fn close_preference_value(&mut self) {
        let (_, value) = trim(&self.scratch);
        if self.summary.targets.is_none() && !value.is_empty() {
            self.summary.targets = Some(text_of(value));
        }
    }

    pub fn open_host(&mut self, attributes: Attributes<'_>) -> Result<(), Fault> {
        let name = first(attributes, "name", &mut self.scratch)?;
        if name.len() > MAX_VALUE {
            return Err(Fault { message: "a host's name has more than 64 KiB", at: 0 });
        }
        self.host = Host::default();
        self.host.values[0].extend_from_slice(name);
        self.batches.begin_host();
        self.summary.hosts += 1;
        Ok(())
    }

    pub fn close_host(&mut self) -> Result<(), String> {
        self.summary.evidence.add(&self.host.evidence);
        self.batches.end_host()
    }

    pub fn close_properties(&mut self) {
        if !self.host.has_properties {
            self.host.has_properties = true;
            self.late_properties += u32::from(self.batches.complete(&self.host, &self.names));
        }
    }

    /// Returns whether the tag's text is needed.
    pub fn open_tag(&mut self, attributes: Attributes<'_>) -> Result<bool, Fault> {
        let property = Property::named(first(attributes, "name", &mut self.scratch)?);
        self.scratch.clear();
        self.property = property.unwrap_or(self.property);
        Ok(property.is_some())
    }

    pub fn tag_text(&mut self) -> Text<'_> {
        Text::Keep { into: &mut self.scratch, limit: MAX_VALUE, too_long: "a host property has more than 64 KiB" }
    }

    pub fn close_tag(&mut self) {
        self.host.set(self.property, trim(&self.scratch).1);
    }

    pub fn open_item(&mut self, attributes: Attributes<'_>) -> Result<(), Fault> {
        let arena = self.batches.arena();
        self.item.begin(arena.len());
        let mut seen = [false; HEADER.len()];
        for attribute in attributes {
            let attribute = attribute?;
            let start = arena.len();
            attribute.append_to(arena)?;
            let slot = attribute_slot(attribute.name).filter(|slot| !seen[slot.index()]);
            let Some(slot) = slot else {
                arena.truncate(start);
                continue;
            };
            seen[slot.index()] = true;
            let value = trim_end_of(arena, start);
            if !value.is_empty() {
                self.item.header[slot.index()] = Some(span(&value, self.item.start));
            }
        }
        if arena.len() - self.item.start > MAX_ITEM {
            return Err(Fault { message: TOO_LARGE, at: 0 });
        }
        let plugin = value_of(&self.item, Slot::PLUGIN_ID, arena);
        self.item.is_scan_information = plugin == b"19506";
        self.summary.evidence.see_plugin(&mut self.host.evidence, plugin);
        Ok(())
    }

    pub fn open_field(&mut self, element: &str) -> Result<(), &'static str> {
        self.field = (self.names.slot(element)?, self.batches.arena().len());
        Ok(())
    }

    pub fn field_text(&mut self) -> Text<'_> {
        let limit = self.item.start + MAX_ITEM;
        Text::KeepLoose { into: self.batches.arena(), limit, too_long: TOO_LARGE, loose: &mut self.loose_markup }
    }

    pub fn close_field(&mut self) -> Result<(), &'static str> {
        let (slot, start) = self.field;
        let arena = self.batches.arena();
        let value = trim_end_of(arena, start);
        if value.is_empty() {
            arena.truncate(start);
            return Ok(());
        }
        let text = &arena[value.clone()];
        let whole = span(&value, self.item.start);
        if slot == Slot::SEE_ALSO {
            let mut line_start = 0;
            for line_end in memchr::memchr_iter(b'\n', text).chain([text.len()]) {
                let (begin, trimmed) = trim(&text[line_start..line_end]);
                if !trimmed.is_empty() {
                    let begin = value.start + line_start + begin;
                    self.item.children.push((slot, span(&(begin..begin + trimmed.len()), self.item.start)));
                }
                line_start = line_end + 1;
            }
        } else {
            self.item.see(slot, whole, text);
            self.item.children.push((slot, whole));
            if self.item.is_scan_information && slot == Slot::PLUGIN_OUTPUT {
                self.host.evidence.see_scan_information(text);
            }
        }
        if self.item.children.len() > MAX_VALUES {
            return Err("a finding has more than 100,000 values");
        }
        Ok(())
    }

    pub fn close_item(&mut self) -> Result<(), String> {
        let arena = self.batches.arena();
        let given = match value_of(&self.item, Slot::SEVERITY, arena) {
            [b'0'..=b'4'] => self.item.header[Slot::SEVERITY.index()],
            [] => None,
            _ => {
                self.bad_severities += 1;
                None
            }
        };
        let severity = given.unwrap_or_else(|| {
            let start = arena.len();
            arena.push(self.item.risk.unwrap_or(b'0'));
            span(&(start..start + 1), self.item.start)
        });
        // The same digit is read as a severity and as a number.
        self.item.header[Slot::SEVERITY.index()] = Some(severity);
        self.item.header[Slot::SEVERITY_ID.index()] = Some(severity);
        self.summary.findings += 1;
        self.batches.add(&mut self.item, &self.host, &self.names)
    }

    pub fn finish(mut self) -> Result<Summary, String> {
        self.batches.flush()?;
        let mut warn = |code: &str, message: String| {
            self.summary.warnings.push(Warning { code: code.to_owned(), message });
        };
        if self.summary.hosts == 0 {
            warn("no_hosts", "the report has no hosts: was the target reachable?".to_owned());
        }
        if self.late_properties > 0 {
            let hosts = self.late_properties;
            warn("late_host_properties", format!("on {hosts} hosts some findings lack the host's address and names"));
        }
        if self.loose_markup > 0 {
            let count = self.loose_markup;
            warn(
                "loose_markup",
                format!("the report is not valid XML: {count} `<` that begin no tag were read as text"),
            );
        }
        if self.bad_severities > 0 {
            let count = self.bad_severities;
            let instead = "the severity of their risk_factor is used, otherwise Info";
            warn("bad_severity", format!("{count} findings have a severity other than 0 to 4: {instead}"));
        }
        Ok(self.summary)
    }
}

fn attribute_slot(name: &str) -> Option<Slot> {
    match name {
        "pluginID" => Some(Slot::PLUGIN_ID),
        "pluginName" => Some(Slot::PLUGIN_NAME),
        "pluginFamily" => Some(Slot::PLUGIN_FAMILY),
        "severity" => Some(Slot::SEVERITY),
        "port" => Some(Slot::PORT),
        "protocol" => Some(Slot::PROTOCOL),
        "svc_name" => Some(Slot::SVC_NAME),
        _ => None,
    }
}

/// Returns the trimmed value of the first attribute with this name; empty if there is none. All attributes are checked.
fn first<'a>(attributes: Attributes<'_>, name: &str, into: &'a mut Vec<u8>) -> Result<&'a [u8], Fault> {
    into.clear();
    let mut end = None;
    for attribute in attributes {
        let attribute = attribute?;
        let start = into.len();
        attribute.append_to(into)?;
        if attribute.name == name && end.is_none() {
            end = Some(into.len());
            into.drain(..start);
            end = end.map(|end| end - start);
        } else {
            into.truncate(start);
        }
    }
    Ok(trim(&into[..end.unwrap_or(0)]).1)
}

fn value_of<'a>(item: &Item, slot: Slot, arena: &'a [u8]) -> &'a [u8] {
    item.header[slot.index()].map_or(&[], |span| {
        let start = item.start + span.offset as usize;
        &arena[start..start + span.length as usize]
    })
}

/// Trims the value that was written from `start` on, removes what follows it, and returns its range.
fn trim_end_of(arena: &mut Vec<u8>, start: usize) -> Range<usize> {
    let (begin, value) = trim(&arena[start..]);
    let range = start + begin..start + begin + value.len();
    arena.truncate(range.end);
    range
}

fn span(range: &Range<usize>, start: usize) -> Span {
    Span { offset: (range.start - start) as u32, length: range.len() as u32 }
}

/// Values are UTF-8 because the input is.
fn text_of(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
