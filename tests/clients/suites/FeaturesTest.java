import fakeflowdock.FakeFlowdock;
import fakeflowdock.FakeFlowdock.Data;
import fakeflowdock.FakeFlowdock.World;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

import static fakeflowdock.FakeFlowdock.caller;
import static fakeflowdock.FakeFlowdock.status;
import static fakeflowdock.FakeFlowdock.times;
import static fakeflowdock.FakeFlowdock.within;

class FeaturesTest {
    static final FakeFlowdock flowdock = FakeFlowdock.open();
    static final HttpClient client = HttpClient.newHttpClient();

    interface Steps {
        void run() throws Throwable;
    }

    static void equal(Object actual, Object expected) {
        if (!Objects.equals(actual, expected)) {
            throw new AssertionError("expected " + expected + ", got " + actual);
        }
    }

    static void matches(String text, String pattern) {
        if (!Pattern.compile(pattern, Pattern.DOTALL).matcher(text).find()) {
            throw new AssertionError("expected " + pattern + ", got " + text);
        }
    }

    static <T extends Throwable> T fails(Class<T> kind, String pattern, Steps steps) {
        try {
            steps.run();
        } catch (Throwable error) {
            if (!kind.isInstance(error)) {
                throw new AssertionError("expected " + kind, error);
            }
            matches(String.valueOf(error.getMessage()), pattern);
            return kind.cast(error);
        }
        throw new AssertionError("it did not fail with " + pattern);
    }

    static HttpResponse<String> call(World world, String method, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(world.url() + path))
                .version(HttpClient.Version.HTTP_1_1)
                .header("Authorization", "Bearer " + world.accessToken())
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    static int send(World world, String content) throws Exception {
        String body = "{\"event\": \"message\", \"content\": \"" + content + "\"}";
        return call(world, "POST", "/flows/example/main/messages", body).statusCode();
    }

    @Test
    @DisplayName("a world has credentials of its own, from its name")
    void credentials() {
        World one = flowdock.createWorld();
        World two = flowdock.createWorld();
        equal(one.name().equals(two.name()) || one.apiToken().equals(two.apiToken()), false);
        equal(flowdock.world(one.name()).credentials(), one.credentials());
        FakeFlowdock.Failure taken = fails(FakeFlowdock.Failure.class, "^World '.*' already exists",
                () -> flowdock.createWorld(Map.of("name", one.name())));
        equal(taken.status(), 409);
        flowdock.createWorld(Map.of("name", two.name(), "world", "docs", "replace", true));
        two.delete();
        equal(flowdock.worlds().stream().anyMatch(world -> world.text("name").equals(two.name())), false);
        two.close();
        one.close();
        fails(FakeFlowdock.Failure.class, "^Unknown world", one::report);
    }

    @Test
    @DisplayName("an invalid field is named")
    void invalid() {
        FakeFlowdock.Failure error = fails(FakeFlowdock.Failure.class, "did you mean world\\?",
                () -> flowdock.createWorld(Map.of("wrld", "empty")));
        equal(error.status(), 422);
        equal(error.errors().get(0).text("pointer"), "/wrld");
    }

    @Test
    @DisplayName("worlds see nothing of each other")
    void worlds() throws Throwable {
        flowdock.inWorld(one -> flowdock.inWorld(two -> {
            send(one, "Only here");
            one.assertMessage(Map.of("content", "Only here"), times(1));
            two.assertNoMessage(Map.of("content", "Only here"));
            equal(two.requests(), List.of());
        }));
    }

    @Test
    @DisplayName("assertions fail with the explanation of the server")
    void assertions() throws Throwable {
        flowdock.inWorld(Map.of("seed", Map.of("sources", List.of("Builds"))), world -> {
            send(world, "Done");
            world.assertRequested("send message", Map.of("content", "Done"), status(201), caller("application", 1));
            world.assertRequested("send message", times(1));
            world.assertNotRequested("send message", Map.of("content", "Failed"));
            world.assertSource(Map.of("name", Pattern.compile("\\Abuild.\\z", Pattern.CASE_INSENSITIVE)));
            world.assertNoSource(Map.of("name", "Deploys"));
            world.assertNoPrivateMessage(Map.of("content", "Done"));
            world.assertNoInvitation(Map.of());
            world.assertNoDelivery(Map.of());
            fails(AssertionError.class, "expected 'Donne', got 'Done'",
                    () -> world.assertMessage(Map.of("content", "Donne")));
            fails(AssertionError.class, "Done",
                    () -> world.assertNoMessage(Map.of("content", Pattern.compile("^Do"))));
            fails(FakeFlowdock.Failure.class, "did you mean content\\?",
                    () -> world.assertMessage(Map.of("contnt", "Done")));
            CompletableFuture<Void> asserted = CompletableFuture.runAsync(
                    () -> world.assertMessage(Map.of("content", "Late"), within(Duration.ofMinutes(1))));
            send(world, "Late");
            asserted.get();
        });
    }

    @Test
    @DisplayName("faults make requests fail, and are cleared")
    void faults() throws Throwable {
        flowdock.inWorld(world -> {
            Data fault = world.fail(Map.of("operation", "send message", "times", 2, "status", 503, "retry_after", 1));
            equal(send(world, "One"), 503);
            equal(world.faults().get(0).number("applied"), 1L);
            world.clearFault(fault);
            equal(send(world, "Two"), 201);
            world.fail(Map.of("status", 500));
            world.failDeliveries(Map.of("connection", "timeout"));
            world.clearFaults();
            equal(world.faults(), List.of());
        });
    }

    @Test
    @DisplayName("the journal has the requests, and can be waited for")
    void journal() throws Throwable {
        flowdock.inWorld(world -> {
            CompletableFuture<List<Data>> waited = CompletableFuture.supplyAsync(() -> world.waitForRequests(
                    Map.of("operation", "send message", "expected", Map.of("content", "Second"), "timeout", 60)));
            send(world, "First");
            send(world, "Second");
            equal(waited.get().get(0).data("parameters").text("content"), "Second");
            List<Data> first = world.requests(Map.of("operation", "send message", "limit", 1));
            equal(first.get(0).data("response").number("status"), 201L);
            Map<String, ?> expected = Map.of("content", Pattern.compile("^sec", Pattern.CASE_INSENSITIVE));
            equal(world.requests(Map.of("expected", expected)).size(), 1);
            HttpRequest anonymous = HttpRequest.newBuilder(URI.create(world.apiUrl() + "/user")).build();
            equal(client.send(anonymous, HttpResponse.BodyHandlers.discarding()).statusCode(), 401);
            world.assertRequested("get own user", status(401));
            equal(world.exportRequests(Map.of()).data("log").text("version"), "1.2");
            fails(AssertionError.class, "^the awaited requests have not arrived, only 2: \\{",
                    () -> world.waitForRequests(Map.of("method", "POST", "count", 3, "timeout", 0)));
            world.clearRequests();
            equal(world.requests(), List.of());
            call(world, "GET", "/users?lmit=3", "");
            matches(world.contractWarnings().get(0).text("message"), "no parameter lmit");
        });
    }

    @Test
    @DisplayName("a world is reset, or restored from a snapshot")
    void state() throws Throwable {
        flowdock.inWorld(world -> {
            send(world, "Kept");
            equal(world.snapshot("ready").number("messages"), 1L);
            send(world, "Lost");
            equal(world.difference("ready").is("same"), false);
            world.restore("ready");
            world.addMessage(Map.of("content", "Lost"));
            world.reset(Map.of("to", "ready"));
            world.assertNoMessage(Map.of("content", "Lost"));
            world.assertMessage(Map.of("content", "Kept"));
            world.reset();
            world.assertNoMessage(Map.of("content", "Kept"));
            equal(world.requests(), List.of());
            equal(send(world, "Again"), 201);
            Data state = world.readState();
            flowdock.inWorld(Map.of("state", state), copy -> copy.assertMessage(Map.of("content", "Again")));
            world.loadState(state);
            equal(world.readState().get("messages"), state.get("messages"));
        });
    }

    @Test
    @DisplayName("a world is arranged")
    void arranged() throws Throwable {
        flowdock.inWorld(world -> {
            Data bob = world.addUser(Map.of("name", "Bob Example", "nick", "Bob"));
            equal(world.updateUser(bob, Map.of("nick", "Bobby")).text("nick"), "Bobby");
            equal(world.addOrganization(Map.of("parameterized_name", "acme")).text("name"), "Acme");
            equal(world.updateOrganization("acme", Map.of("name", "Acme Inc.")).text("name"), "Acme Inc.");
            Data flow = world.addFlow(Map.of("path", "acme/ops", "members", List.of("Bobby")));
            equal(flow.get("members"), List.of(bob.number("id")));
            equal(world.updateFlow(flow, Map.of("access_mode", "link")).text("access_mode"), "link");
            world.addMembership(Map.of("user", 1, "flow", "acme/ops"));
            equal(world.updateMembership("Bobby", Map.of("flow", "acme/ops", "admin", true)).is("admin"), true);
            world.removeMembership(1, Map.of("flow", "acme/ops"));
            Data application = world.addApplication(Map.of("name", "CI & co."));
            world.updateApplication("CI & co.", Map.of("redirect_uri", "https://ci.example.com/callback"));
            world.revokeAccessToken(world.addAccessToken(Map.of("user", "Bobby", "scope", "flow")));
            world.revokeApplication(application, Map.of("user", bob.number("id")));
            Data source = world.addSource(Map.of("name", "Builds", "flow", "acme/ops"));
            Data updated = world.updateSource("Builds", Map.of("error_message", "down"));
            equal(updated.text("flow_token"), source.text("flow_token"));
            Data message = world.addMessage(Map.of("content", "Hello", "user", "Bobby", "flow", "acme/ops"));
            equal(world.updateMessage(message, Map.of("content", "Hi")).text("content"), "Hi");
            world.assertMessage(Map.of("content", "Hi", "user", "Bob Example", "flow", "acme/ops"));
            world.updateMessage(message.number("id"), Map.of("flow", "acme/ops", "tags", List.of("x")));
            world.removeMessage(message);
            world.assertMessage(Map.of("content", "", "flow", "acme/ops"));
            Data lunch = world.addPrivateMessage(Map.of("to_user", "Bobby", "content", "Lunch?"));
            world.assertPrivateMessage(Map.of("content", "Lunch?"));
            equal(world.updatePrivateMessage(lunch, Map.of("content", "Tea?")).text("content"), "Tea?");
            Map<String, Object> changes = Map.of("to_user", bob.number("id"), "content", "Lunch");
            equal(world.updatePrivateMessage(1, changes).number("id"), lunch.number("id"));
            world.removePrivateMessage(lunch);
            world.assertPrivateMessage(Map.of("content", ""));
            world.removeSource(source);
            world.assertNoSource(Map.of("name", "Builds"));
            fails(FakeFlowdock.Failure.class, "^Unknown source", () -> world.getSource("Builds"));
            equal(world.getUser(bob), world.getUser("Bobby"));
            equal(world.getOrganization("acme").text("name"), "Acme Inc.");
            equal(world.getFlow("acme/ops").text("id"), flow.text("id"));
            equal(world.getApplication("CI & co.").number("id"), application.number("id"));
            equal(world.setUpSingleSignOn("acme", Map.of("uid", "acme")).text("scim_uid"), "acme");
            world.endSingleSignOn("acme");
            world.removeApplication(application);
            world.removeFlow(flow);
            world.removeOrganization("acme");
            world.removeUser(bob);
            equal(world.populate(Map.of("messages", 9, "users", 2)).number("users"), 4L);
        });
    }

    @Test
    @DisplayName("the clock stands, moves and is set; settings are changed")
    void clock() throws Throwable {
        flowdock.inWorld(Map.of("settings", Map.of("strict", true)), world -> {
            Instant now = world.setClock(Map.of("frozen", true));
            equal(Duration.between(now, world.advance(Duration.ofHours(2))), Duration.ofHours(2));
            world.setClock(Map.of("now", Instant.parse("2030-01-01T00:00:00Z")));
            equal(world.clock(), Instant.parse("2030-01-01T00:00:00Z"));
            equal(world.settings().is("strict"), true);
            equal(world.changeSettings(Map.of("shape", "minimal")).text("shape"), "minimal");
        });
    }

    @Test
    @DisplayName("streams are waited for, get events and are closed")
    void streams() throws Throwable {
        flowdock.inWorld(world -> {
            String path = "/_fakeflowdock/stream/flows?filter=example/main";
            CompletableFuture<String> read = CompletableFuture.supplyAsync(() -> {
                try {
                    return call(world, "GET", path, "").body();
                } catch (Exception error) {
                    throw new IllegalStateException(error);
                }
            });
            Data open = world.waitForStreams(Map.of("flow", "example/main", "timeout", 60)).get(0);
            equal(world.streams(Map.of("user", 1)).get(0).number("number"), open.number("number"));
            world.emit(Map.of("event", "backend.something"), Map.of("flow", "example/main"));
            world.closeStreams();
            matches(read.get(), "\"event\":\"backend.something\"");
            fails(AssertionError.class, "^the awaited streams were not opened, only 0",
                    () -> world.waitForStreams(Map.of("timeout", 0)));
        });
    }

    @Test
    @DisplayName("actions are performed, and invitations accepted")
    void actions() throws Throwable {
        flowdock.inWorld(world -> {
            world.addSource(Map.of("name", "Tracker"));
            Map<String, String> target =
                    Map.of("@type", "EntryPoint", "urlTemplate", "http://127.0.0.1:9/close", "httpMethod", "POST");
            Map<String, ?> action = Map.of("@type", "UpdateAction", "name", "Close", "target", target);
            Map<String, ?> thread = Map.of("title", "Issue", "actions", List.of(action));
            world.addMessage(Map.of("source", "Tracker", "event", "activity", "title", "opened", "author",
                    Map.of("name", "Tracker"), "external_thread_id", "issue:1", "thread", thread));
            Data delivery = world.perform(Map.of("thread", "issue:1", "action", "Close", "send", false));
            equal(world.deliveries(Map.of("outcome", "not sent")), List.of(delivery));
            world.assertDelivery(Map.of("action", "Close", "outcome", "not sent"));
            String invited = "{\"email\": \"bob@example.com\", \"message\": \"Join us\"}";
            call(world, "POST", "/flows/example/main/invitations", invited);
            Data mail = world.outbox().get(0);
            world.assertInvitation(Map.of("email", "bob@example.com", "state", "pending"));
            equal(world.accept(mail.number("invitation")).text("email"), mail.text("email"));
            world.assertInvitation(Map.of("email", "bob@example.com", "state", "accepted"));
            world.removeInvitation(world.addInvitation(Map.of("email", "eve@example.com")).number("invitation"));
            world.assertNoInvitation(Map.of("email", "eve@example.com"));
            equal(world.addAuthorizationCode(Map.of("scope", "flow")).text("scope"), "flow");
        });
    }

    @Test
    @DisplayName("JSON is read and written")
    void json() throws Throwable {
        flowdock.inWorld(world -> {
            String content = "a \"quoted\" \\ text\n\twith \u0001, \u2028, \uD83D\uDE00 and é";
            world.addMessage(Map.of("content", content, "tags", new String[] {"one"}));
            world.assertMessage(Map.of("content", content));
            Data state = world.readState();
            equal(flowdock.world("default").settings().get("keep_alive"), 30.0);
            matches(state.toString(), Pattern.quote(content));
            fails(IllegalArgumentException.class, "^no JSON: java.lang.Object",
                    () -> world.addMessage(Map.of("content", new Object())));
        });
    }

    @Test
    @DisplayName("what a failed test throws has the report")
    void report() {
        AssertionError error = fails(AssertionError.class, "expected 'Donne', got 'Done'",
                () -> flowdock.inWorld(world -> {
                    send(world, "Done");
                    world.assertMessage(Map.of("content", "Donne"));
                }));
        String told = error.getSuppressed()[0].toString();
        matches(told, "^fakeflowdock, world world-\\d+:\n.*POST .*/messages → 201");
        fails(IllegalStateException.class, "^own$", () -> flowdock.inWorld(world -> {
            world.delete();
            throw new IllegalStateException("own");
        }));
    }

    @Test
    @DisplayName("a server that does not start says why")
    void start() {
        fails(FakeFlowdock.Failure.class, "^Cannot start .* -m fakeflowdock .*: .*did you mean --world\\?",
                () -> FakeFlowdock.start("--wrld", "docs"));
        System.setProperty("fakeflowdock.python", "/no/python");
        fails(FakeFlowdock.Failure.class, "^Cannot start /no/python .*: .*No such file", FakeFlowdock::start);
        System.clearProperty("fakeflowdock.python");
        fails(FakeFlowdock.Failure.class, "^No fakeflowdock server answers at http://127.0.0.1:9: ",
                () -> FakeFlowdock.connect("http://127.0.0.1:9"));
    }

    @Test
    @DisplayName("a server is started, with TLS and a token for the admin API, and stopped")
    void tls() {
        FakeFlowdock server = FakeFlowdock.start("--tls", "--admin-token", "of-some-length", "--world", "docs");
        equal(server.ready().text("world"), "docs");
        matches(server.url(), "^https:");
        equal(server.world("default").apiToken(), server.ready().text("api_token"));
        Path caFile = Path.of(server.ready().text("ca_file"));
        fails(FakeFlowdock.Failure.class, "certif", () -> FakeFlowdock.connect(server.url()));
        FakeFlowdock other = FakeFlowdock.connect(server.url() + "/", server.ready().text("admin_token"), caFile);
        equal(other.worlds().size(), 1);
        FakeFlowdock.Failure closed = fails(FakeFlowdock.Failure.class, "admin token",
                () -> FakeFlowdock.connect(server.url(), null, caFile).worlds());
        equal(closed.status(), 401);
        other.close(); // is not its own
        server.close();
        server.close();
        fails(FakeFlowdock.Failure.class, "^No fakeflowdock server answers", server::worlds);
    }
}
