//! Every tool there is, and their names.

use std::sync::LazyLock;

use super::{
    cancel_scan, compare_scans, delete_scan, download_native_scan, get_pool_status, get_queue_status, get_scan_results,
    get_scan_settings, get_scan_status, get_scan_summary, list_pools, list_profiles, list_scanners, list_scans,
    run_privileged_scan, run_trusted_scan, run_untrusted_scan, tool::Row, wait_for_scan,
};

/// Every tool, in the order in which they are listed. `confirm_privileged` is as in the configuration.
pub fn rows(confirm_privileged: bool) -> Vec<Row> {
    vec![
        run_untrusted_scan::row(),
        run_trusted_scan::row(),
        run_privileged_scan::row(confirm_privileged),
        get_scan_status::row(),
        wait_for_scan::row(),
        get_scan_summary::row(),
        get_scan_results::row(),
        compare_scans::row(),
        get_scan_settings::row(),
        download_native_scan::row(),
        cancel_scan::row(),
        delete_scan::row(),
        list_scans::row(),
        list_scanners::row(),
        list_pools::row(),
        get_pool_status::row(),
        get_queue_status::row(),
        list_profiles::row(),
    ]
}

/// The names of all tools.
pub fn tool_names() -> impl Iterator<Item = &'static str> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| rows(false).iter().map(|row| row.tool.name.to_string()).collect());
    NAMES.iter().map(String::as_str)
}
