// Says above the views of a frozen world where it comes from: the test that failed, the likely cause, and what was cut.

import { held } from "./api.mjs";
import { add, h } from "./dom.mjs";

const { start } = document.documentElement.dataset;
if (!location.hash && start) history.replaceState(null, "", `#${start}`);

const place = h("section.told", { "aria-label": "About this file" });
document.getElementById("main").before(place);

held.then(({ about }) => {
  const { test, cause, report, first, last, cut, version } = about;
  const made = first && last ? [h("a", { href: `#view=requests&request=${first}` }, first === last ? `request ${first}` : `requests ${first}`),
    first === last ? null : [" to ", h("a", { href: `#view=requests&request=${last}` }, last)]] : null;
  add(place,
    test ? h("h1", {}, test) : null,
    cause ? h("p.alert", {}, h("strong", {}, "Likely cause: "), cause) : null,
    h("p.soft", {}, "Frozen by fakeflowdock ", version, ". Secrets are cut.", made ? [" The test made ", made, "."] : null, cut.map((each) => ` ${each}`)),
    report ? h("details", {}, h("summary", {}, "Report"), h("pre", { tabindex: 0 }, report)) : null);
}, (error) => {
  document.getElementById("main").replaceChildren(h("div.empty", {}, h("h2", {}, "Not readable"), h("p", {}, error.message)));
});
