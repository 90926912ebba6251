//! Reports that cannot be read: the error and its offset.

use super::*;

fn check_error(report: &[u8], message: &str, offset: u64) {
    for size in [1, 7, usize::MAX] {
        let error = read_in_pieces(report, size).map(|_| ()).expect_err("a report that cannot be read");
        assert!(error.message.contains(message), "{} against {message}", error.message);
        assert_eq!(error.offset, offset, "{message}, {size} bytes a piece");
    }
}

#[test]
fn wrong_encodings_are_errors() {
    let declared =
        |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?><ReportHost name='ü'/>").into_bytes();
    check_error(b"<ReportHost name='\xff'/>", "not valid in the report's encoding", 18);
    check_error(b"<ReportHost name='\xc3", "ends inside a character", 18);
    check_error(&declared("klingon"), "not supported", 0);
    check_error(&declared("UTF-16"), "not written in it", 0);
    check_error(&declared("us-ascii"), "not valid in the report's encoding", 59);
    let far = format!("<?xml version='1.0' encoding='klingon'{}?><ReportHost name='\u{fc}'/>", " ".repeat(2000));
    let far: Vec<u8> = far.chars().map(|character| character as u8).collect();
    check_error(&far, "not valid in the report's encoding", 2058);
    check_error(b"\xff\xfe<\0a\0\x00\xd8<\0", "not valid in the report's encoding", 6);
    check_error(b"\xff\xfe<\0a", "ends inside a character", 4);
}

#[test]
fn offsets_count_bytes_of_the_file_in_any_encoding() {
    let text = "<ReportHost name='ü🔒'><b></ReportHost>";
    check_error(text.as_bytes(), "does not match", 29);
    check_error(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), "does not match", 32);
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check_error(&utf16, "does not match", 2 * 26);
    let utf16: Vec<u8> = "<!-- c -->\n text".encode_utf16().flat_map(u16::to_be_bytes).collect();
    check_error(&utf16, "not XML: there is text", 2 * 12);
    let latin = "<?xml version='1.0' encoding='latin1'?><ReportHost name='\u{fc}' x=1>";
    let latin: Vec<u8> = latin.chars().map(|character| character as u8).collect();
    check_error(&latin, "has no quotes", 62);
    let kanji = "<?xml version='1.0' encoding='shift_jis'?><ReportHost name='サーバ' x=1>";
    check_error(&encoding_rs::SHIFT_JIS.encode(kanji).0, "has no quotes", 70);
}

#[test]
fn malformed_report_is_an_error_with_its_offset() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><ReportHost><ReportItem><d>&c;</d></ReportItem></ReportHost>";
    for (report, message, offset) in [
        ("", "empty", 0),
        (" \n", "no element", 2),
        ("<!-- c -->", "no element", 10),
        ("hello", "not XML", 0),
        ("{\"error\":1}", "not XML", 0),
        ("<html></html>", "not a Nessus report", 0),
        ("<!doctype html><html></html>", "not a Nessus report", 15),
        ("<NessusClientData><Report/></NessusClientData>", "Nessus v1", 0),
        ("<NessusClientData_v2>", "truncated", 21),
        ("<NessusClientData_v2><Rep", "truncated", 21),
        ("<NessusClientData_v2><!-- ", "truncated", 21),
        ("<NessusClientData_v2><![CDATA[ ]]", "truncated", 21),
        ("<NessusClientData_v2><a b='", "truncated", 21),
        ("<NessusClientData_v2>&am", "truncated", 21),
        ("<NessusClientData_v2><", "truncated", 21),
        ("<Report><a></b></Report>", "does not match", 11),
        ("<Report></Report></Report>", "no start tag", 17),
        ("<Report/>text", "after the end of the root", 9),
        ("<Report/>&amp;", "after the end of the root", 9),
        ("<Report/><![CDATA[x]]>", "outside the root", 9),
        ("<Report/><Report/>", "a second root", 9),
        ("<Report/><!DOCTYPE a>", "not before the root", 9),
        (" <?xml version='1.0'?><Report/>", "not at the start", 1),
        ("<Report a='<'/>", "contains `<`", 11),
        ("<Report a=b/>", "has no quotes", 10),
        ("<Report a/>", "has no value", 9),
        ("<Report a='1'b='2'/>", "no white space", 13),
        ("<Report a='&x;'/>", "does not define", 11),
        ("<Report><1a/></Report>", "invalid name", 8),
        ("<Report>1 < 2</Report>", "invalid name", 10),
        ("<ReportHost><ReportItem><a<b/></ReportItem></ReportHost>", "invalid name", 24),
        ("<Report>a & b</Report>", "does not begin a reference", 10),
        ("<Report>&nbsp;</Report>", "does not define", 8),
        ("<Report>&#xD800;</Report>", "no character", 8),
        ("<Report>&#x110000;</Report>", "no character", 8),
        ("<Report>&#;</Report>", "no character", 8),
        ("<Report><!-- a -- b --></Report>", "a comment contains", 8),
        ("<Report><!ELEMENT a></Report>", "not XML", 8),
        (bomb, "does not define", 78),
        ("<NessusClientData_v2><Policy><a></Policy></NessusClientData_v2>", "does not match", 32),
    ] {
        check_error(report.as_bytes(), message, offset);
    }
}

#[test]
fn excessive_sizes_and_counts_are_errors() {
    let fail = |report: &str, message: &str| {
        let error = read_in_pieces(report.as_bytes(), 1 << 18).map(|_| ()).expect_err("an error");
        assert!(error.message.contains(message), "{}", error.message);
    };
    let item = |inner: &str| format!("<ReportHost><ReportItem>{inner}</ReportItem></ReportHost>");
    fail(&"<Report>".repeat(300), "deeper than 256");
    fail(&item(&format!("<a>{}</a>", "x".repeat(9 << 20))), "a finding has more than");
    fail(&item(&"<a>x</a>".repeat(100_001)), "100,000 values");
    fail(&item(&(0..5000).map(|number| format!("<a{number}/>")).collect::<String>()), "4,096 different fields");
    fail(&item(&format!("<{}/>", "a".repeat(129))), "128 bytes");
    fail(&format!("<Report><!--{}--></Report>", "x".repeat(17 << 20)), "more than 16 MiB");
    fail(&format!("<Report name=\"{}\"/>", ">".repeat(17 << 20)), "more than 16 MiB");
    fail(&format!("<ReportHost name='{}'/>", "x".repeat(65 << 10)), "64 KiB");
}

#[test]
fn error_of_source_or_sink_ends_the_reading() {
    struct Broken;
    impl Chunks for Broken {
        fn next_chunk(&mut self) -> Result<Vec<u8>, String> {
            Err("the disk is gone".to_owned())
        }
    }
    impl Sink for Broken {
        fn emit(&mut self, _: &Batch) -> Result<(), String> {
            Err("no room".to_owned())
        }
    }
    assert_eq!(read(Broken, &mut RecordingSink::default()).unwrap_err().message, "the disk is gone");
    let report = b"<ReportHost><ReportItem/></ReportHost>";
    assert_eq!(read(Pieces { report, size: 9 }, &mut Broken).unwrap_err().message, "no room");
}
