//! TLS with the configured certificate.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use scanhost_it::{output::Output, server::Home};
use serde_json::json;

const SCANNERS: &str = "mock: [{instance_id: m1}]";
const TLS: &str = "tls: {cert_file: cert.pem, key_file: key.pem}\n";

/// Makes a self-signed certificate for `localhost`, and its key.
fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    (cert.pem(), signing_key.serialize_pem())
}

#[tokio::test]
async fn server_speaks_tls_with_the_configured_certificate() {
    let (certificate, key) = certificate();
    let files = [("scanners.yaml", SCANNERS), ("scanhost.yaml", TLS), ("cert.pem", &certificate), ("key.pem", &key)];
    let home = Home::new(&files);
    let server = home.start();
    let mcp = server.mcp();
    let address = server.url().replace("http://", "https://");
    let client_that_trusts = |pem: &str| {
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client")
    };
    let health = client_that_trusts(&certificate).get(format!("{address}/health")).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    let other = self::certificate().0;
    assert!(
        client_that_trusts(&other).get(format!("{address}/health")).send().await.is_err(),
        "the client trusts another certificate"
    );
    assert!(mcp.http().get(format!("{}/health", server.url())).send().await.is_err(), "plain HTTP is refused");
    let secure = mcp.through(&address, client_that_trusts(&certificate));
    assert!(secure.call_method("tools/list", json!({})).await.is_ok());
}

#[tokio::test]
async fn new_certificate_is_used_once_its_key_has_arrived() {
    let (first, first_key) = certificate();
    let (second, second_key) = certificate();
    let files = [("scanners.yaml", SCANNERS), ("scanhost.yaml", TLS), ("cert.pem", &first), ("key.pem", &first_key)];
    let home = Home::new(&files);
    let server = home.start();
    let address = server.url().replace("http://", "https://");
    // Each check opens a new connection, since an open one keeps its certificate.
    let is_trusted = async |pem: &str| {
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client");
        client.get(format!("{address}/health")).send().await.is_ok()
    };
    let wait_for_log = async |text: &str| {
        let start = std::time::Instant::now();
        while !server.log().contains(text) {
            assert!(start.elapsed().as_secs() < 30, "{}", server.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    assert!(is_trusted(&first).await);
    home.write("cert.pem", &second);
    wait_for_log("the changed configuration is not taken into use").await;
    assert!(is_trusted(&first).await, "the key does not match the new certificate yet");
    home.write("key.pem", &second_key);
    wait_for_log("configuration reloaded").await;
    assert!(is_trusted(&second).await && !is_trusted(&first).await);
}

#[test]
fn unusable_certificate_fails_the_configuration_check() {
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
        let output = Output::run(command);
        assert_eq!(output.code, Some(1), "{name}");
        let all = output.stdout + &output.stderr;
        assert!(all.contains(problem) && all.contains("scanhost.yaml:"), "{name}: {all}");
        assert!(!all.contains("PRIVATE KEY-----"), "{name}: {all}");
    }
}
