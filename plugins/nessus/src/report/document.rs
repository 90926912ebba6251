//! The shape of a report: which elements may stand where, and which of them mean something.
//!
//! `ReportHost` is read wherever it stands outside a policy and another host; a file of several of them, without
//! anything around, is a fragment, and read too. The XML reader sees to it that tags match; what it leaves out is
//! checked here: names, attributes, what stands outside the root, that all is closed at the end.

use quick_xml::events::BytesStart;
use scanhost_sdk::xml::{Attributes, Fault, Markup, NOT_A_NAME, Piece, Text, append_literal, check, is_name};

use super::{Chunks, Malformed, Sink, Summary, collector::Collector};

const MAX_DEPTH: usize = 256;
const MAX_NAME: usize = 1024;

pub struct Document<'s, C: Chunks, S> {
    xml: Markup<C>,
    /// What each open element is, the innermost last.
    places: Vec<Place>,
    root: Option<Root>,
    collector: Collector<'s, S>,
}

/// What an element is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Around hosts and policies: `NessusClientData_v2`, `Report`, and what we do not know.
    Around,
    /// `Policy` and what is in it.
    Policy,
    /// `name` in a policy, and what is in it.
    PreferenceName,
    /// `value` of the preference that lists the targets, and what is in it.
    Targets,
    /// `ReportHost`.
    Host,
    /// `HostProperties`.
    Properties,
    /// A `tag` that means something, and what is in it.
    Tag,
    /// `ReportItem`.
    Item,
    /// A child of a `ReportItem`, and what is in it.
    Field,
    /// Anything else in a host.
    Skipped,
}

/// The first element of the file.
#[derive(PartialEq, Eq)]
enum Root {
    /// Nothing may follow it.
    Report,
    /// More hosts may follow it.
    Fragment,
}

impl<'s, C: Chunks, S: Sink> Document<'s, C, S> {
    pub fn new(chunks: C, sink: &'s mut S) -> Self {
        let xml = Markup::new(chunks);
        Self { xml, places: Vec::new(), root: None, collector: Collector::new(sink) }
    }

    pub fn read(mut self) -> Result<Summary, Malformed> {
        let mut buffer = Vec::new();
        loop {
            self.take_text()?;
            let (piece, offset) = self.xml.next(&mut buffer)?;
            match piece {
                Piece::Open(tag) => self.open(&tag, offset)?,
                Piece::Empty(tag) => {
                    self.open(&tag, offset)?;
                    self.close(offset)?;
                }
                Piece::Close => self.close(offset)?,
                Piece::Literal(section) => self.take_literal(section.as_bytes(), offset)?,
                Piece::Aside => {}
                Piece::End => return self.finish(),
            }
        }
    }

    fn take_text(&mut self) -> Result<(), Malformed> {
        let text = match self.places.last() {
            None if self.root.is_none() => Text::Blank("not XML: there is text before the first element"),
            None => Text::Blank("text after the end of the root element"),
            Some(place) => destination(&mut self.collector, *place),
        };
        self.xml.take_text(text)
    }

    fn take_literal(&mut self, literal: &[u8], offset: u64) -> Result<(), Malformed> {
        let Some(place) = self.places.last() else {
            return Err(Malformed::new("text outside the root element", offset));
        };
        match destination(&mut self.collector, *place) {
            Text::Keep { into, limit, too_long } | Text::KeepLoose { into, limit, too_long, .. } => {
                append_literal(literal, into);
                if into.len() > limit { Err(Malformed::new(too_long, offset)) } else { Ok(()) }
            }
            Text::Skip | Text::Blank(_) => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, offset: u64) -> Result<(), Malformed> {
        let fail = |message| Err(Malformed::new(message, offset));
        let (name, raw) = (tag.name().0, tag.attributes_raw());
        if self.places.len() == MAX_DEPTH {
            return fail("elements nested deeper than 256 levels");
        }
        if name.len() > MAX_NAME {
            return fail("an element's name of more than 1,024 bytes");
        }
        let parent = self.places.last().copied();
        // A field's name is checked when it is met for the first time.
        if parent != Some(Place::Item) && !is_name(name) {
            return fail(NOT_A_NAME);
        }
        let Some(parent) = parent else {
            return self.open_root(name, raw, offset);
        };
        let place = match (parent, name) {
            (Place::Around, "ReportHost") => Place::Host,
            (Place::Around, "Policy") => Place::Policy,
            (Place::Around, _) => Place::Around,
            (Place::Policy, "name") => Place::PreferenceName,
            (Place::Policy, "value") if self.collector.is_target() => Place::Targets,
            (Place::Host, "HostProperties") => Place::Properties,
            (Place::Host, "ReportItem") => Place::Item,
            (Place::Host | Place::Skipped, _) => Place::Skipped,
            (Place::Properties, "tag") => Place::Tag,
            (Place::Properties, _) => Place::Skipped,
            (Place::Item, _) => Place::Field,
            (Place::Policy | Place::PreferenceName | Place::Targets | Place::Tag | Place::Field, _) => parent,
        };
        if parent == Place::Item {
            self.collector.open_field(name).or_else(fail)?;
        }
        // What is nested in a piece of text opens nothing.
        let is_nested = place == parent && place != Place::Around && place != Place::Policy;
        let place = if is_nested {
            self.checked(name, raw, offset, |_, attributes| check(attributes))?;
            place
        } else {
            self.enter(place, name, raw, offset)?
        };
        self.places.push(place);
        Ok(())
    }

    fn open_root(&mut self, name: &str, raw: &str, offset: u64) -> Result<(), Malformed> {
        let fail = |message| Err(Malformed::new(message, offset));
        let (root, place) = match name {
            "NessusClientData_v2" | "Report" => (Root::Report, Place::Around),
            "ReportHost" => (Root::Fragment, Place::Host),
            "NessusClientData" => {
                return fail("a report in the Nessus v1 format, which is not read: export it as .nessus version 2");
            }
            _ => return fail("not a Nessus report: the root element is not NessusClientData_v2"),
        };
        match self.root {
            None => self.root = Some(root),
            Some(Root::Fragment) if root == Root::Fragment => {}
            Some(Root::Report | Root::Fragment) => return fail("a second root element"),
        }
        let place = self.enter(place, name, raw, offset)?;
        self.places.push(place);
        Ok(())
    }

    /// Tells the collector that an element begins. Returns what it turned out to be.
    fn enter(&mut self, place: Place, name: &str, raw: &str, offset: u64) -> Result<Place, Malformed> {
        self.checked(name, raw, offset, |collector, attributes| {
            match place {
                Place::Around if name == "Report" => collector.open_report(attributes)?,
                Place::Host => collector.open_host(attributes)?,
                Place::Item => collector.open_item(attributes)?,
                Place::Tag => {
                    let is_wanted = collector.open_tag(attributes)?;
                    return Ok(if is_wanted { Place::Tag } else { Place::Skipped });
                }
                Place::Policy | Place::PreferenceName | Place::Targets => {
                    if name == "preference" {
                        collector.open_preference();
                    }
                    collector.open_preference_part();
                    check(attributes)?;
                }
                Place::Around | Place::Properties | Place::Field | Place::Skipped => check(attributes)?,
            }
            Ok(place)
        })
    }

    /// Does something with a tag's attributes, and says where it stands if that fails.
    fn checked<T>(
        &mut self,
        name: &str,
        raw: &str,
        offset: u64,
        act: impl FnOnce(&mut Collector<'s, S>, Attributes<'_>) -> Result<T, Fault>,
    ) -> Result<T, Malformed> {
        let result = act(&mut self.collector, Attributes::new(raw));
        result.map_err(|fault| self.xml.place_in_tag(&fault, offset, name, raw))
    }

    fn close(&mut self, offset: u64) -> Result<(), Malformed> {
        // The XML reader refuses an end tag without a start tag.
        let Some(place) = self.places.pop() else { return Ok(()) };
        let collector = &mut self.collector;
        match (place, self.places.last()) {
            (Place::Field, Some(Place::Item)) => {
                collector.close_field().map_err(|message| Malformed::new(message, offset))?;
            }
            (Place::Tag, Some(Place::Properties)) => collector.close_tag(),
            (Place::PreferenceName, Some(Place::Policy)) => collector.close_preference_name(),
            (Place::Targets, Some(Place::Policy)) => collector.close_preference_value(),
            (Place::Properties, _) => collector.close_properties(),
            (Place::Item, _) => collector.close_item().map_err(|reason| Malformed::new(reason, offset))?,
            (Place::Host, _) => collector.close_host().map_err(|reason| Malformed::new(reason, offset))?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Summary, Malformed> {
        let offset = self.xml.offset();
        let fail = |message| Err(Malformed::new(message, offset));
        if !self.places.is_empty() {
            return fail("the report ends inside an element: it is truncated");
        }
        match self.root {
            Some(_) => self.collector.finish().map_err(|reason| Malformed::new(reason, offset)),
            None if self.xml.is_empty() => fail("the report is empty"),
            None => fail("not a Nessus report: there is no element in it"),
        }
    }
}

fn destination<'a, S: Sink>(collector: &'a mut Collector<'_, S>, place: Place) -> Text<'a> {
    match place {
        Place::Field => collector.field_text(),
        Place::Tag => collector.tag_text(),
        Place::PreferenceName | Place::Targets => collector.preference_text(),
        Place::Around | Place::Policy | Place::Host | Place::Properties | Place::Item | Place::Skipped => Text::Skip,
    }
}
