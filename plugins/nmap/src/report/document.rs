//! The shape of a report: which elements mean something where they stand.

use scanhost_sdk::{
    findings::Findings,
    xml::{Attributes, Chunks, Fault, Malformed, Markup, NOT_A_NAME, Piece, Tag, Text, append_literal, check, is_name},
};

use super::{
    Summary,
    finding::Writer,
    host::{Host, Port},
    script::Script,
};

const MAX_DEPTH: usize = 256;

/// The longest text between two tags that means something.
const MAX_TEXT: usize = 4 << 20;

/// More than nmap has hosts, ports and scripts in a moment.
const MAX_SCRIPTS: usize = 10_000;

/// Reads the whole report.
pub fn read(chunks: impl Chunks, findings: Findings<'_>) -> Result<Summary, Malformed> {
    let mut xml = Markup::new(chunks);
    let mut document = Document::new(findings);
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
            Piece::Literal(section) if document.is_text_kept() => {
                append_literal(section.as_bytes(), &mut document.text);
            }
            Piece::Literal(_) | Piece::Aside => {}
            Piece::End => return document.finish(offset, xml.is_empty()),
        }
    }
}

struct Document<'f> {
    places: Vec<Place>,
    has_root: bool,
    writer: Writer<'f>,
    summary: Summary,
    host: Host,
    port: Port,
    /// Of the port or the host that is being read.
    scripts: Vec<Script>,
    text: Vec<u8>,
}

/// What an element is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Run,
    Host,
    HostNames,
    Ports,
    Port,
    Service,
    /// What names a product, in the way of everybody.
    Cpe,
    HostScript,
    Script,
    Table,
    Elem,
    Statistics,
    /// Anything else, and what is in it.
    Skipped,
}

impl<'f> Document<'f> {
    fn new(findings: Findings<'f>) -> Self {
        Self {
            places: Vec::new(),
            has_root: false,
            writer: Writer::new(findings),
            summary: Summary::default(),
            host: Host::default(),
            port: Port::default(),
            scripts: Vec::new(),
            text: Vec::new(),
        }
    }

    fn is_text_kept(&self) -> bool {
        matches!(self.places.last(), Some(Place::Cpe | Place::Elem))
    }

    /// What to do with the text up to the next tag.
    fn text(&mut self) -> Text<'_> {
        if self.is_text_kept() {
            Text::Keep { into: &mut self.text, limit: MAX_TEXT, too_long: "a text of more than 4 MiB" }
        } else if self.places.is_empty() {
            Text::Blank(if self.has_root {
                "text after the end of the root element"
            } else {
                "not XML: it begins with text"
            })
        } else {
            Text::Skip
        }
    }

    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Malformed> {
        let fail = |message| Err(tag.malformed(message));
        let name = tag.name;
        if self.places.len() == MAX_DEPTH {
            return fail("elements nested deeper than 256 levels");
        }
        if !is_name(name) {
            return fail(NOT_A_NAME);
        }
        let place = match (self.places.last(), name) {
            (None, _) if self.has_root => return fail("a second root element"),
            (None, "nmaprun") => Place::Run,
            (None, _) => return fail("not a report of nmap: the root element is not nmaprun"),
            (Some(Place::Run), "host") => Place::Host,
            (Some(Place::Run), "runstats") => Place::Statistics,
            (Some(Place::Host), "hostnames") => Place::HostNames,
            (Some(Place::Host), "ports") => Place::Ports,
            (Some(Place::Host), "hostscript") => Place::HostScript,
            (Some(Place::Ports), "port") => Place::Port,
            (Some(Place::Port), "service") => Place::Service,
            (Some(Place::Service), "cpe") => Place::Cpe,
            (Some(Place::Port | Place::HostScript), "script") => Place::Script,
            (Some(Place::Script | Place::Table), "table") => Place::Table,
            (Some(Place::Script | Place::Table), "elem") => Place::Elem,
            (Some(_), _) => Place::Skipped,
        };
        self.has_root = true;
        let parent = self.places.last().copied();
        self.enter(place, parent, name, tag.attributes()).map_err(|fault| tag.malformed_at(&fault))?;
        self.places.push(place);
        Ok(())
    }

    fn enter(&mut self, place: Place, parent: Option<Place>, name: &str, given: Attributes<'_>) -> Result<(), Fault> {
        match (place, parent) {
            (Place::Host, _) => {
                check(given)?;
                self.host = Host::default();
            }
            (Place::Port, _) => {
                let [protocol, number] = values(given, ["protocol", "portid"])?;
                self.port = Port { protocol, number, ..Port::default() };
                self.scripts.clear();
            }
            (Place::HostScript, _) => {
                check(given)?;
                self.scripts.clear();
            }
            (Place::Service, _) => {
                let wanted = ["name", "product", "version", "extrainfo", "ostype", "tunnel"];
                let [name, product, version, extra, system, tunnel] = values(given, wanted)?;
                self.port.service = super::host::Service { name, product, version, extra, system, tunnel };
            }
            (Place::Script, _) => {
                let [id, output] = values(given, ["id", "output"])?;
                if self.scripts.len() == MAX_SCRIPTS {
                    return Err(Fault { message: "more than 10,000 scripts at one place", at: 0 });
                }
                self.scripts.push(Script::new(id, output));
            }
            (Place::Table, _) => {
                let [key] = values(given, ["key"])?;
                self.in_script(|script| script.open_table(key));
            }
            (Place::Elem, _) => {
                let [key] = values(given, ["key"])?;
                self.text.clear();
                self.in_script(|script| script.open_elem(key));
            }
            (Place::Cpe, _) => {
                self.text.clear();
                check(given)?;
            }
            (Place::Skipped, Some(Place::Host)) if name == "status" => {
                let [state] = values(given, ["state"])?;
                self.host.is_up = state == "up";
            }
            (Place::Skipped, Some(Place::Host)) if name == "address" => {
                let [address, kind] = values(given, ["addr", "addrtype"])?;
                self.host.add_address(address, &kind);
            }
            (Place::Skipped, Some(Place::HostNames)) if name == "hostname" => {
                let [found, kind] = values(given, ["name", "type"])?;
                self.host.add_name(found, &kind);
            }
            (Place::Skipped, Some(Place::Port)) if name == "state" => {
                let [state] = values(given, ["state"])?;
                self.port.is_open = state == "open";
            }
            (Place::Skipped, Some(Place::Statistics)) if name == "finished" => {
                let [exit] = values(given, ["exit"])?;
                self.summary.is_success = exit == "success";
            }
            (Place::Skipped, Some(Place::Statistics)) if name == "hosts" => {
                let [down] = values(given, ["down"])?;
                self.summary.hosts_down = down.parse().unwrap_or(0);
            }
            (Place::Run | Place::HostNames | Place::Ports | Place::Statistics | Place::Skipped, _) => check(given)?,
        }
        Ok(())
    }

    fn in_script(&mut self, act: impl FnOnce(&mut Script)) {
        if let Some(script) = self.scripts.last_mut() {
            act(script);
        }
    }

    fn close(&mut self, offset: u64) -> Result<(), Malformed> {
        let Some(place) = self.places.pop() else { return Ok(()) };
        match place {
            Place::Cpe => self.port.cpes.push(text_of(&self.text)),
            Place::Elem => {
                let text = text_of(&self.text);
                self.in_script(|script| script.close_elem(&text));
                self.text.clear();
            }
            Place::Table => self.in_script(Script::close_table),
            Place::Port => {
                self.write(offset, |writer, host, port, scripts, summary| writer.port(host, port, scripts, summary))?;
            }
            Place::HostScript => {
                let of_host = Port { is_open: true, ..Port::default() };
                self.port = of_host;
                self.write(offset, |writer, host, port, scripts, summary| {
                    writer.scripts(host, port, scripts, summary)
                })?;
            }
            Place::Host => self.summary.hosts_up += u32::from(self.host.is_up),
            Place::Run
            | Place::HostNames
            | Place::Ports
            | Place::Service
            | Place::Script
            | Place::Statistics
            | Place::Skipped => {}
        }
        Ok(())
    }

    fn write(
        &mut self,
        offset: u64,
        write: impl FnOnce(&mut Writer<'f>, &Host, &Port, &[Script], &mut Summary) -> Result<(), String>,
    ) -> Result<(), Malformed> {
        let scripts = std::mem::take(&mut self.scripts);
        let written = write(&mut self.writer, &self.host, &self.port, &scripts, &mut self.summary);
        written.map_err(|reason| Malformed::new(reason, offset))
    }

    fn finish(self, offset: u64, is_empty: bool) -> Result<Summary, Malformed> {
        if !self.places.is_empty() {
            return Err(Malformed::new("the report ends inside an element: it is truncated", offset));
        }
        if !self.has_root {
            let message =
                if is_empty { "the report is empty" } else { "not a report of nmap: there is no element in it" };
            return Err(Malformed::new(message, offset));
        }
        self.writer.finish().map_err(|reason| Malformed::new(reason, offset))?;
        Ok(self.summary)
    }
}

/// The values of these attributes, empty where there is none. All others are checked.
fn values<const N: usize>(given: Attributes<'_>, wanted: [&str; N]) -> Result<[String; N], Fault> {
    let mut found: [Option<Vec<u8>>; N] = std::array::from_fn(|_| None);
    for attribute in given {
        let attribute = attribute?;
        match wanted.iter().position(|name| *name == attribute.name) {
            Some(place) if found[place].is_none() => {
                let mut value = Vec::new();
                attribute.append_to(&mut value)?;
                found[place] = Some(value);
            }
            _ => attribute.check()?,
        }
    }
    Ok(found.map(|value| text_of(&value.unwrap_or_default())))
}

/// Values are UTF-8 because the input is.
fn text_of(value: &[u8]) -> String {
    String::from_utf8_lossy(scanhost_sdk::xml::trim(value).1).into_owned()
}
