//! The structure of a report: which elements are used, depending on where they stand.

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

/// The longest text between two tags that is used, in bytes.
const MAX_TEXT: usize = 4 << 20;

/// The most scripts of one port or host, far more than nmap has.
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
            Piece::Literal(_) | Piece::Ignored => {}
            Piece::End => return document.finish(offset, xml.is_empty()),
        }
    }
}

struct Document<'f> {
    /// The open elements, the innermost last.
    elements: Vec<Element>,
    has_root: bool,
    writer: Writer<'f>,
    summary: Summary,
    host: Host,
    port: Port,
    /// The scripts of the port or the host that is being read.
    scripts: Vec<Script>,
    text: Vec<u8>,
}

/// The meaning of an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Run,
    Host,
    HostNames,
    Ports,
    Port,
    Service,
    /// The name of a product as a CPE.
    Cpe,
    HostScript,
    Script,
    Table,
    Elem,
    Statistics,
    /// Any other element, and the elements in it.
    Skipped,
}

impl<'f> Document<'f> {
    fn new(findings: Findings<'f>) -> Self {
        Self {
            elements: Vec::new(),
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
        matches!(self.elements.last(), Some(Element::Cpe | Element::Elem))
    }

    /// What to do with the text up to the next tag.
    fn text(&mut self) -> Text<'_> {
        if self.is_text_kept() {
            Text::Keep { into: &mut self.text, limit: MAX_TEXT, too_long: "a text has more than 4 MiB" }
        } else if self.elements.is_empty() {
            Text::Blank(if self.has_root {
                "there is text after the end of the root element"
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
        if self.elements.len() == MAX_DEPTH {
            return fail("elements are nested deeper than 256 levels");
        }
        if !is_name(name) {
            return fail(NOT_A_NAME);
        }
        let element = match (self.elements.last(), name) {
            (None, _) if self.has_root => return fail("there is a second root element"),
            (None, "nmaprun") => Element::Run,
            (None, _) => return fail("not an nmap report: the root element is not nmaprun"),
            (Some(Element::Run), "host") => Element::Host,
            (Some(Element::Run), "runstats") => Element::Statistics,
            (Some(Element::Host), "hostnames") => Element::HostNames,
            (Some(Element::Host), "ports") => Element::Ports,
            (Some(Element::Host), "hostscript") => Element::HostScript,
            (Some(Element::Ports), "port") => Element::Port,
            (Some(Element::Port), "service") => Element::Service,
            (Some(Element::Service), "cpe") => Element::Cpe,
            (Some(Element::Port | Element::HostScript), "script") => Element::Script,
            (Some(Element::Script | Element::Table), "table") => Element::Table,
            (Some(Element::Script | Element::Table), "elem") => Element::Elem,
            (Some(_), _) => Element::Skipped,
        };
        self.has_root = true;
        let parent = self.elements.last().copied();
        self.enter(element, parent, name, tag.attributes()).map_err(|fault| tag.malformed_at(&fault))?;
        self.elements.push(element);
        Ok(())
    }

    fn enter(
        &mut self,
        element: Element,
        parent: Option<Element>,
        name: &str,
        given: Attributes<'_>,
    ) -> Result<(), Fault> {
        match (element, parent) {
            (Element::Host, _) => {
                check(given)?;
                self.host = Host::default();
            }
            (Element::Port, _) => {
                let [protocol, number] = values(given, ["protocol", "portid"])?;
                self.port = Port { protocol, number, ..Port::default() };
                self.scripts.clear();
            }
            (Element::HostScript, _) => {
                check(given)?;
                self.scripts.clear();
            }
            (Element::Service, _) => {
                let wanted = ["name", "product", "version", "extrainfo", "ostype", "tunnel"];
                let [name, product, version, extra, system, tunnel] = values(given, wanted)?;
                self.port.service = super::host::Service { name, product, version, extra, system, tunnel };
            }
            (Element::Script, _) => {
                let [id, output] = values(given, ["id", "output"])?;
                if self.scripts.len() == MAX_SCRIPTS {
                    return Err(Fault { message: "a port or host has more than 10,000 scripts", at: 0 });
                }
                self.scripts.push(Script::new(id, output));
            }
            (Element::Table, _) => {
                let [key] = values(given, ["key"])?;
                self.in_script(|script| script.open_table(key));
            }
            (Element::Elem, _) => {
                let [key] = values(given, ["key"])?;
                self.text.clear();
                self.in_script(|script| script.open_elem(key));
            }
            (Element::Cpe, _) => {
                self.text.clear();
                check(given)?;
            }
            (Element::Skipped, Some(Element::Host)) if name == "status" => {
                let [state] = values(given, ["state"])?;
                self.host.is_up = state == "up";
            }
            (Element::Skipped, Some(Element::Host)) if name == "address" => {
                let [address, kind] = values(given, ["addr", "addrtype"])?;
                self.host.add_address(address, &kind);
            }
            (Element::Skipped, Some(Element::HostNames)) if name == "hostname" => {
                let [found, kind] = values(given, ["name", "type"])?;
                self.host.add_name(found, &kind);
            }
            (Element::Skipped, Some(Element::Port)) if name == "state" => {
                let [state] = values(given, ["state"])?;
                self.port.is_open = state == "open";
            }
            (Element::Skipped, Some(Element::Statistics)) if name == "finished" => {
                let [exit] = values(given, ["exit"])?;
                self.summary.is_success = exit == "success";
            }
            (Element::Skipped, Some(Element::Statistics)) if name == "hosts" => {
                let [down] = values(given, ["down"])?;
                self.summary.hosts_down = down.parse().unwrap_or(0);
            }
            (Element::Run | Element::HostNames | Element::Ports | Element::Statistics | Element::Skipped, _) => {
                check(given)?;
            }
        }
        Ok(())
    }

    fn in_script(&mut self, act: impl FnOnce(&mut Script)) {
        if let Some(script) = self.scripts.last_mut() {
            act(script);
        }
    }

    fn close(&mut self, offset: u64) -> Result<(), Malformed> {
        let Some(element) = self.elements.pop() else { return Ok(()) };
        match element {
            Element::Cpe => self.port.cpes.push(text_of(&self.text)),
            Element::Elem => {
                let text = text_of(&self.text);
                self.in_script(|script| script.close_elem(&text));
                self.text.clear();
            }
            Element::Table => self.in_script(Script::close_table),
            Element::Port => {
                self.write(offset, |writer, host, port, scripts, summary| writer.port(host, port, scripts, summary))?;
            }
            Element::HostScript => {
                // Scripts about the host have no port.
                self.port = Port { is_open: true, ..Port::default() };
                self.write(offset, |writer, host, port, scripts, summary| {
                    writer.scripts(host, port, scripts, summary)
                })?;
            }
            Element::Host => self.summary.hosts_up += u32::from(self.host.is_up),
            Element::Run
            | Element::HostNames
            | Element::Ports
            | Element::Service
            | Element::Script
            | Element::Statistics
            | Element::Skipped => {}
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
        if !self.elements.is_empty() {
            return Err(Malformed::new("the report ends inside an element: it is truncated", offset));
        }
        if !self.has_root {
            let message = if is_empty { "the report is empty" } else { "not an nmap report: it contains no element" };
            return Err(Malformed::new(message, offset));
        }
        self.writer.finish().map_err(|reason| Malformed::new(reason, offset))?;
        Ok(self.summary)
    }
}

/// Returns the values of these attributes, empty if one is missing. All other attributes are checked.
fn values<const N: usize>(given: Attributes<'_>, wanted: [&str; N]) -> Result<[String; N], Fault> {
    let mut found: [Option<Vec<u8>>; N] = std::array::from_fn(|_| None);
    for attribute in given {
        let attribute = attribute?;
        match wanted.iter().position(|name| *name == attribute.name) {
            Some(index) if found[index].is_none() => {
                let mut value = Vec::new();
                attribute.append_to(&mut value)?;
                found[index] = Some(value);
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
