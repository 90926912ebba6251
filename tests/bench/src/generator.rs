//! Generates large reports that look like real ones: the text of a plugin is the same on every host, and its output
//! differs. Two reports of the same size have the same bytes.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

const PLUGINS: usize = 1_500;
const FINDINGS_PER_HOST: usize = 86;

const WORDS: [&str; 40] = [
    "the",
    "remote",
    "host",
    "is",
    "affected",
    "by",
    "vulnerability",
    "in",
    "server",
    "component",
    "that",
    "allows",
    "an",
    "attacker",
    "to",
    "execute",
    "arbitrary",
    "code",
    "via",
    "crafted",
    "packet",
    "over",
    "network",
    "service",
    "version",
    "prior",
    "certificate",
    "chain",
    "signature",
    "cipher",
    "key",
    "memory",
    "heap",
    "overflow",
    "&amp;",
    "kernel",
    "&quot;module&quot;",
    "update",
    "vendor",
    "größe",
];
const SERVICES: [(&str, u16); 5] = [("www", 443), ("ssh", 22), ("cifs", 445), ("general", 0), ("dns", 53)];

/// How many of 100 plugins have each severity, from 0 to 4.
const SEVERITIES: [usize; 5] = [62, 10, 13, 11, 4];

/// Writes a report of about this size in bytes.
pub fn write(path: &Path, size: u64) -> io::Result<()> {
    let mut random = Random(1);
    let plugins: Vec<Plugin> = (0..PLUGINS).map(|number| Plugin::new(&mut random, number)).collect();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut written = 0;
    let mut put = |text: &str| {
        written += text.len() as u64;
        out.write_all(text.as_bytes()).map(|()| written)
    };
    put("<?xml version=\"1.0\" ?>\n<NessusClientData_v2>\n<Report name=\"generated\">\n")?;
    let mut host = 0_u32;
    loop {
        let address = format!("10.{}.{}.{}", (host >> 16) & 255, (host >> 8) & 255, host & 255);
        put(&format!(
            "<ReportHost name=\"{address}\"><HostProperties>\n<tag name=\"host-ip\">{address}</tag>\n\
             <tag name=\"operating-system\">Linux Kernel 5.15</tag>\n<tag name=\"Credentialed_Scan\">true</tag>\n\
             </HostProperties>\n"
        ))?;
        for _ in 0..FINDINGS_PER_HOST {
            // The product makes some plugins much more frequent than others.
            let index = random.below(PLUGINS) * random.below(PLUGINS) / PLUGINS;
            if put(&plugins[index].item(&mut random, &address))? >= size {
                put("</ReportHost>\n</Report>\n</NessusClientData_v2>\n")?;
                // The file is synced, so that the kernel does not write it out during a measurement.
                return out.into_inner()?.sync_all();
            }
        }
        put("</ReportHost>\n")?;
        host += 1;
    }
}

struct Plugin {
    attributes: String,
    elements: String,
    output_words: usize,
}

impl Plugin {
    fn new(random: &mut Random, number: usize) -> Self {
        let mut draw = random.below(100);
        let severity = SEVERITIES.iter().position(|share| draw.checked_sub(*share).map(|left| draw = left).is_none());
        let severity = severity.unwrap_or(0);
        let (id, name) = (10_000 + 37 * number, sentence(random, 6));
        let attributes =
            format!("severity=\"{severity}\" pluginID=\"{id}\" pluginName=\"{name}\" pluginFamily=\"General\"");
        let mut elements = String::new();
        let mut element = |name: &str, value: String| elements += &format!("<{name}>{value}</{name}>\n");
        element("synopsis", sentence(random, 12));
        let words = 20 + random.below(200);
        element("description", sentence(random, words));
        element("solution", sentence(random, 15));
        element("risk_factor", ["None", "Low", "Medium", "High", "Critical"][severity].to_owned());
        element("plugin_modification_date", format!("2025/0{}/1{}", 1 + random.below(9), random.below(9)));
        for _ in 0..random.below(4) {
            element("see_also", format!("http://www.nessus.org/u?{:08x}", random.next()));
        }
        if severity > 0 {
            let score = (severity * 20 + random.below(20)) as f64 / 10.0;
            element("cvss3_base_score", format!("{score:.1}"));
            element("cvss_base_score", format!("{:.1}", score * 0.9));
            element("exploit_available", (random.below(2) == 0).to_string());
            for _ in 0..1 + random.below(4) {
                element("cve", format!("CVE-20{}-{:04}", 10 + random.below(16), 1 + random.below(9_999)));
                element("xref", format!("CWE:{}", random.below(1_000)));
            }
        }
        let output_words = if random.below(4) == 0 { 0 } else { 20 + random.below(150) };
        Self { attributes, elements, output_words }
    }

    fn item(&self, random: &mut Random, address: &str) -> String {
        let (service, port) = SERVICES[random.below(SERVICES.len())];
        let output = match self.output_words {
            0 => String::new(),
            words => format!(
                "<plugin_output>\n  URL : https://{address}:{port}/{:x}\n{}</plugin_output>\n",
                random.next(),
                sentence(random, words)
            ),
        };
        format!(
            "<ReportItem port=\"{port}\" svc_name=\"{service}\" protocol=\"tcp\" {}>\n{}{output}</ReportItem>\n",
            self.attributes, self.elements
        )
    }
}

fn sentence(random: &mut Random, words: usize) -> String {
    let words: Vec<&str> = (0..words).map(|_| WORDS[random.below(WORDS.len())]).collect();
    words.join(" ")
}

/// The generator xorshift64*, which gives the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }
}
