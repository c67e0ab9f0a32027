// People and applications: who may sign in with what.

import { origin } from "./api.mjs";
import { avatar, button, copy, fill, h, masked, select } from "./dom.mjs";

export const title = "People";
const SCOPES = ["flow", "private", "manage", "profile", "offline_access", "integration"];

export function open(ctx) {
  const people = h("section");
  const apps = h("section");
  const tokens = h("section");
  const outbox = h("section");
  const element = h("div.people-view.page", {}, h("h1", {}, "People and apps"), people, apps, tokens, outbox);
  const secret = (value, what) => [masked(value), " ", button("Copy", () => copy(value, what), { "aria-label": `Copy: ${what}` })];
  const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
  const cards = (heading, found, none) => [h("h2", {}, heading), found.length ? h("div.cards", {}, found) : h("p.soft", {}, none)];
  const head = (name, ...more) => h("div.head", {}, avatar(name), h("strong.grow", {}, name), more);

  async function update(differs) {
    if (!["content", "requests", "world"].some(differs)) return;
    if (element.contains(document.activeElement) && document.activeElement.tagName === "INPUT" && !differs("world")) return;
    const [users, applications, granted, mails, flows] = await Promise.all([ctx.get("users", { limit: 200 }), ctx.get("applications", { limit: 200 }), ctx.get("access-tokens", { limit: 200 }), ctx.get("outbox"), ctx.get("flows", { limit: 200 })]);
    const role = ({ flow }, id) => (flow.blocked.includes(id) ? " (blocked)" : flow.admins.includes(id) ? " (administrator)" : "");
    const named = new Map(users.map((each) => [each.id, each.name]));
    const owning = new Map(applications.map((each) => [each.id, each.name]));
    fill(people, cards("People", users.map((each) => h("article.card", {}, head(each.name, h("small", {}, each.nick)), h("dl", {},
      row("Id", each.id), row("E-mail", each.email || "none"), row("Organizations", each.organizations.join(", ") || "none"),
      row("Flows", flows.filter(({ flow }) => flow.members.includes(each.id)).map((one) => one.flow.name + role(one, each.id)).join(", ") || "none"),
      row("Password", secret(each.password, `password of ${each.name}`)), row("api_token", secret(each.api_token, `api_token of ${each.name}`))))), "Nobody yet."));
    fill(apps, cards("Applications", applications.map((each) => h("article.card", {}, head(each.name, each.disabled ? h("span.chip", {}, "removed") : null), h("dl", {},
      row("Id", each.id), row("Owner", named.get(each.owner) ?? "none"), row("Redirect URI", each.redirect_uri), row("client_id", h("code", {}, each.client_id)),
      row("client_secret", secret(each.client_secret, `client_secret of ${each.name}`))),
    each.disabled ? null : h("p.buttons", {}, h("a.button", { href: `${origin}/oauth/authorize?${new URLSearchParams({ client_id: each.client_id, response_type: "code" })}`, target: "_blank", rel: "noopener" }, "Open the consent page")))), "No applications."));
    const form = () => {
      const user = select("User of the token", users.map((each) => [each.id, each.name]));
      const application = select("Application of the token", applications.filter((each) => !each.disabled).map((each) => [each.id, each.name]));
      const boxes = SCOPES.map((scope) => [scope, h("input", { type: "checkbox", checked: true })]);
      return h("form.row", { onsubmit: (event) => {
        event.preventDefault();
        ctx.write("POST", "access-tokens", { user: Number(user.value), application: Number(application.value), scope: boxes.filter(([, box]) => box.checked).map(([scope]) => scope).join(" ") }, "Token added");
      } }, user, application, boxes.map(([scope, box]) => h("label.check", {}, box, scope)), h("button", {}, "Add token"));
    };
    fill(tokens, h("h2", {}, "Access tokens"), granted.length ? h("ul.rows", {}, granted.map((each) => h("li", {}, h("span.grow", {}, `${named.get(each.user)} through ${owning.get(each.application)}`,
      h("small", {}, ` ${each.scope}; ${each.expires_at ? `until ${each.expires_at}` : "does not expire"}`)), secret(each.access_token, "access token"),
    ctx.mayWrite ? button("Revoke", () => ctx.write("DELETE", `access-tokens/${each.access_token}`, undefined, "Token revoked"), { class: "danger" }) : null))) : h("p.soft", {}, "No access tokens."),
    ctx.mayWrite && users.length && applications.length ? form() : null);
    fill(outbox, h("h2", {}, "Outbox"), mails.length ? h("ul.rows", {}, mails.map((each) => h("li", {}, h("span.grow", {}, h("strong", {}, each.email), h("small", {}, ` to ${each.flow}${each.message ? `: ${each.message}` : ""}`)),
      ctx.mayWrite ? button("Accept", () => ctx.write("POST", "accept", { invitation: each.invitation }, `${each.email} has joined`)) : null))) : h("p.soft", {}, "No mails to invited people."));
  }

  return { element, update };
}
