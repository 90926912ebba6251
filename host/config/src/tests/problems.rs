//! Every problem names its file, line and key.

use super::{SCANNERS, check_problems, check_warnings};

#[test]
fn problems_of_scanhost_yaml_name_line_and_key() {
    let table: &[(&str, &[&str])] = &[
        ("lisen: 127.0.0.1:1", &["scanhost.yaml:1: lisen: unknown key; did you mean `listen`?"]),
        (
            "limits:\n  zebra: 1",
            &["scanhost.yaml:2: limits.zebra: unknown key; known here: page_bytes, all_bytes, request_bytes, \
               scan_hours, poll_seconds, calls_per_minute, concurrent_calls, connections, idle_seconds"],
        ),
        (
            "listen: localhost:80",
            &["scanhost.yaml:1: listen: must be an IP address and a port, such as 127.0.0.1:8836 or [::1]:8836"],
        ),
        (
            "listen: 0.0.0.0:80",
            &["scanhost.yaml:1: listen: listening on 0.0.0.0:80, beyond loopback, needs `tokens`: \
            configure a token, or listen on 127.0.0.1"],
        ),
        (
            "tokens: []\nlisen: 1\nlisten: '[::]:80'",
            &[
                "scanhost.yaml:2: lisen: unknown key; did you mean `listen`?",
                "scanhost.yaml:3: listen: listening on [::]:80, beyond loopback, needs `tokens`: configure a token, \
                    or listen on 127.0.0.1",
            ],
        ),
        (
            "store: postgres://x",
            &["scanhost.yaml:1: store: must be `embedded` or a URL, `redis://host:port/0` or `rediss://…`"],
        ),
        ("default_pool: nessus", &["scanhost.yaml:1: default_pool: there is no such pool in scanners.yaml"]),
        (
            "default_pool: a/b",
            &["scanhost.yaml:1: default_pool: malformed pool name: must be 1 to 64 letters, digits, `-`, `_` or `.`, \
               beginning with a letter or digit"],
        ),
        ("pools: {mok: {max_depth: 1}}", &["scanhost.yaml:1: pools.mok: unknown key; did you mean `mock`?"]),
        (
            "pools:\n  mock:\n    max_depth: 0\n    balance: fair\n    max_addresses: -1",
            &[
                "scanhost.yaml:3: pools.mock.max_depth: must be from 1 to 10000000",
                "scanhost.yaml:4: pools.mock.balance: must be `least-loaded` or `round-robin`",
                "scanhost.yaml:5: pools.mock.max_addresses: must be from 1 to 4294967296",
            ],
        ),
        (
            "limits:\n  scan_hours: 0\n  poll_seconds: two\n  page_bytes: 1.5\n  calls_per_minute: '5'",
            &[
                "scanhost.yaml:2: limits.scan_hours: must be from 0.0001 to 8760",
                "scanhost.yaml:3: limits.poll_seconds: must be a number, but is text",
                "scanhost.yaml:4: limits.page_bytes: must be a whole number, but is a number",
                "scanhost.yaml:5: limits.calls_per_minute: must be a whole number, but is text",
            ],
        ),
        (
            "pools:\n  mock:\n    allowed_targets: [10.0.0.0/8, 10.0.0.0/40, '*.lab.example']\n    denied_targets: 10.0.0.1",
            &[
                "scanhost.yaml:3: pools.mock.allowed_targets[1]: \"10.0.0.0/40\" is not a network: write an address, \
                 `/` and a valid prefix length",
                "scanhost.yaml:4: pools.mock.denied_targets: must be a list, but is text",
            ],
        ),
        ("limits: {scan_hours: .nan}", &["scanhost.yaml:1: limits.scan_hours: must be from 0.0001 to 8760"]),
        ("limits: 5", &["scanhost.yaml:1: limits: must be a mapping, but is a number"]),
        ("data:", &["scanhost.yaml:1: data: must be text, but is nothing (leave the key out for its default)"]),
        ("data: 5", &["scanhost.yaml:1: data: must be text, but is a number (put it in quotes)"]),
        ("retention: {failed_days: 1e9}", &["scanhost.yaml:1: retention.failed_days: must be from 0.0001 to 36500"]),
        (
            "allowed_origins: ['*', 'https://x.example/path']",
            &[
                "scanhost.yaml:1: allowed_origins[0]: must be an origin, such as https://tools.example or \
                 http://10.0.0.5:3000",
                "scanhost.yaml:1: allowed_origins[1]: must be an origin, such as https://tools.example or \
                 http://10.0.0.5:3000",
            ],
        ),
        ("store: embedded\n---\ndata: x", &["scanhost.yaml:2: a file may have only one document: remove the `---`"]),
        ("- a list", &["scanhost.yaml:1: must be a mapping, but is a list"]),
    ];
    for (text, expected) in table {
        check_problems(&[("scanhost.yaml", text), ("scanners.yaml", SCANNERS)], expected);
    }
}

#[test]
fn problems_of_tokens_and_credentials_name_line_and_key() {
    let table: &[(&str, &[&str])] = &[
        ("tokens: [{scopes: [scan:read], token: t}]", &["scanhost.yaml:1: tokens[0].name: is required"]),
        ("tokens: [{name: a, token: t}]", &["scanhost.yaml:1: tokens[0].scopes: is required"]),
        (
            "tokens: [{name: a, scopes: [scan:read]}]",
            &["scanhost.yaml:1: tokens[0]: needs `token`, or its digest as `sha256`"],
        ),
        (
            "tokens: [{name: a, scopes: [], token: t}]",
            &["scanhost.yaml:1: tokens[0].scopes: a token without a scope can do nothing: give it at least one"],
        ),
        (
            "tokens: [{name: a, scopes: [scan:write], token: t, sha256: '00'}]",
            &[
                "scanhost.yaml:1: tokens[0].scopes[0]: unknown scope; the scopes are scan:read, scan:submit and scan:admin",
                "scanhost.yaml:1: tokens[0].sha256: a token has `token` or `sha256`, not both",
            ],
        ),
        (
            "tokens: [{name: a, scopes: [scan:read], sha256: '00'}]",
            &["scanhost.yaml:1: tokens[0].sha256: must be a SHA-256 as 64 hexadecimal digits"],
        ),
        (
            "tokens:\n- {name: a, scopes: [scan:read], token: t}\n- {name: a, scopes: [scan:read], token: ''}",
            &[
                "scanhost.yaml:3: tokens[1].name: another token has this name",
                "scanhost.yaml:3: tokens[1].token: a secret must not be empty",
            ],
        ),
        (
            "tokens:\n- {name: a, scopes: [scan:read], token: t}\n- {name: b, scopes: [scan:submit], sha256: \
             e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8}",
            &["scanhost.yaml:3: tokens[1]: another entry has the same token: give each entry its own, so that the \
                host can tell callers apart"],
        ),
        (
            "credentials:\n  a: {ssh_password: p}\n  b: {ssh_username: u}\n  c: {ssh_username: u, ssh_password: p, \
             ssh_private_key: k}\n  d: {ssh_username: u, ssh_password: p, ssh_passphrase: q, escalation_account: r}\n  \
             e: {ssh_username: u, ssh_password: p, elevate_privileges_with: sodo}",
            &[
                "scanhost.yaml:2: credentials.a.ssh_username: is required",
                "scanhost.yaml:3: credentials.b: needs one of `ssh_password` and `ssh_private_key`",
                "scanhost.yaml:4: credentials.c.ssh_private_key: a credential has `ssh_password` or `ssh_private_key`, \
                 not both",
                "scanhost.yaml:5: credentials.d.ssh_passphrase: needs `ssh_private_key`, which is not given",
                "scanhost.yaml:5: credentials.d.escalation_account: needs `elevate_privileges_with`, which is not \
                 given",
                "scanhost.yaml:6: credentials.e.elevate_privileges_with: not a method of escalation: use one of sudo, \
                 su, su+sudo, pbrun, dzdo, .k5login, Cisco 'enable', Checkpoint Gaia 'expert'",
            ],
        ),
        (
            "credentials: {a: {ssh_username: u, ssh_password: 'file:secret'}}",
            &["scanhost.yaml:1: credentials.a.ssh_password: a secret from a file must be written `file:/path`, \
               with an absolute path"],
        ),
        (
            "credentials: {a: {ssh_username: u, ssh_password: 'file:/absent/x'}}",
            &["scanhost.yaml:1: credentials.a.ssh_password: cannot read /absent/x: No such file or directory (os \
               error 2)"],
        ),
    ];
    for (text, expected) in table {
        check_problems(&[("scanhost.yaml", text), ("scanners.yaml", SCANNERS)], expected);
    }
}

#[test]
fn problems_of_plugins_and_profiles_name_line_and_key() {
    check_problems(
        &[
            (
                "scanhost.yaml",
                "plugins:\n  a/b: {file: x}\n  c: {sha256: zz}\n  d:\n    file: x\n    limits: {memory_mib: 0, \
                 cpu_ms: 0, wall_seconds: 0, cpu: 1}",
            ),
            ("scanners.yaml", SCANNERS),
            (
                "profiles.yaml",
                "soc: {filters: []}\nx: {fields: []}\ny: {fields: every}\nz: {fields: all, order: a, ordr: 1}",
            ),
        ],
        &[
            "profiles.yaml:1: soc.fields: is required (the entry of a plugin's profile must have the plugin's name as its key)",
            "profiles.yaml:1: soc.filters: must be a mapping, but is a list",
            "profiles.yaml:2: x.fields: must be `all` or a list of at least one field",
            "profiles.yaml:3: y.fields: must be a list, but is text",
            "profiles.yaml:4: z.order: must be a list, but is text",
            "profiles.yaml:4: z.ordr: unknown key; did you mean `order`?",
            "scanhost.yaml:2: plugins.a/b: malformed backend name: must be 1 to 64 letters, digits, `-`, `_` or `.`, \
             beginning with a letter or digit",
            "scanhost.yaml:3: plugins.c.file: is required",
            "scanhost.yaml:3: plugins.c.sha256: must be a SHA-256 as 64 hexadecimal digits",
            "scanhost.yaml:6: plugins.d.limits.memory_mib: must be from 1 to 4096",
            "scanhost.yaml:6: plugins.d.limits.cpu_ms: must be from 1 to 600000",
            "scanhost.yaml:6: plugins.d.limits.wall_seconds: must be from 0.1 to 3600",
            "scanhost.yaml:6: plugins.d.limits.cpu: unknown key; did you mean `cpu_ms`?",
        ],
    );
}

#[test]
fn problems_of_scanners_yaml_name_line_and_key() {
    let table: &[(&str, &[&str])] = &[
        ("", &["scanners.yaml:1: defines no pool of scanners"]),
        ("mock:", &["scanners.yaml:1: mock: must be a list, but is nothing (leave the key out for its default)"]),
        ("mock: [{name: x}]", &["scanners.yaml:1: mock[0].instance_id: is required"]),
        (
            "nessus:\n  - instance_id: a\n    max_concurrent_scan: 1\n  - instance_id: a\n    max_concurrent_scans: 0\n    \
             url: ftp://x",
            &[
                "scanners.yaml:3: nessus[0].max_concurrent_scan: unknown key; did you mean `max_concurrent_scans`?",
                "scanners.yaml:4: nessus[1].instance_id: another scanner of this pool has this id",
                "scanners.yaml:5: nessus[1].max_concurrent_scans: must be from 1 to 1000",
                "scanners.yaml:6: nessus[1].url: must begin with http:// or https:// and a host",
            ],
        ),
        (
            "mock:\n  - instance_id: a\n    limits: {answer_mib: 0, requests_per_minute: 0, report_mib: two}",
            &[
                "scanners.yaml:3: mock[0].limits.answer_mib: must be from 1 to 1024",
                "scanners.yaml:3: mock[0].limits.requests_per_minute: must be from 1 to 10000000",
                "scanners.yaml:3: mock[0].limits.report_mib: must be a whole number, but is text",
            ],
        ),
        (
            "n: [{instance_id: a, url: 'https://u:p@h'}, {instance_id: b, url: 'https://h?q'}, {instance_id: c, url: h}]",
            &[
                "scanners.yaml:1: n[0].url: must not carry credentials: they belong under `auth`",
                "scanners.yaml:1: n[1].url: must end with its path, without `?` and `#`",
                "scanners.yaml:1: n[2].url: is not a URL: relative URL without a base",
            ],
        ),
        (
            "n: [{instance_id: a, auth: {access_key: k, username: u, password: p}}]",
            &[
                "scanners.yaml:1: n[0].auth: `access_key` and `secret_key` belong together, and one of them is missing",
                "scanners.yaml:1: n[0].auth: needs `access_key` and `secret_key` or `username` and `password`, not both pairs",
            ],
        ),
        (
            "n: [{instance_id: a, tls: {insecure: true, ca_file: x}, enabled: 1, headers: {Host: h, 'a b': c}}]",
            &[
                "scanners.yaml:1: n[0].tls.ca_file: has no effect with `insecure: true`: leave one of them out",
                "scanners.yaml:1: n[0].enabled: must be true or false, but is a number",
                "scanners.yaml:1: n[0].headers.Host: only the host may set this header",
                "scanners.yaml:1: n[0].headers.a b: invalid HTTP header name",
            ],
        ),
        (
            "n: [{instance_id: a, tls: {sha256: ab}}, {instance_id: b, tls: {sha256: x, insecure: true, ca_file: y}}]",
            &[
                "scanners.yaml:1: n[0].tls.sha256: must be a SHA-256 as 64 hexadecimal digits",
                "scanners.yaml:1: n[1].tls.sha256: has no effect with `insecure: true`: leave one of them out",
                "scanners.yaml:1: n[1].tls.ca_file: has no effect with `insecure: true`: leave one of them out",
                "scanners.yaml:1: n[1].tls.ca_file: has no effect with `sha256`: leave one of them out",
            ],
        ),
        (
            "n: [{instance_id: a, options: [1]}, {instance_id: b, enabled: yes}]",
            &[
                "scanners.yaml:1: n[0].options: must be a mapping, but is a list",
                "scanners.yaml:1: n[1].enabled: must be true or false, but is text",
            ],
        ),
        ("mock: []\nnessus: []\nmock: []", &["scanners.yaml:3: mock: the key is given twice, first in line 1"]),
    ];
    for (text, expected) in table {
        check_problems(&[("scanners.yaml", text)], expected);
    }
}

#[test]
fn one_mistake_is_reported_once() {
    type Files<'a> = &'a [(&'a str, &'a str)];
    let table: &[(Files<'_>, &[&str])] = &[
        (
            &[("scanhost.yaml", "default_pool: nessus\npools: {nessus: {max_depth: 0}}"), ("scanners.yaml", "")],
            &[
                "scanhost.yaml:2: pools.nessus.max_depth: must be from 1 to 10000000",
                "scanners.yaml:1: defines no pool of scanners",
            ],
        ),
        (
            &[
                ("scanhost.yaml", "default_pool: a_b\npools: {a_b: {}}"),
                ("scanners.yaml", "a b: [{instance_id: x, enabled: 1}]"),
            ],
            &[
                "scanners.yaml:1: a b: malformed pool name: must be 1 to 64 letters, digits, `-`, `_` or `.`, beginning \
                 with a letter or digit",
                "scanners.yaml:1: a b[0].enabled: must be true or false, but is a number",
            ],
        ),
        (
            &[
                (
                    "scanhost.yaml",
                    "commands:\n  scan: {allow: []}\nplugins:\n  p: {file: x, grants: [command], commands: [scan]}\n  \
                  q: {file: x, grants: command, commands: [scan]}",
                ),
                ("scanners.yaml", SCANNERS),
            ],
            &[
                "scanhost.yaml:2: commands.scan.program: is required",
                "scanhost.yaml:5: plugins.q.grants: must be a list, but is text",
            ],
        ),
        (
            &[
                ("scanhost.yaml", "plugins:\n  own: {sha256: zz}"),
                ("scanners.yaml", SCANNERS),
                ("profiles.yaml", "own: {levels: 3}\nsoc: {feilds: [host]}"),
            ],
            &[
                "profiles.yaml:2: soc.feilds: unknown key; did you mean `fields`?",
                "scanhost.yaml:2: plugins.own.file: is required",
                "scanhost.yaml:2: plugins.own.sha256: must be a SHA-256 as 64 hexadecimal digits",
            ],
        ),
    ];
    for (files, expected) in table {
        check_problems(files, expected);
    }
}

#[test]
fn warnings_name_line_and_key() {
    let table: &[(&str, &str, &[&str])] = &[
        ("tokens: [{name: a, scopes: [scan:read], token: short}]", SCANNERS, &[]),
        (
            "listen: 0.0.0.0:80\ntokens: [{name: a, scopes: [scan:read], token: short}]",
            SCANNERS,
            &["scanhost.yaml:2: tokens[0].token: the token has fewer than 22 characters, which is easy to guess for \
               everyone who reaches 0.0.0.0:80: make a longer one with `scanhost token new`"],
        ),
        (
            "listen: 0.0.0.0:80\ntokens: [{name: a, scopes: [scan:read], token: '0123456789abcdef-abcdef'}]",
            SCANNERS,
            &[],
        ),
        (
            "tokens: [{name: ops, scopes: [scan:admin], token: t}]",
            SCANNERS,
            &[
                "scanhost.yaml:1: tokens[0].scopes: the token `ops` cannot call any tool, since scan:admin alone allows \
               none: add scan:read or scan:submit",
            ],
        ),
        (
            "pools:\n  mock:\n    allowed_targets: [10.0.0.0/8, 0.0.0.0/0, '::/0']",
            SCANNERS,
            &[
                "scanhost.yaml:3: pools.mock.allowed_targets[1]: 0.0.0.0/0 lets the pool scan every address, also on the \
                 internet: list the networks that may be scanned",
                "scanhost.yaml:3: pools.mock.allowed_targets[2]: ::/0 lets the pool scan every address, also on the \
                 internet: list the networks that may be scanned",
            ],
        ),
        (
            "pools: {mock: {allowed_targets: []}}",
            SCANNERS,
            &[
                "scanhost.yaml:1: pools.mock.allowed_targets: no target is allowed, so the pool refuses every scan: list \
               what may be scanned, or leave the key out to allow private and loopback ranges",
            ],
        ),
        (
            "pools: {mock: {allowed_targets: [10.1.0.0/16], denied_targets: [10.0.0.0/8]}}",
            SCANNERS,
            &[
                "scanhost.yaml:1: pools.mock.denied_targets: everything that the pool allows is denied here, so the pool \
               refuses every scan: remove a rule, or allow more in allowed_targets",
            ],
        ),
        (
            "",
            "mock: []\nnessus: [{instance_id: a, enabled: false}]\n",
            &[
                "scanners.yaml:1: mock: the pool has no scanner, so every scan in it is refused: add a scanner, or \
                 remove the pool",
                "scanners.yaml:2: nessus: every scanner of the pool is disabled, so every scan in it is refused: enable \
                 one, or remove the pool",
            ],
        ),
        (
            "store: redis://h:1/0\ndata: here",
            SCANNERS,
            &["scanhost.yaml:2: data: the folder is relative to the working directory of each process, but all \
               processes that share this Redis need the same folder: give an absolute path"],
        ),
        ("store: redis://h:1/0\ndata: /here", SCANNERS, &[]),
    ];
    for (server, scanners, expected) in table {
        check_warnings(&[("scanhost.yaml", server), ("scanners.yaml", scanners)], expected);
    }
    check_warnings(
        &[("scanners.yaml", SCANNERS), ("scanners.yml", SCANNERS), ("profiles.yml", "")],
        &[
            "profiles.yml: the file is not read: rename it to profiles.yaml",
            "scanners.yml: the file is not read, since scanners.yaml is there: remove one of them",
        ],
    );
}
