// Says above the views of a frozen world where it comes from: the test that failed, the likely cause, and what was cut.
import {held} from "./api.mjs"
import {b, fill, h, pre, reference, soft} from "./dom.mjs"

const {start} = document.documentElement.dataset
if (!location.hash && start) history.replaceState(null, "", `#${start}`)

const place = h("section.told", {label: "About this file"}),
	main = document.getElementById("main"),
	to = number => h("a", {href: `#view=requests&request=${number}`}, number)
main.before(place)
held.then(({about: {test, cause, report, first, last, cut, version}}) => fill(place,
	test && h("h1", test),
	cause && h("p.alert", b("Likely cause: "), cause.split(/(docs\/api\/[\w-]+\.md(?:#[\w-]+)?)/).map((part, at) => (at % 2 ? reference(part) : part))),
	soft(`Frozen by fakeflowdock ${version}. Secrets are cut.`, first && [" The test made ", first === last ? ["request ", to(first)] : ["requests ", to(first), " to ", to(last)], "."], cut.map(it => ` ${it}`)),
	report && h("details", h("summary", "Report"), pre(report))), error => fill(main, h(".empty", h("h2", "Not readable"), h("p", error.message))))
