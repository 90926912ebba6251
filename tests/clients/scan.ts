// Scans the same targets twice, then prints what to fix first and what has changed between the scans.
//
//     npm install @modelcontextprotocol/client
//     node scan.ts 127.0.0.1 http://127.0.0.1:8836/mcp        (Node.js 22.18 or newer)
//     node scan.ts 127.0.0.1 scanhost stdio                   starts its own server and uses it over stdio
//
// If the server requires a token, set SCANHOST_TOKEN.

import { randomUUID } from "node:crypto";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

type Finding = Record<string, unknown>;
type Page = { page: number; page_size: number; skip?: number };

const [targets, address, ...args] = process.argv.slice(2);
const client = new Client({ name: "scan.ts", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
await client.connect(transport());

const before = await scan("before");
const after = await scan("after");
for (const finding of await findings(after, "summary", { severity: ">=High", exploit_available: true })) {
  console.log(`fix first: ${finding.plugin_name} on ${finding.host}`);
}
const compare = { baseline_task_id: before, task_id: after };
const compared = await client.callTool({ name: "compare_scans", arguments: compare });
const { counts } = compared.structuredContent as { counts: Record<string, number> };
console.log(Object.entries(counts).map(([change, count]) => `${count} ${change}`).join(", "));
await client.close();

function transport() {
  if (!/^https?:/.test(address)) return new StdioClientTransport({ command: address, args });
  const token = process.env.SCANHOST_TOKEN;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return new StreamableHTTPClientTransport(new URL(address), { requestInit: { headers } });
}

// Submits a scan and waits for its end. The idempotency key makes it safe to repeat the request.
async function scan(name: string): Promise<string> {
  const request = { targets, name, idempotency_key: randomUUID() };
  const submitted = await client.callTool({ name: "run_untrusted_scan", arguments: request });
  const { task_id } = submitted.structuredContent as { task_id: string };
  for (;;) {
    // Each call waits less than a minute; scans take longer.
    const wait = { task_id, timeout_seconds: 50 };
    const waited = await client.callTool({ name: "wait_for_scan", arguments: wait });
    const { status, error } = waited.structuredContent as { status: string; error?: object };
    if (status === "completed") return task_id;
    if (status !== "queued" && status !== "running") {
      throw new Error(`the scan ended as ${status}: ${JSON.stringify(error)}`);
    }
  }
}

// Returns all findings that match the filters, fetched page by page.
async function findings(task_id: string, schema_profile: string, filters: object): Promise<Finding[]> {
  const found: Finding[] = [];
  for (let page: Page | undefined = { page: 1, page_size: 40 }; page; ) {
    const request = { task_id, schema_profile, filters, ...page };
    const results = await client.callTool({ name: "get_scan_results", arguments: request });
    const [{ text }] = results.content as { text: string }[];
    const lines = text.split("\n").map((line) => JSON.parse(line));
    found.push(...lines.filter((line) => line.type === "vulnerability"));
    page = nextRequest(lines);
  }
  return found;
}

// Returns the arguments for the rest of a truncated page, or for the next page, or nothing after the last page.
function nextRequest(lines: any[]): Page | undefined {
  const truncated = lines.find((line) => line.type === "truncated");
  if (truncated) return truncated.resume;
  const pagination = lines[lines.length - 1];
  return pagination.has_next ? { page: pagination.next_page, page_size: pagination.page_size } : undefined;
}
