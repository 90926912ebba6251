//! The structure of a report: which elements may stand where, and which of them are used.
//!
//! `ReportHost` is read wherever it stands outside a policy and another host; a file of several of them, without an
//! element around them, is a fragment, which is read too. The XML reader checks that tags match; this module checks the
//! rest: names, attributes, text outside the root, and that all elements are closed at the end.

use scanhost_sdk::xml::{Markup, NOT_A_NAME, Piece, Tag, Text, append_literal, check, is_name};

use super::{Chunks, Malformed, Sink, Summary, collector::Collector};

const MAX_DEPTH: usize = 256;
const MAX_NAME: usize = 1024;

/// Reads the whole report.
pub fn read<S: Sink>(chunks: impl Chunks, sink: &mut S) -> Result<Summary, Malformed> {
    let mut xml = Markup::new(chunks);
    let mut document = Document { elements: Vec::new(), root: None, collector: Collector::new(sink) };
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
            Piece::Ignored => {}
            Piece::End => return document.finish(offset, xml.is_empty()),
        }
    }
}

struct Document<'s, S> {
    /// The open elements, the innermost last.
    elements: Vec<Element>,
    root: Option<Root>,
    collector: Collector<'s, S>,
}

/// The meaning of an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    /// An element around hosts and policies: `NessusClientData_v2`, `Report`, or an unknown one.
    Container,
    /// `Policy` and the elements in it.
    Policy,
    /// `name` in a policy, and the elements in it.
    PreferenceName,
    /// `value` of the preference that lists the targets, and the elements in it.
    Targets,
    /// `ReportHost`.
    Host,
    /// `HostProperties`.
    Properties,
    /// A `tag` that is used, and the elements in it.
    Tag,
    /// `ReportItem`.
    Item,
    /// A child of a `ReportItem`, and the elements in it.
    Field,
    /// Any other element in a host.
    Skipped,
}

/// The first element of the file.
#[derive(PartialEq, Eq)]
enum Root {
    /// No element may follow it.
    Report,
    /// More hosts may follow it.
    Fragment,
}

impl<S: Sink> Document<'_, S> {
    /// What to do with the text up to the next tag.
    fn text(&mut self) -> Text<'_> {
        match self.elements.last() {
            None if self.root.is_none() => Text::Blank("not XML: there is text before the first element"),
            None => Text::Blank("there is text after the end of the root element"),
            Some(element) => destination(&mut self.collector, *element),
        }
    }

    fn take_literal(&mut self, literal: &[u8], offset: u64) -> Result<(), Malformed> {
        let Some(element) = self.elements.last() else {
            return Err(Malformed::new("there is text outside the root element", offset));
        };
        match destination(&mut self.collector, *element) {
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
        if self.elements.len() == MAX_DEPTH {
            return fail("elements are nested deeper than 256 levels");
        }
        if name.len() > MAX_NAME {
            return fail("an element's name has more than 1,024 bytes");
        }
        let parent = self.elements.last().copied();
        // A field's name is checked when it is read for the first time.
        if parent != Some(Element::Item) && !is_name(name) {
            return fail(NOT_A_NAME);
        }
        let Some(parent) = parent else {
            return self.open_root(tag);
        };
        let element = match (parent, name) {
            (Element::Container, "ReportHost") => Element::Host,
            (Element::Container, "Policy") => Element::Policy,
            (Element::Container, _) => Element::Container,
            (Element::Policy, "name") => Element::PreferenceName,
            (Element::Policy, "value") if self.collector.is_target() => Element::Targets,
            (Element::Host, "HostProperties") => Element::Properties,
            (Element::Host, "ReportItem") => Element::Item,
            (Element::Host | Element::Skipped, _) => Element::Skipped,
            (Element::Properties, "tag") => Element::Tag,
            (Element::Properties, _) => Element::Skipped,
            (Element::Item, _) => Element::Field,
            (Element::Policy | Element::PreferenceName | Element::Targets | Element::Tag | Element::Field, _) => parent,
        };
        if parent == Element::Item {
            self.collector.open_field(name).or_else(fail)?;
        }
        // Elements inside of a text are only checked.
        let is_nested = element == parent && element != Element::Container && element != Element::Policy;
        let element = if is_nested {
            check(tag.attributes()).map_err(|fault| tag.malformed_at(&fault))?;
            element
        } else {
            self.enter(element, tag)?
        };
        self.elements.push(element);
        Ok(())
    }

    fn open_root(&mut self, tag: &Tag<'_>) -> Result<(), Malformed> {
        let fail = |message| Err(tag.malformed(message));
        let (root, element) = match tag.name {
            "NessusClientData_v2" | "Report" => (Root::Report, Element::Container),
            "ReportHost" => (Root::Fragment, Element::Host),
            "NessusClientData" => {
                return fail("the report is in the unsupported Nessus v1 format: export it as .nessus version 2");
            }
            _ => return fail("not a Nessus report: the root element is not NessusClientData_v2"),
        };
        match self.root {
            None => self.root = Some(root),
            Some(Root::Fragment) if root == Root::Fragment => {}
            Some(Root::Report | Root::Fragment) => return fail("there is a second root element"),
        }
        let element = self.enter(element, tag)?;
        self.elements.push(element);
        Ok(())
    }

    /// Tells the collector that an element begins. Returns the meaning of the element.
    fn enter(&mut self, element: Element, tag: &Tag<'_>) -> Result<Element, Malformed> {
        let (collector, attributes) = (&mut self.collector, tag.attributes());
        let entered = match element {
            Element::Container if tag.name == "Report" => collector.open_report(attributes),
            Element::Host => collector.open_host(attributes),
            Element::Item => collector.open_item(attributes),
            Element::Tag => match collector.open_tag(attributes) {
                Ok(false) => return Ok(Element::Skipped),
                wanted => wanted.map(drop),
            },
            Element::Policy | Element::PreferenceName | Element::Targets => {
                if tag.name == "preference" {
                    collector.open_preference();
                }
                collector.open_preference_part();
                check(attributes)
            }
            Element::Container | Element::Properties | Element::Field | Element::Skipped => check(attributes),
        };
        entered.map_err(|fault| tag.malformed_at(&fault))?;
        Ok(element)
    }

    fn close(&mut self, offset: u64) -> Result<(), Malformed> {
        // The XML reader has refused an end tag without a start tag.
        let Some(element) = self.elements.pop() else { return Ok(()) };
        let collector = &mut self.collector;
        match (element, self.elements.last()) {
            (Element::Field, Some(Element::Item)) => {
                collector.close_field().map_err(|message| Malformed::new(message, offset))?;
            }
            (Element::Tag, Some(Element::Properties)) => collector.close_tag(),
            (Element::PreferenceName, Some(Element::Policy)) => collector.close_preference_name(),
            (Element::Targets, Some(Element::Policy)) => collector.close_preference_value(),
            (Element::Properties, _) => collector.close_properties(),
            (Element::Item, _) => collector.close_item().map_err(|reason| Malformed::new(reason, offset))?,
            (Element::Host, _) => collector.close_host().map_err(|reason| Malformed::new(reason, offset))?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self, offset: u64, is_empty: bool) -> Result<Summary, Malformed> {
        let fail = |message| Err(Malformed::new(message, offset));
        if !self.elements.is_empty() {
            return fail("the report ends inside an element: it is truncated");
        }
        match self.root {
            Some(_) => self.collector.finish().map_err(|reason| Malformed::new(reason, offset)),
            None if is_empty => fail("the report is empty"),
            None => fail("not a Nessus report: it contains no element"),
        }
    }
}

fn destination<'a, S: Sink>(collector: &'a mut Collector<'_, S>, element: Element) -> Text<'a> {
    match element {
        Element::Field => collector.field_text(),
        Element::Tag => collector.tag_text(),
        Element::PreferenceName | Element::Targets => collector.preference_text(),
        Element::Container
        | Element::Policy
        | Element::Host
        | Element::Properties
        | Element::Item
        | Element::Skipped => Text::Skip,
    }
}
