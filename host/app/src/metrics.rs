//! What this process counts, under the names that operators know: the one place of names, labels and buckets.
//! Labels are names of the configuration and words of this program, never text that somebody sent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    proto::MetricFamily,
};
use scanhost_domain::{
    request::ScanType,
    scan::{Scan, ScanState, Status},
};
use scanhost_sandbox::{Backend, CallOutcome, CallReport, Observer, Profile};

use crate::{
    refusal::{ErrorCode, Refusal},
    snapshot::Snapshot,
};

/// Before every name of our own.
const NAMESPACE: &str = "scanhost";

/// What stands for every tool, route or method that there is not.
pub const UNKNOWN: &str = "unknown";

/// The outcome of what went well.
const OK: &str = "ok";

/// Buckets from a second to a day.
const SCAN_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 43_200.0, 86_400.0];

const TOOL_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

const PLUGIN_SECONDS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 120.0];

/// The buckets of OpenTelemetry's conventions for MCP.
const OPERATION_SECONDS: &[f64] = &[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Everything that is counted as it happens. What can be read from store and snapshot is read when it is asked for.
pub struct Metrics {
    registry: Registry,
    scans: IntCounterVec,
    scan_duration: HistogramVec,
    tool_calls: IntCounterVec,
    tool_duration: HistogramVec,
    operation_duration: HistogramVec,
    request_wait: Histogram,
    plugin_calls: IntCounterVec,
    plugin_call_seconds: HistogramVec,
    plugin_memory: IntGaugeVec,
    config_reloads: IntCounterVec,
    invalid_transitions: IntCounter,
    http_requests: IntCounterVec,
    auth_failures: IntCounter,
    findings_ingested: IntCounter,
    report_bytes: IntCounter,
    report_rebuilds: IntCounter,
}

impl Metrics {
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let new = Registered(&registry);
        build_info(&registry);
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("the names of the process metrics are taken by nobody else");
        Arc::new(Self {
            scans: new.counters("scans_total", "Scans that have ended.", &["pool", "scan_type", "status"]),
            scan_duration: new.histograms(
                "scan_duration_seconds",
                "From the start of a scan at its scanner to its end.",
                &["pool", "status"],
                SCAN_SECONDS,
            ),
            tool_calls: new.counters(
                "tool_calls_total",
                "Calls of MCP tools: ok, or the code of the error.",
                &["tool", "outcome"],
            ),
            tool_duration: new.histograms("tool_duration_seconds", "Time of a tool call.", &["tool"], TOOL_SECONDS),
            operation_duration: operation_duration(&registry),
            request_wait: new.histogram(
                "request_wait_seconds",
                "Time that an MCP request waits for others before the host works on it.",
                TOOL_SECONDS,
            ),
            plugin_calls: new.counters(
                "plugin_calls_total",
                "Calls of plugins: ok, error (the plugin answered with an error), or the kind of fault.",
                &["plugin", "function", "outcome"],
            ),
            plugin_call_seconds: new.histograms(
                "plugin_call_seconds",
                "Time of a plugin call, including the time that it waited.",
                &["plugin", "function"],
                PLUGIN_SECONDS,
            ),
            plugin_memory: new.gauges(
                "plugin_memory_bytes",
                "The most memory that one call of the plugin has needed.",
                &["plugin"],
            ),
            config_reloads: new.counters(
                "config_reloads_total",
                "Reloads of a changed configuration: ok, or failed, in which case the old one stays in use.",
                &["outcome"],
            ),
            invalid_transitions: new
                .counter("invalid_transitions_total", "Changes of a scan's state that were refused."),
            http_requests: new.counters("http_requests_total", "HTTP requests that were answered.", &["route", "code"]),
            auth_failures: new.counter("auth_failures_total", "Requests whose token was missing or wrong."),
            findings_ingested: new.counter("findings_ingested_total", "Findings of reports that were read."),
            report_bytes: new.counter("report_bytes_total", "Bytes of reports that came from scanners."),
            report_rebuilds: new.counter(
                "report_rebuilds_total",
                "Reports that were read again because their findings were damaged, gone or of an older version.",
            ),
            registry,
        })
    }

    /// Everything that was counted so far.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// A scan has ended just now.
    pub fn ended(&self, scan: &Scan) {
        let ScanState::Finished(finished) = &scan.state else { return };
        let (pool, status) = (scan.request.pool.as_str(), scan.status().name());
        self.scans.with_label_values(&[pool, scan.request.scan_type.name(), status]).inc();
        if let Some(run) = &finished.run {
            let time = finished.completed_at.duration_since(run.started_at).as_secs_f64();
            self.scan_duration.with_label_values(&[pool, status]).observe(time.max(0.0));
        }
    }

    pub fn refused_transition(&self) {
        self.invalid_transitions.inc();
    }

    pub fn called_tool(&self, tool: &str, outcome: Result<(), ErrorCode>, time: Duration) {
        let outcome = outcome.map_or_else(ErrorCode::name, |()| OK);
        self.tool_calls.with_label_values(&[tool, outcome]).inc();
        self.tool_duration.with_label_values(&[tool]).observe(time.as_secs_f64());
    }

    /// Does what a tool does, and counts it as a call of the tool, whichever way it came.
    pub async fn measure_tool<T>(
        &self,
        tool: &str,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let start = Instant::now();
        let done = work.await;
        self.called_tool(tool, done.as_ref().map(drop).map_err(|refusal| refusal.code), start.elapsed());
        done
    }

    /// One request of an MCP client; `error` is empty when it went well, `tool` when the method calls none.
    pub fn served_operation(&self, method: &str, tool: &str, error: &str, time: Duration) {
        self.operation_duration.with_label_values(&[method, tool, error]).observe(time.as_secs_f64());
    }

    pub fn waited_for_slot(&self, time: Duration) {
        self.request_wait.observe(time.as_secs_f64());
    }

    /// A changed configuration was found, and taken or not.
    pub fn reloaded(&self, was_taken: bool) {
        self.config_reloads.with_label_values(&[if was_taken { OK } else { FAILED }]).inc();
    }

    pub fn answered_request(&self, route: &str, code: u16) {
        self.http_requests.with_label_values(&[route, code.to_string().as_str()]).inc();
    }

    pub fn refused_login(&self) {
        self.auth_failures.inc();
    }

    pub fn received_report(&self, bytes: u64) {
        self.report_bytes.inc_by(bytes);
    }

    pub fn rebuilt_report(&self) {
        self.report_rebuilds.inc();
    }

    pub fn ingested(&self, findings: u64) {
        self.findings_ingested.inc_by(findings);
    }

    /// Makes everything that may be counted exist with 0, so that its first event shows as an increase.
    pub fn begin_at_zero(
        &self,
        snapshot: &Snapshot,
        tools: impl Iterator<Item = &'static str>,
        routes: impl Iterator<Item = &'static str>,
    ) {
        let ends = [Status::Completed, Status::Failed, Status::Timeout, Status::Cancelled];
        for pool in &snapshot.config.pools {
            for status in ends.map(Status::name) {
                self.scan_duration.with_label_values(&[pool.name.as_str(), status]);
                for scan_type in ScanType::ALL {
                    self.scans.with_label_values(&[pool.name.as_str(), scan_type.name(), status]);
                }
            }
        }
        for tool in tools.chain([UNKNOWN]) {
            self.tool_duration.with_label_values(&[tool]);
            for outcome in ErrorCode::ALL.map(ErrorCode::name).into_iter().chain([OK]) {
                self.tool_calls.with_label_values(&[tool, outcome]);
            }
        }
        for name in snapshot.backends.keys() {
            self.begin_plugin_at_zero(name.as_str(), &Backend::FUNCTIONS);
        }
        for profile in &snapshot.profiles {
            self.begin_plugin_at_zero(profile.component.name(), &Profile::FUNCTIONS);
        }
        for route in routes {
            self.http_requests.with_label_values(&[route, "200"]);
        }
        for outcome in [OK, FAILED] {
            self.config_reloads.with_label_values(&[outcome]);
        }
    }

    fn begin_plugin_at_zero(&self, plugin: &str, functions: &[&'static str]) {
        self.plugin_memory.with_label_values(&[plugin]);
        for function in functions {
            self.plugin_call_seconds.with_label_values(&[plugin, function]);
            for outcome in CallOutcome::names() {
                self.plugin_calls.with_label_values(&[plugin, function, outcome]);
            }
        }
    }
}

/// The outcome of a reload that was not taken.
const FAILED: &str = "failed";

impl Observer for Metrics {
    fn call_ended(&self, report: &CallReport<'_>) {
        let (plugin, function) = (report.plugin, report.function);
        self.plugin_calls.with_label_values(&[plugin, function, report.outcome.name()]).inc();
        self.plugin_call_seconds.with_label_values(&[plugin, function]).observe(report.time.as_secs_f64());
        let memory = self.plugin_memory.with_label_values(&[plugin]);
        // Two calls that end at once may leave the smaller: the next large one puts it right.
        memory.set(memory.get().max(i64::try_from(report.memory).unwrap_or(i64::MAX)));
    }
}

/// What this process is, as labels of a gauge that is always 1.
fn build_info(registry: &Registry) {
    let gauges = Registered(registry).gauges("build_info", "The version of this process; always 1.", &["version"]);
    gauges.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
}

/// Makes metrics and registers them.
pub(crate) struct Registered<'a>(pub &'a Registry);

impl Registered<'_> {
    fn counter(&self, name: &str, help: &str) -> IntCounter {
        let counter = IntCounter::with_opts(options(name, help));
        self.register(counter.expect(WELL_NAMED))
    }

    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        let gauge = IntGauge::with_opts(options(name, help));
        self.register(gauge.expect(WELL_NAMED))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let counters = IntCounterVec::new(options(name, help), labels);
        self.register(counters.expect(WELL_NAMED))
    }

    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let gauges = IntGaugeVec::new(options(name, help), labels);
        self.register(gauges.expect(WELL_NAMED))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let options = HistogramOpts::from(options(name, help)).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(options).expect(WELL_NAMED))
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
        let options = HistogramOpts::from(options(name, help)).buckets(buckets.to_vec());
        let histograms = HistogramVec::new(options, labels);
        self.register(histograms.expect(WELL_NAMED))
    }

    fn register<C: prometheus::core::Collector + Clone + 'static>(&self, collector: C) -> C {
        self.0.register(Box::new(collector.clone())).expect(WELL_NAMED);
        collector
    }
}

const WELL_NAMED: &str = "names and labels are valid and distinct";

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(NAMESPACE)
}

/// OpenTelemetry's conventions choose this name, so it has no prefix.
fn operation_duration(registry: &Registry) -> HistogramVec {
    let options = HistogramOpts::new("mcp_server_operation_duration_seconds", "Time of an MCP request.");
    let labels = ["mcp_method_name", "gen_ai_tool_name", "error_type"];
    let histograms = HistogramVec::new(options.buckets(OPERATION_SECONDS.to_vec()), &labels);
    Registered(registry).register(histograms.expect(WELL_NAMED))
}
