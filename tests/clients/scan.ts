// Two scans of the same targets from submit to comparison, as an agent of your own would do it.
//
//     npm install @modelcontextprotocol/client
//     node scan.ts http://127.0.0.1:8836/mcp 10.0.0.0/28        (Node.js 22.18 or newer)
//
// A server with tokens wants one: put it into SCANHOST_TOKEN.

import { randomUUID } from "node:crypto";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

type Finding = Record<string, unknown>;
type Page = { page: number; page_size: number; skip?: number };

// What makes two findings the same.
const KEY = ["host", "port", "protocol", "plugin_id"];

const [url, targets] = process.argv.slice(2);
const token = process.env.SCANHOST_TOKEN;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const client = new Client({ name: "scan.ts", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));

const before = await scan("before");
const after = await scan("after");
for (const finding of await findings(after, "summary", { severity: ">=High", exploit_available: true })) {
  console.log(`fix first: ${finding.plugin_name} on ${finding.host}`);
}
console.log(await compare());
await client.close();

// Submits a scan and waits until it has ended. The key makes it safe to send the request again.
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

// All findings that pass the filters, page by page.
async function findings(task_id: string, schema_profile: string, filters: object): Promise<Finding[]> {
  const found: Finding[] = [];
  for (let page: Page | undefined = { page: 1, page_size: 100 }; page; ) {
    const asked = { task_id, schema_profile, filters, ...page };
    const answer = await client.callTool({ name: "get_scan_results", arguments: asked });
    const [{ text }] = answer.content as { text: string }[];
    const lines = text.split("\n").map((line) => JSON.parse(line));
    found.push(...lines.filter((line) => line.type === "vulnerability"));
    page = rest(lines);
  }
  return found;
}

// What asks for more: the rest of a page that was cut, else the next page.
function rest(lines: any[]): Page | undefined {
  const cut = lines.find((line) => line.type === "truncated");
  if (cut) return cut.resume;
  const last = lines[lines.length - 1];
  return last.has_next ? { page: last.next_page, page_size: last.page_size } : undefined;
}

async function compare(): Promise<string> {
  const keys = async (task_id: string) => {
    const found = await findings(task_id, "full", { severity: ">=Low" });
    return new Set(found.map((finding) => JSON.stringify(KEY.map((field) => finding[field]))));
  };
  const [old, now] = [await keys(before), await keys(after)];
  const added = [...now].filter((key) => !old.has(key)).length;
  const gone = [...old].filter((key) => !now.has(key)).length;
  return `${added} new, ${gone} gone, ${now.size - added} still there`;
}
