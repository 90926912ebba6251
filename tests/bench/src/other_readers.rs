//! Other readers of reports, to compare ours with: quick-xml without a sandbox, and the XML parser of Python's standard
//! library. Each runs in a process of its own.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write as _},
    path::Path,
    process::Command,
};

use quick_xml::{Reader, events::Event};

const ELEMENT_TREE: &str = "
import sys, xml.etree.ElementTree as tree
for event, element in tree.iterparse(sys.argv[1]):
    if element.tag == 'ReportItem':
        fields = {child.tag: child.text for child in element} | element.attrib
    if element.tag in ('ReportItem', 'ReportHost'):
        element.clear()
";

/// A command that runs this program again only for [`write_lines`].
pub fn quick_xml_command(report: &Path, lines: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--native").arg(report).arg(lines);
    command
}

/// A command that reads all findings with Python's `ElementTree` and discards them; none if Python is not installed.
pub fn element_tree_command(report: &Path) -> Option<Command> {
    let version = Command::new("python3").arg("--version").output().ok()?;
    if !version.status.success() {
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-c", ELEMENT_TREE]).arg(report);
    Some(command)
}

/// Writes every finding of the report as a line of JSON.
pub fn write_lines(report: &Path, lines: &Path) {
    let mut reader = Reader::from_reader(BufReader::with_capacity(256 << 10, File::open(report).unwrap()));
    let mut out = BufWriter::with_capacity(256 << 10, File::create(lines).unwrap());
    let (mut buffer, mut depth) = (Vec::new(), 0);
    let (mut line, mut text) = (Vec::new(), String::new());
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(tag) if tag.name().0 == "ReportItem" => {
                depth = 1;
                line.clear();
                for attribute in tag.attributes().with_checks(false) {
                    let attribute = attribute.unwrap();
                    write_field(&mut line, attribute.key.0, &attribute.value);
                }
            }
            Event::Start(_) if depth > 0 => {
                depth += 1;
                text.clear();
            }
            Event::Text(piece) if depth > 1 => text.push_str(&piece),
            Event::CData(piece) if depth > 1 => text.push_str(&piece),
            Event::GeneralRef(name) if depth > 1 => text.push_str(match &*name {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "apos" => "'",
                _ => "\"",
            }),
            Event::End(_) if depth == 1 => {
                depth = 0;
                line.extend_from_slice(b"}\n");
                out.write_all(&line).unwrap();
            }
            Event::End(tag) if depth > 1 => {
                depth -= 1;
                write_field(&mut line, tag.name().0, text.trim());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    out.flush().unwrap();
}

fn write_field(line: &mut Vec<u8>, name: &str, value: &str) {
    line.push(if line.is_empty() { b'{' } else { b',' });
    serde_json::to_writer(&mut *line, name).unwrap();
    line.push(b':');
    serde_json::to_writer(&mut *line, value).unwrap();
}
