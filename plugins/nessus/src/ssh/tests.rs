use scanhost_sdk::backend::scanner::PrivateKey;
use serde_json::json;

use super::*;

fn request(scan_type: ScanType, credential: Option<Credential>) -> ScanRequest {
    ScanRequest {
        task_id: "T".to_owned(),
        name: "n".to_owned(),
        description: String::new(),
        scan_type,
        targets: vec!["10.0.0.1".to_owned()],
        credential,
    }
}

fn credential(secret: LoginSecret, escalation: Option<Escalation>) -> Option<Credential> {
    Some(Credential { username: "audit".to_owned(), secret, escalation })
}

fn password() -> LoginSecret {
    LoginSecret::Password("{p}".to_owned())
}

fn key(passphrase: Option<&str>) -> LoginSecret {
    LoginSecret::PrivateKey(PrivateKey { key: "{k}".to_owned(), passphrase: passphrase.map(str::to_owned) })
}

fn escalation(method: &str, account: Option<&str>, password: Option<&str>) -> Option<Escalation> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some(Escalation { method: method.to_owned(), account: owned(account), password: owned(password) })
}

#[test]
fn each_login_has_the_documented_form() {
    let rest = json!({"custom_password_prompt": "", "target_priority_list": ""});
    for (scan_type, credential, expected) in [
        (
            ScanType::Trusted,
            credential(password(), None),
            json!({"auth_method": "password", "password": "{p}", "username": "audit",
                   "elevate_privileges_with": "Nothing"}),
        ),
        (
            ScanType::Trusted,
            credential(key(Some("{s}")), None),
            json!({"auth_method": "public key", "private_key": "{k}", "private_key_passphrase": "{s}",
                   "username": "audit", "elevate_privileges_with": "Nothing"}),
        ),
        (
            ScanType::Privileged,
            credential(key(None), escalation("sudo", None, None)),
            json!({"auth_method": "public key", "private_key": "{k}", "username": "audit",
                   "elevate_privileges_with": "sudo"}),
        ),
        (
            ScanType::Privileged,
            credential(password(), escalation("Cisco 'enable'", Some("root"), Some("{e}"))),
            json!({"auth_method": "password", "password": "{p}", "username": "audit",
                   "elevate_privileges_with": "Cisco 'enable'", "escalation_account": "root",
                   "escalation_password": "{e}"}),
        ),
        (
            // A trusted scan never gains more rights, even if the credential allows it.
            ScanType::Trusted,
            credential(password(), escalation("sudo", Some("root"), Some("{e}"))),
            json!({"auth_method": "password", "password": "{p}", "username": "audit",
                   "elevate_privileges_with": "Nothing"}),
        ),
    ] {
        let mut entry = expected;
        entry.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let expected = json!({"add": {"Host": {"SSH": [entry]}}, "edit": {}, "delete": []});
        let request = request(scan_type, credential);
        assert_eq!(serde_json::to_value(credentials(&request).unwrap()).unwrap(), expected);
    }
}

#[test]
fn untrusted_scan_has_no_credentials() {
    assert_eq!(credentials(&request(ScanType::Untrusted, None)), Ok(None));
}

#[test]
fn credential_that_does_not_fit_the_scan_type_is_refused() {
    for request in [
        request(ScanType::Untrusted, credential(password(), None)),
        request(ScanType::Trusted, None),
        request(ScanType::Privileged, None),
        request(ScanType::Privileged, credential(password(), None)),
    ] {
        assert!(matches!(credentials(&request), Err(ScanError::Invalid(_))), "{request:?}");
    }
}
