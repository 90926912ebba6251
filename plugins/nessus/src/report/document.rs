//! The shape of a report: which elements may stand where, and which of them mean something.
//!
//! `ReportHost` is read wherever it stands outside a policy and another host; a file of several of them, without
//! anything around, is a fragment, and read too. That tags match is seen to where they are read; what that leaves out
//! is checked here: names, attributes, what stands outside the root, that all is closed at the end.

use scanhost_sdk::xml::{Markup, NOT_A_NAME, Piece, Tag, Text, append_literal, check, is_name};

use super::{Chunks, Malformed, Sink, Summary, collector::Collector};

const MAX_DEPTH: usize = 256;
const MAX_NAME: usize = 1024;

/// Reads the whole report.
pub fn read<S: Sink>(chunks: impl Chunks, sink: &mut S) -> Result<Summary, Malformed> {
    let mut xml = Markup::new(chunks);
    let mut document = Document { places: Vec::new(), root: None, collector: Collector::new(sink) };
    loop {
        xml.take_text(document.text())?;
        let (piece, offset) = xml.next_piece()?;
        match piece {
            Piece::Open(tag) => document.open(&tag)?,
            Piece::Empty(tag) => {
                document.open(&tag)?;
                document.close(offset)?;
            }
            Piece::Close => document.close(offset)?,
            Piece::Literal(section) => document.take_literal(section.as_bytes(), offset)?,
            Piece::Aside => {}
            Piece::End => return document.finish(offset, xml.is_empty()),
        }
    }
}

struct Document<'s, S> {
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

impl<S: Sink> Document<'_, S> {
    /// What to do with the text up to the next tag.
    fn text(&mut self) -> Text<'_> {
        match self.places.last() {
            None if self.root.is_none() => Text::Blank("not XML: there is text before the first element"),
            None => Text::Blank("text after the end of the root element"),
            Some(place) => destination(&mut self.collector, *place),
        }
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

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Malformed> {
        let fail = |message| Err(tag.malformed(message));
        let name = tag.name;
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
            return self.open_root(tag);
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
            check(tag.attributes()).map_err(|fault| tag.malformed_at(&fault))?;
            place
        } else {
            self.enter(place, tag)?
        };
        self.places.push(place);
        Ok(())
    }

    fn open_root(&mut self, tag: &Tag<'_>) -> Result<(), Malformed> {
        let fail = |message| Err(tag.malformed(message));
        let (root, place) = match tag.name {
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
        let place = self.enter(place, tag)?;
        self.places.push(place);
        Ok(())
    }

    /// Tells the collector that an element begins. Returns what it turned out to be.
    fn enter(&mut self, place: Place, tag: &Tag<'_>) -> Result<Place, Malformed> {
        let (collector, attributes) = (&mut self.collector, tag.attributes());
        let entered = match place {
            Place::Around if tag.name == "Report" => collector.open_report(attributes),
            Place::Host => collector.open_host(attributes),
            Place::Item => collector.open_item(attributes),
            Place::Tag => match collector.open_tag(attributes) {
                Ok(false) => return Ok(Place::Skipped),
                wanted => wanted.map(drop),
            },
            Place::Policy | Place::PreferenceName | Place::Targets => {
                if tag.name == "preference" {
                    collector.open_preference();
                }
                collector.open_preference_part();
                check(attributes)
            }
            Place::Around | Place::Properties | Place::Field | Place::Skipped => check(attributes),
        };
        entered.map_err(|fault| tag.malformed_at(&fault))?;
        Ok(place)
    }

    fn close(&mut self, offset: u64) -> Result<(), Malformed> {
        // An end tag without a start tag was refused where it was read.
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

    fn finish(self, offset: u64, is_empty: bool) -> Result<Summary, Malformed> {
        let fail = |message| Err(Malformed::new(message, offset));
        if !self.places.is_empty() {
            return fail("the report ends inside an element: it is truncated");
        }
        match self.root {
            Some(_) => self.collector.finish().map_err(|reason| Malformed::new(reason, offset)),
            None if is_empty => fail("the report is empty"),
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
