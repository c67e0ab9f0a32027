// Calls a server with clients that are generated from its documents: openapi-typescript, and typescript-fetch.
import createClient from "openapi-fetch";
import type { paths as AdminPaths } from "./admin";
import type { paths } from "./flowdock";
import { Configuration, SourcesApi } from "./typescript-fetch";

async function main() {
    const ready = JSON.parse(process.env.READY!);
    const headers = { Authorization: `Bearer ${ready.access_token}` };
    const place = { organization: "example", flow: "main" };

    const flowdock = createClient<paths>({ baseUrl: ready.url, headers });
    const made = await flowdock.POST("/flows/{organization}/{flow}/sources", {
        params: { path: place },
        body: { name: "Builds" },
    });

    const sources = new SourcesApi(new Configuration({ basePath: ready.url, headers }));
    const again = await sources.createSource({ ...place, createSourceRequest: { name: "Tests" } });

    const admin = createClient<AdminPaths>({ baseUrl: ready.url });
    const world = await admin.POST("/_fakeflowdock/worlds", { body: { name: "suite-1" } });
    const asserted = await admin.POST("/_fakeflowdock/worlds/{world}/assertions", {
        params: { path: { world: "default" } },
        body: { assertion: "source", expected: { name: "Builds", flow: "example/main" } },
    });

    const told = { source: made.data?.name, again: again.name, world: world.data?.name, asserted: asserted.response.ok };
    console.log(JSON.stringify(told));
}

void main();
