// Record a browser: node browser.mjs KIND FILE API PAGE FLOW_TOKEN API_TOKEN, where KIND is one of those below.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const [kind, file, api, page, ...tokens] = process.argv.slice(2);
const script = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "client.js"), "utf8");
const DEBUG = 9223;
const options = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [`--remote-debugging-port=${DEBUG}`, "--remote-allow-origins=*", "--no-sandbox"],
};
const act = async (tab) => {
  await tab.goto(page);
  await tab.addScriptTag({ content: script });
  await tab.evaluate((given) => calls(...given), [api, ...tokens]);
};

const browser = await chromium.launch(options);
if (kind === "devtools") {
  // Chromium's own "Save all as HAR": its DevTools run in a second tab.
  const tab = await browser.newPage();
  const targets = await (await fetch(`http://127.0.0.1:${DEBUG}/json/list`)).json();
  const target = targets.find((each) => each.type === "page");
  const tools = await browser.newPage();
  await tools.goto(`http://127.0.0.1:${DEBUG}/devtools/inspector.html?ws=127.0.0.1:${DEBUG}/devtools/page/${target.id}`);
  await tools.waitForTimeout(3000);
  await act(tab);
  await tab.waitForTimeout(500);
  const har = await tools.evaluate(async () => {
    const { HAR } = { HAR: await import("/devtools/models/har/har.js") };
    const Logs = await import("/devtools/models/logs/logs.js");
    const requests = Logs.NetworkLog.NetworkLog.instance().requests();
    const bodies = await Promise.all(requests.map((each) => each.requestContentData?.() ?? each.contentData?.()));
    const log = await HAR.Log.Log.build(requests, { sanitize: false });
    log.entries.forEach((entry, at) => {
      const content = bodies[at];
      if (!content || content.error) return;
      const text = content.isTextContent ? content.text : content.base64;
      if (text) Object.assign(entry.response.content, { text }, content.isTextContent ? {} : { encoding: "base64" });
    });
    return { log };
  });
  writeFileSync(file, JSON.stringify(har, null, 1));
} else {
  // Playwright's recorder: `embed`, `omit` and `attach` say what becomes of bodies; a file `.zip` is packed.
  const context = await browser.newContext({ recordHar: { path: file, content: kind, mode: "full" } });
  await act(await context.newPage());
  await context.close();
}
await browser.close();
