// What a page does with the API: the same requests for every recorder of a browser. `calls(api, token, apiToken)`.
async function calls(api, token, apiToken) {
  const basic = { Authorization: `Basic ${btoa(`${apiToken}:`)}` };
  const json = { "Content-Type": "application/json" };
  const post = (path, init) => fetch(api + path, { method: "POST", ...init });
  const message = { flow_token: token, event: "message", content: "Build 42 is grün", external_user_name: "CI" };
  await fetch(`${api}/flows`, { headers: basic });
  await fetch(`${api}/flows/example/main/messages?lmit=1&limit=1`, { headers: basic });
  await post("/messages", { headers: json, body: JSON.stringify(message) });
  await post("/messages", { body: new URLSearchParams(message) });
  await post("/messages", { headers: json, body: JSON.stringify({ ...message, content: undefined }) });
  const form = new FormData();
  form.append("event", "file");
  form.append("content", new Blob([Uint8Array.from([0, 200, 10, 13, 255])]), "dust.bin");
  const file = await (await post("/flows/example/main/messages", { headers: basic, body: form })).json();
  await fetch(api + file.content.path, { headers: basic });
  await fetch(`${api}/flows/example/main/messages/${file.id}`, { method: "DELETE", headers: basic });
  await fetch(`${api}/flow/example/main`, { headers: basic }).catch(() => {}); // its preflight is refused
}
