// The seam: the page reads and writes through this module alone. A frozen world has another module with the same
// exports; docs/background/inspector.md describes them.
import {ask} from "./dom.mjs"

const BASE = new URL(".", location.href.split("#")[0]),
	KEY = "fakeflowdock-admin-token"
export const frozen = false
export const mayWrite = document.documentElement.dataset.mode === "full"
export const origin = BASE.href.slice(0, -"/_fakeflowdock/".length)
export const page = name => name

// Asks for the admin token, once for all requests that wait for it.
let asking
const askToken = () => asking ??= new Promise(resolve => {
	ask("Admin token", [["token", `${sessionStorage.getItem(KEY) ? "That token is not valid. " : ""}The ready line of the server has it.`, {type: "password", required: true}]], "Open the inspector",
		({token}) => sessionStorage.setItem(KEY, token.trim()) ?? null).addEventListener("close", () => { asking = null; resolve() })
})

async function sent(path, more = {}, headers = {}) {
	for (;;) {
		let token = sessionStorage.getItem(KEY),
			reply = await fetch(new URL(path, BASE), {...more, headers: {...headers, ...(token && {Authorization: `Bearer ${token}`})}})
		if (reply.ok) return reply
		if (reply.status === 401) {await askToken(); continue }
		let message = await reply.text()
		try { ({message} = JSON.parse(message)) } catch { /* not JSON */ }
		throw Object.assign(new Error(message), {status: reply.status})
	}
}

export async function write(method, path, body) {
	let reply = await sent(path, {method, body: JSON.stringify(body)}, body && {"Content-Type": "application/json"})
	return reply.status === 204 ? null : reply.json()
}

export const read = (path, values = {}) => write("GET", `${path}?${new URLSearchParams(Object.entries(values).filter(([, it]) => (it ?? "") !== ""))}`)

export function changes(world, onstate, onlive) {
	let control = new AbortController(),
		{signal} = control
	let last;
	(async () => {
		for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 5000)) {
			try {
				let reply = await sent(`worlds/${encodeURIComponent(world)}/changes`, {signal}, last && {"Last-Event-ID": last})
				onlive(true)
				wait = 125
				let reader = reply.body.pipeThrough(new TextDecoderStream()).getReader()
				for (let text = "", part; !(part = await reader.read()).done;) {
					let records = (text + part.value).split("\n\n")
					text = records.pop()
					for (let record of records) {
						let [, id, data] = /^id: (.*)\ndata: (.*)/.exec(record) ?? []
						if (data) {last = id; onstate(JSON.parse(data)) }
					}
				}
			} catch (error) {
				if (error.status === 404) onlive(null)
			}
			if (signal.aborted) return
			onlive(false)
			await new Promise(resolve => setTimeout(resolve, wait))
		}
	})()
	return () => control.abort()
}
