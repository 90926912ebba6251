// Uses the web page in a browser as a person would: logs in, submits a scan, follows it to its end, filters, compares,
// cancels, deletes and logs out. It also checks every page with axe-core, in both colour schemes, wide and narrow.
//
// Arguments: the server's address, a token with all scopes, the id of a completed scan with a hostile report.
// SCANHOST_SCREENSHOTS names a folder for screenshots of every page.
// SCANHOST_CHROMIUM names a browser to use instead of Debian's.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [address, token, hostile] = process.argv.slice(2);
const require = createRequire(process.env.SCANHOST_NODE_MODULES);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = process.env.SCANHOST_SCREENSHOTS;
const LONG_TIMEOUT = { timeout: 30_000 };
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };

const profile = mkdtempSync(join(tmpdir(), "scanhost-browser-"));
const options = {
  executablePath: process.env.SCANHOST_CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
};

// Errors and dialogs of all pages, except the failed requests that a step expects.
const problems = [];
const recordProblems = (page) => {
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => { problems.push(`${page.url()}: a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("console", (message) => {
    const isExpected = message.text().startsWith("Failed to load resource: the server responded with a status of 40");
    if (message.type() === "error" && !isExpected) problems.push(`${page.url()}: ${message.text()}`);
  });
  return page;
};

const logIn = async (page, enteredToken = token) => {
  await page.getByLabel("Token").fill(enteredToken);
  await page.getByRole("button", { name: "Log in" }).click();
};

const submit = async (page, name, pool) => {
  await page.goto(`${address}/scans/new`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Targets").fill("10.0.0.0/28");
  await page.getByLabel("Pool").selectOption(pool);
  await page.getByRole("button", { name: "Submit" }).click();
  await page.waitForURL(/\/scans\/[0-9A-Z]{26}$/);
  return page.url().split("/").pop();
};

// Waits until the page shows the end of the scan. The page updates itself. At the end it reloads itself once and then
// has no live updates.
const waitForEnd = async (page, state) => {
  await page.locator(`#standing .state.${state}`).waitFor(LONG_TIMEOUT);
  await page.locator("#live").waitFor({ state: "detached", ...LONG_TIMEOUT });
};

const severities = async (page) => new Set(await page.locator("#findings td .severity").allTextContents());

async function testLogin(page) {
  const response = await page.goto(`${address}/scans?status=failed`);
  assert.equal(response.status(), 401);
  assert.deepEqual(await page.locator("nav").count(), 0, "without a login the page shows nothing of the server");
  await logIn(page, "a-guess");
  await page.getByRole("alert").waitFor();
  await page.goto(`${address}/scans?status=failed`);
  await logIn(page);
  await page.waitForURL(`${address}/scans?status=failed`);
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.secure], [true, "Strict", false]);
  assert.ok(!cookie.value.includes(token));
}

async function testLiveScan(page) {
  const id = await submit(page, "followed", "mock");
  await page.locator("#live:not([hidden])").waitFor();
  await waitForEnd(page, "completed");
  assert.equal(await page.title(), "followed · scanhost");
  return id;
}

async function testFilters(page) {
  await page.getByLabel("Field").fill("severity");
  await page.getByLabel("Value").fill(">=High");
  await page.getByRole("button", { name: "Show" }).click();
  await page.locator(".chips li").waitFor();
  assert.deepEqual(await severities(page), new Set(["Critical", "High"]));
  await page.getByRole("link", { name: "Remove the filter severity=>=High" }).click();
  await page.locator(".chips").waitFor({ state: "detached" });
  assert.ok((await severities(page)).size > 2);
  await page.locator(".chart").getByRole("link", { name: "Medium" }).click();
  await page.locator(".chips li").waitFor();
  assert.deepEqual(await severities(page), new Set(["Medium"]));
  await page.getByRole("link", { name: "What to fix first" }).click();
  await page.locator(".tabs a[aria-current]", { hasText: "What to fix first" }).waitFor();
  assert.ok((await page.locator("#findings tbody tr").count()) > 0);
  await page.getByLabel("Field").fill("nosuch");
  await page.getByLabel("Value").fill("1");
  await page.getByRole("button", { name: "Show" }).click();
  assert.match(await page.getByRole("alert").textContent(), /nosuch/);
}

async function testPages(page, id) {
  await page.goto(`${address}/scans/${id}?page_size=10`);
  const first = await page.locator("#findings tbody").textContent();
  await page.getByRole("link", { name: "Next" }).click();
  await page.waitForURL(/page=2/);
  assert.notEqual(await page.locator("#findings tbody").textContent(), first);
  await page.getByRole("link", { name: "Previous" }).click();
  await page.waitForURL(/page=1/);
  assert.equal(await page.locator("#findings tbody").textContent(), first);
}

async function testComparison(page, earlier) {
  const later = await submit(page, "the same again", "mock");
  await waitForEnd(page, "completed");
  await page.locator(".heading").getByRole("link", { name: "Compare", exact: true }).click();
  await page.getByLabel("Earlier scan").selectOption(earlier);
  assert.equal(await page.getByLabel("Later scan").inputValue(), later);
  await page.getByRole("button", { name: "Compare" }).click();
  await page.locator("#still table").waitFor();
  const figures = await page.locator(".glance dd").allTextContents();
  assert.deepEqual(figures.slice(0, 3), ["0", "0", "0"]);
  assert.ok(Number(figures[3].replace(/\D/g, "")) > 10, "the mock finds the same again in every scan");
  return later;
}

async function testActions(page) {
  const id = await submit(page, "cancelled", "mock_slow");
  await page.locator("#standing .state.running").waitFor(LONG_TIMEOUT);
  await page.getByRole("button", { name: "Cancel scan" }).click();
  await waitForEnd(page, "cancelled");
  await page.getByText("Delete", { exact: true }).click();
  await page.getByRole("button", { name: "Delete permanently" }).click();
  await page.waitForURL(`${address}/scans`);
  assert.equal((await page.goto(`${address}/scans/${id}`)).status(), 404);

  await page.goto(address);
  await page.getByRole("button", { name: "Pause pool mock_slow" }).click();
  await page.getByRole("button", { name: "Resume pool mock_slow" }).click();
  await page.getByRole("button", { name: "Pause pool mock_slow" }).waitFor();
}

// The overview on one page shows a scan that is submitted on another.
async function testLiveOverview(page, other) {
  await page.goto(address);
  await page.locator("#live:not([hidden])").waitFor();
  await submit(other, "from another page", "mock");
  await page.locator("#recent").getByText("from another page").waitFor(LONG_TIMEOUT);
}

async function testHostileReport(page) {
  for (const query of ["", "?profile=full&page_size=100", "?profile=triage", "?filter=plugin_name%3D%3Cscript%3E"]) {
    await page.goto(`${address}/scans/${hostile}${query}`);
    assert.equal(await page.locator("script").count(), 1, "the only script is the page's own");
    assert.equal(await page.locator("#findings img, #findings b, #findings iframe").count(), 0);
    assert.match(await page.locator("#findings").textContent(), /<script>/);
    const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
    assert.doesNotMatch(await page.content(), hidden, "the page has no invisible characters");
    assert.ok((await page.locator("#findings .mark").count()) > 0);
    assert.equal(await page.evaluate(() => globalThis.attacked), undefined);
  }
}

async function testKeyboard(page) {
  await page.goto(address);
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  assert.equal(await focused(), "Skip to main content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focused element has a visible outline");
}

async function testWithoutJavaScript(browser, id) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(address);
  await logIn(page);
  await page.locator("#pools").waitFor();
  await page.goto(`${address}/scans/${id}?filter=severity%3DCritical`);
  assert.deepEqual(await severities(page), new Set(["Critical"]));
  const slow = await submit(page, "without JavaScript", "mock_slow");
  await page.getByRole("button", { name: "Cancel scan" }).click();
  await page.waitForURL(`${address}/scans/${slow}`);
  await context.close();
}

async function checkAppearance(page, path, name) {
  for (const [width, viewport] of [["wide", WIDE], ["narrow", NARROW]]) {
    await page.setViewportSize(viewport);
    await page.goto(`${address}${path}`);
    for (const summary of await page.locator(".help summary, tr:first-child .unfold summary").all()) await summary.click();
    await page.evaluate(AXE);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      // Only the contrast of colours depends on the scheme.
      const rules = colorScheme === "light" ? {} : { runOnly: ["color-contrast"] };
      const { violations } = await page.evaluate((rules) => globalThis.axe.run({ resultTypes: ["violations"], ...rules }), rules);
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const descriptions = serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join("; ")}`);
      assert.deepEqual(descriptions, [], `${path} ${colorScheme} ${width}`);
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels too wide (${width})`);
  }
}

const browser = await chromium.launchPersistentContext(profile, { ...options, viewport: WIDE });
try {
  const page = recordProblems(browser.pages()[0] ?? (await browser.newPage()));
  const step = async (name, action) => {
    const start = Date.now();
    const result = await action();
    console.log(`${name}: ${Date.now() - start} ms`);
    return result;
  };
  await step("login page", () => checkAppearance(page, "/", "login"));
  await step("login", () => testLogin(page));
  const first = await step("follow", () => testLiveScan(page));
  await step("filter", () => testFilters(page));
  await step("pages", () => testPages(page, first));
  const second = await step("compare", () => testComparison(page, first));
  await step("actions", () => testActions(page));
  await step("attack", () => testHostileReport(page));
  await step("keyboard", () => testKeyboard(page));
  await step("live", async () => {
    const other = recordProblems(await browser.newPage());
    await testLiveOverview(page, other);
    await other.close();
  });
  await step("no script", () => testWithoutJavaScript(browser.browser() ?? browser, first));
  const slow = await submit(page, "running", "mock_slow");
  await page.locator("#standing .state.running").waitFor(LONG_TIMEOUT);
  await step("appearance", async () => {
    const paths = [
      ["/", "overview"], ["/scans", "scans"], ["/scans?target=192.168.7.7", "no-scans"], ["/scans/new", "new-scan"],
      [`/scans/${slow}`, "running"], [`/scans/${first}?page_size=10`, "scan"],
      [`/scans/${first}?profile=triage&page_size=10`, "triage"],
      [`/scans/${hostile}?profile=full&page_size=10`, "hostile"], [`/scans/${first}?filter=nosuch%3D1`, "bad-filter"],
      ["/compare", "compare"], [`/compare?baseline_task_id=${hostile}&task_id=${second}`, "compared"],
      ["/nosuch", "not-found"],
    ];
    for (const [path, name] of paths) await checkAppearance(page, path, name);
  });
  await page.setViewportSize(WIDE);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Token").waitFor();
  assert.equal((await page.goto(address)).status(), 401);
  assert.deepEqual(problems, []);
  console.log("ok");
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
