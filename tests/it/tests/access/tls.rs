//! The server's own certificate.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use scanhost_it::{output::Output, server::Home};
use serde_json::json;

const SCANNERS: &str = "mock: [{instance_id: m1}]";
const TLS: &str = "tls: {cert_file: cert.pem, key_file: key.pem}\n";

/// A certificate for `localhost`, and its key.
fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    (cert.pem(), signing_key.serialize_pem())
}

#[tokio::test]
async fn tls_is_spoken_with_the_configured_certificate() {
    let (certificate, key) = certificate();
    let files = [("scanners.yaml", SCANNERS), ("scanhost.yaml", TLS), ("cert.pem", &certificate), ("key.pem", &key)];
    let home = Home::new(&files);
    let server = home.start();
    let mcp = server.mcp();
    let address = server.url().replace("http://", "https://");
    let trusting = |pem: &str| {
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client")
    };
    let health = trusting(&certificate).get(format!("{address}/health")).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    let other = self::certificate().0;
    assert!(trusting(&other).get(format!("{address}/health")).send().await.is_err(), "signed by somebody else");
    assert!(mcp.http().get(format!("{}/health", server.url())).send().await.is_err(), "without TLS");
    let secure = mcp.at(&address, trusting(&certificate));
    assert!(secure.method("tools/list", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_new_certificate_is_used_once_its_key_is_there_too() {
    let (first, first_key) = certificate();
    let (second, second_key) = certificate();
    let files = [("scanners.yaml", SCANNERS), ("scanhost.yaml", TLS), ("cert.pem", &first), ("key.pem", &first_key)];
    let home = Home::new(&files);
    let server = home.start();
    let address = server.url().replace("http://", "https://");
    // Of a connection of its own: one that is open keeps its certificate.
    let is_trusted = async |pem: &str| {
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client");
        client.get(format!("{address}/health")).send().await.is_ok()
    };
    let told = async |what: &str| {
        let start = std::time::Instant::now();
        while !server.log().contains(what) {
            assert!(start.elapsed().as_secs() < 30, "{}", server.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    assert!(is_trusted(&first).await);
    home.write("cert.pem", &second);
    told("the changed configuration is not taken into use").await;
    assert!(is_trusted(&first).await, "the key does not fit the new certificate yet");
    home.write("key.pem", &second_key);
    told("configuration reloaded").await;
    assert!(is_trusted(&second).await && !is_trusted(&first).await);
}

#[test]
fn a_wrong_certificate_is_an_error_at_start() {
    let (certificate, key) = certificate();
    let (_, other_key) = self::certificate();
    let table = [
        ("no file", None, Some(&*key), "tls.cert_file: cannot read"),
        ("no certificate", Some("hello"), Some(&*key), "tls.cert_file: there is no PEM certificate"),
        ("no key", Some(&*certificate), Some("hello"), "tls.key_file: there is no PEM private key"),
        ("another's key", Some(&*certificate), Some(&*other_key), "tls.key_file: the certificate and the key cannot"),
    ];
    for (name, certificate, key, problem) in table {
        let home = Home::new(&[("scanners.yaml", SCANNERS), ("scanhost.yaml", TLS)]);
        for (file, text) in [("cert.pem", certificate), ("key.pem", key)] {
            if let Some(text) = text {
                home.write(file, text);
            }
        }
        let mut command = home.command(&["config", "check", "--config"]);
        command.arg(home.config());
        let output = Output::of(command);
        assert_eq!(output.code, Some(1), "{name}");
        let all = output.stdout + &output.stderr;
        assert!(all.contains(problem) && all.contains("scanhost.yaml:"), "{name}: {all}");
        assert!(!all.contains("PRIVATE KEY-----"), "{name}: {all}");
    }
}
