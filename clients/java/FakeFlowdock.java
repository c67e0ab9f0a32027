package fakeflowdock;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.TemporalAccessor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * The client library of fakeflowdock for Java 11 and later: a server that this process has started, or a running one.
 *
 * <p>It is one file without dependencies: copy it to src/test/java/fakeflowdock/FakeFlowdock.java. A running server has
 * it at /_fakeflowdock/clients/java.java. Names in data are those of Flowdock and of fakeflowdock's admin API.
 */
@SuppressWarnings("serial")
public final class FakeFlowdock implements AutoCloseable {
    private static final Duration START = Duration.ofMinutes(1);
    private static final long POLL = 50; // milliseconds between two attempts of an assertion with `within`

    private final String url;
    private final String adminToken;
    private final Data ready;
    private final Process process;
    private final HttpClient client;

    private FakeFlowdock(String url, String adminToken, Path caFile, Data ready, Process process) {
        this.url = url.replaceAll("/+$", "");
        this.adminToken = adminToken != null ? adminToken : System.getenv("FAKEFLOWDOCK_ADMIN_TOKEN");
        this.ready = ready;
        this.process = process;
        HttpClient.Builder builder =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY);
        this.client = (caFile == null ? builder : builder.sslContext(trusting(caFile))).build();
    }

    /** Connect to the server at FLOWDOCK_API_URL if that is set, as under `fakeflowdock exec`. Otherwise start one. */
    public static FakeFlowdock open() {
        String url = System.getenv("FLOWDOCK_API_URL");
        return url == null || url.isEmpty() ? start() : connect(url);
    }

    /** Connect to a running server. */
    public static FakeFlowdock connect(String url) {
        return connect(url, null, null);
    }

    /**
     * Connect to a running server.
     *
     * @param adminToken by default the variable FAKEFLOWDOCK_ADMIN_TOKEN
     * @param caFile the CA certificate of a server with TLS, or null
     */
    public static FakeFlowdock connect(String url, String adminToken, Path caFile) {
        FakeFlowdock server = new FakeFlowdock(url, adminToken, caFile, null, null);
        server.request("GET", "health", null);
        return server;
    }

    /**
     * Start a server on a free port. It ends with this process. The Python that has fakeflowdock is the system property
     * fakeflowdock.python, or the variable PYTHON, or python3.
     *
     * @param args more options of the server, such as --world
     */
    public static FakeFlowdock start(String... args) {
        String python = System.getenv("PYTHON");
        if (python == null || python.isEmpty()) {
            python = System.getProperty("os.name").startsWith("Windows") ? "python" : "python3";
        }
        python = System.getProperty("fakeflowdock.python", python);
        List<String> command = new ArrayList<>(List.of(python, "-m", "fakeflowdock", "--port", "0", "--json", "--until-eof"));
        command.addAll(Arrays.asList(args));
        try {
            return launch(command);
        } catch (IOException | IllegalArgumentException error) {
            throw new Failure("Cannot start " + String.join(" ", command) + ": " + error.getMessage());
        }
    }

    private static FakeFlowdock launch(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).start(); // its input ends with this process, and so does it
        Complaints complaints = new Complaints(process.getErrorStream());
        complaints.start();
        try {
            BufferedReader stdout =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            CompletableFuture<String> read = CompletableFuture.supplyAsync(() -> line(stdout));
            String line = read.get(START.toSeconds(), TimeUnit.SECONDS);
            if (line == null) {
                complaints.join();
                String text = complaints.text();
                throw new IOException(text.isEmpty() ? "it ended with status " + process.waitFor() : text);
            }
            Data ready = (Data) Json.read(line);
            String ca = ready.text("ca_file");
            FakeFlowdock server = new FakeFlowdock(
                    ready.text("url"), ready.text("admin_token"), ca == null ? null : Path.of(ca), ready, process);
            complaints.forward();
            return server;
        } catch (TimeoutException error) {
            process.destroyForcibly();
            throw new IOException("it was not ready after " + START.toSeconds() + " s");
        } catch (ExecutionException | IllegalArgumentException error) {
            process.destroyForcibly();
            throw new IOException(error.getMessage());
        } catch (InterruptedException error) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted");
        }
    }

    private static String line(BufferedReader stdout) {
        try {
            return stdout.readLine();
        } catch (IOException error) {
            return null;
        }
    }

    /** What a server prints on standard error: kept until it is ready, then forwarded. */
    private static final class Complaints extends Thread {
        private final BufferedReader stream;
        private StringBuilder kept = new StringBuilder();

        Complaints(InputStream stream) {
            this.stream = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
            setDaemon(true);
        }

        @Override
        public void run() {
            for (String line = line(stream); line != null; line = line(stream)) {
                say(line);
            }
        }

        private synchronized void say(String line) {
            if (kept == null) {
                System.err.println(line);
            } else {
                kept.append(line).append('\n');
            }
        }

        synchronized String text() {
            return kept.toString().trim();
        }

        synchronized void forward() {
            System.err.print(kept);
            kept = null;
        }
    }

    private static SSLContext trusting(Path caFile) {
        try (InputStream stream = Files.newInputStream(caFile)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                store.setCertificateEntry("ca-" + store.size(), each);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException error) {
            throw new Failure("Cannot read " + caFile + ": " + error.getMessage());
        }
    }

    /** The address of the server. */
    public String url() {
        return url;
    }

    /** The ready line, or null if this process has not started the server. */
    public Data ready() {
        return ready;
    }

    /** Stop the server, if this process has started it. */
    @Override
    public void close() {
        if (process == null || !process.isAlive()) {
            return;
        }
        try {
            process.getOutputStream().close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (IOException error) {
            process.destroyForcibly();
        } catch (InterruptedException error) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Make a world of the initial world "empty", with credentials of its own. */
    public World createWorld() {
        return createWorld(Map.of());
    }

    /** Make a world: name, world, seed, state, settings, … */
    public World createWorld(Map<String, ?> options) {
        return new World((Data) request("POST", "worlds", options));
    }

    /** Return a world that exists; "default" is the server's own. */
    public World world(String name) {
        return new World((Data) request("GET", "worlds/" + escaped(name), null));
    }

    /** Return a summary of each world. */
    public List<Data> worlds() {
        return listed(request("GET", "worlds", null));
    }

    /** What happens in a world. */
    @FunctionalInterface
    public interface Steps {
        void run(World world) throws Throwable;
    }

    /** Run a test in a world of its own, which is deleted afterwards. A failure has the report of the world. */
    public void inWorld(Steps steps) throws Throwable {
        inWorld(Map.of(), steps);
    }

    /** Run a test in a world of its own, with the options of createWorld. */
    public void inWorld(Map<String, ?> options, Steps steps) throws Throwable {
        World world = createWorld(options);
        try {
            steps.run(world);
        } catch (Throwable error) {
            world.explain(error);
            try {
                world.close();
            } catch (Failure ignored) {
                // the test's own error tells more
            }
            throw error;
        }
        world.close();
    }

    /** Send a request to the admin API, below /_fakeflowdock/, and return the body: Data, a List, or null. */
    public Object request(String method, String path, Map<String, ?> body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/_fakeflowdock/" + path));
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/json");
            request.method(method, HttpRequest.BodyPublishers.ofString(Json.write(body)));
        }
        if (adminToken != null && !adminToken.isEmpty()) {
            request.header("Authorization", "Bearer " + adminToken);
        }
        HttpResponse<String> response;
        try {
            response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException error) {
            throw new Failure("No fakeflowdock server answers at " + url + ": " + error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new Failure(method + " " + path + ": interrupted");
        }
        int status = response.statusCode();
        Object answer;
        try {
            answer = response.body().isEmpty() ? null : Json.read(response.body());
        } catch (IllegalArgumentException error) {
            throw new Failure(method + " " + path + ": " + status + ", not JSON", status, List.of());
        }
        if (status < 300) {
            return answer;
        }
        Data told = answer instanceof Data ? (Data) answer : new Data();
        String message = told.text("message");
        throw new Failure(message != null ? message : method + " " + path + ": " + status, status, told.list("errors"));
    }

    /** An error of the server, or of its start: the status of the response, or 0, and the errors of its fields. */
    public static final class Failure extends RuntimeException {
        private final int status;
        private final transient List<Data> errors;

        Failure(String message) {
            this(message, 0, List.of());
        }

        Failure(String message, int status, List<Data> errors) {
            super(message);
            this.status = status;
            this.errors = errors;
        }

        public int status() {
            return status;
        }

        public List<Data> errors() {
            return errors;
        }
    }

    /** The report of a world, suppressed by the error of a test, so that it is printed with it. */
    public static final class Report extends RuntimeException {
        Report(String text) {
            super(text, null, false, false);
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }

    /** An object of JSON. */
    public static final class Data extends LinkedHashMap<String, Object> {
        /** Return a text, or null. */
        public String text(String name) {
            return (String) get(name);
        }

        /** Return a number. */
        public long number(String name) {
            return ((Number) get(name)).longValue();
        }

        /** Return whether something is true. */
        public boolean is(String name) {
            return (Boolean) get(name);
        }

        /** Return an object, or null. */
        public Data data(String name) {
            return (Data) get(name);
        }

        /** Return a list of objects. */
        public List<Data> list(String name) {
            return get(name) == null ? List.of() : listed(get(name));
        }
    }

    /** An option of an assertion: times, within, status or caller. */
    public static final class Option {
        private final String name;
        private final Object value;

        private Option(String name, Object value) {
            this.name = name;
            this.value = value;
        }
    }

    /** How many there are, exactly. */
    public static Option times(int times) {
        return new Option("times", times);
    }

    /** Repeat an assertion until it holds, at most for a time. */
    public static Option within(Duration limit) {
        return new Option("within", limit);
    }

    /** The status of the response to a request. */
    public static Option status(int status) {
        return new Option("status", status);
    }

    /** Who sent a request: the id of a "user", "source" or "application". */
    public static Option caller(String kind, long id) {
        return new Option("caller", Map.of(kind, id));
    }

    /** A world: its data, journal, faults, clock and settings. */
    public final class World implements AutoCloseable {
        private final Data credentials;

        private World(Data credentials) {
            this.credentials = credentials;
        }

        /** Its name. */
        public String name() {
            return credentials.text("name");
        }

        /** The address of the server, for the code under test. Credentials select the world. */
        public String url() {
            return url;
        }

        /** An address of this world alone, for code under test that also sends requests without credentials. */
        public String apiUrl() {
            return credentials.text("api_url");
        }

        /** Its credentials, with the names of the ready line. */
        public Data credentials() {
            return credentials;
        }

        public String apiToken() {
            return credentials.text("api_token");
        }

        public String accessToken() {
            return credentials.text("access_token");
        }

        /** Send a request about this world to the admin API, and return the body of the response. */
        public Object request(String method, String path, Map<String, ?> body) {
            return FakeFlowdock.this.request(method, "worlds/" + escaped(name()) + "/" + path, body);
        }

        private Data data(String method, String path, Map<String, ?> body) {
            return (Data) request(method, path, body);
        }

        private List<Data> list(String path, Map<String, ?> criteria) {
            return listed(request("GET", path + query(criteria), null));
        }

        /** Delete the world. Its credentials become unknown. */
        public void delete() {
            FakeFlowdock.this.request("DELETE", "worlds/" + escaped(name()), null);
        }

        /** Delete the world, if that has not been done. */
        @Override
        public void close() {
            try {
                delete();
            } catch (Failure error) {
                if (error.status() != 404) {
                    throw error;
                }
            }
        }

        // State

        /** Reset the world to its initial state. Journal and faults are cleared, credentials stay. */
        public void reset() {
            reset(Map.of());
        }

        /** Reset the world to a snapshot, or keep the journal: to, keep_journal. */
        public void reset(Map<String, ?> options) {
            request("POST", "reset", options);
        }

        /** Save the current state under a name. */
        public Data snapshot(String name) {
            return data("PUT", "snapshots/" + escaped(name), null);
        }

        /** Restore the state of a snapshot. */
        public void restore(String name) {
            request("POST", "snapshots/" + escaped(name) + "/restore", null);
        }

        /** Compare the world with a snapshot. */
        public Data difference(String name) {
            return data("GET", "snapshots/" + escaped(name) + "/difference", null);
        }

        /** Return the whole world, in the format of world files. */
        public Data readState() {
            return data("GET", "state", null);
        }

        /** Replace the world by one in the format of world files. */
        public void loadState(Map<String, ?> state) {
            request("PUT", "state", Map.of("state", state));
        }

        // Data. Objects are named by id, name, nick, e-mail address or path, or by what `add…` returned. Everything has
        // a default.

        /** Add a user with their secrets: name, nick, email, admin, … */
        public Data addUser(Map<String, ?> fields) {
            return data("POST", "users", fields);
        }

        /** Return a user with their secrets. */
        public Data getUser(Object named) {
            return data("GET", "users/" + escaped(named), null);
        }

        /** Change a user. */
        public Data updateUser(Object named, Map<String, ?> fields) {
            return data("PUT", "users/" + escaped(named), fields);
        }

        /** Remove a user from an organization, or from all. */
        public void removeUser(Object named) {
            removeUser(named, Map.of());
        }

        public void removeUser(Object named, Map<String, ?> fields) {
            request("DELETE", "users/" + escaped(named), fields);
        }

        /** Add an organization: parameterized_name, name. */
        public Data addOrganization(Map<String, ?> fields) {
            return data("POST", "organizations", fields);
        }

        /** Return an organization with its secret. */
        public Data getOrganization(Object named) {
            return data("GET", "organizations/" + escaped(named), null);
        }

        /** Rename an organization. */
        public Data updateOrganization(Object named, Map<String, ?> fields) {
            return data("PUT", "organizations/" + escaped(named), fields);
        }

        /** Archive the flows of an organization, and remove its users. */
        public void removeOrganization(Object named) {
            request("DELETE", "organizations/" + escaped(named), null);
        }

        /** Set up Single Sign-On for an organization, with a new token for SCIM: uid. */
        public Data setUpSingleSignOn(Object organization, Map<String, ?> fields) {
            return data("PUT", "organizations/" + escaped(organization) + "/single-sign-on", fields);
        }

        /** End the Single Sign-On of an organization. */
        public void endSingleSignOn(Object organization) {
            request("DELETE", "organizations/" + escaped(organization) + "/single-sign-on", null);
        }

        /** Add a flow: path, members, name, access_mode. */
        public Data addFlow(Map<String, ?> fields) {
            return data("POST", "flows", fields);
        }

        /** Return a flow with its secrets. */
        public Data getFlow(Object named) {
            return data("GET", "flows/" + escaped(named), null);
        }

        /** Change or archive a flow. */
        public Data updateFlow(Object named, Map<String, ?> fields) {
            return data("PUT", "flows/" + escaped(named), fields);
        }

        /** Archive a flow. */
        public void removeFlow(Object named) {
            removeFlow(named, Map.of());
        }

        public void removeFlow(Object named, Map<String, ?> fields) {
            request("DELETE", "flows/" + escaped(named), fields);
        }

        /** Make a user a member of a flow: user, flow. */
        public Data addMembership(Map<String, ?> fields) {
            return data("POST", "memberships", fields);
        }

        /** Make a user an administrator of a flow, or block them. */
        public Data updateMembership(Object named, Map<String, ?> fields) {
            return data("PUT", "memberships/" + escaped(named), fields);
        }

        /** Remove a user from a flow. */
        public void removeMembership(Object named) {
            removeMembership(named, Map.of());
        }

        public void removeMembership(Object named, Map<String, ?> fields) {
            request("DELETE", "memberships/" + escaped(named), fields);
        }

        /** Add an OAuth application with its secret: name, redirect_uri, … */
        public Data addApplication(Map<String, ?> fields) {
            return data("POST", "applications", fields);
        }

        /** Return an application with its secret. */
        public Data getApplication(Object named) {
            return data("GET", "applications/" + escaped(named), null);
        }

        /** Change an application. */
        public Data updateApplication(Object named, Map<String, ?> fields) {
            return data("PUT", "applications/" + escaped(named), fields);
        }

        /** Remove an application. */
        public void removeApplication(Object named) {
            request("DELETE", "applications/" + escaped(named), null);
        }

        /** Add a source with its flow_token: name, flow, application, … */
        public Data addSource(Map<String, ?> fields) {
            return data("POST", "sources", fields);
        }

        /** Return a source with its secret. */
        public Data getSource(Object named) {
            return data("GET", "sources/" + escaped(named), null);
        }

        /** Change a source. */
        public Data updateSource(Object named, Map<String, ?> fields) {
            return data("PUT", "sources/" + escaped(named), fields);
        }

        /** Delete a source. */
        public void removeSource(Object named) {
            removeSource(named, Map.of());
        }

        public void removeSource(Object named, Map<String, ?> fields) {
            request("DELETE", "sources/" + escaped(named), fields);
        }

        /** Add a message: content, user, flow, source, … */
        public Data addMessage(Map<String, ?> fields) {
            return data("POST", "messages", fields);
        }

        /** Edit a message: one that addMessage returned, or an id with its flow. */
        public Data updateMessage(Object named, Map<String, ?> fields) {
            return data("PUT", "messages/" + escaped(named), placed(named, fields));
        }

        /** Delete a message. */
        public void removeMessage(Object named) {
            removeMessage(named, Map.of());
        }

        public void removeMessage(Object named, Map<String, ?> fields) {
            request("DELETE", "messages/" + escaped(named), placed(named, fields));
        }

        /** Add a private message: to_user, from_user, content, … */
        public Data addPrivateMessage(Map<String, ?> fields) {
            return data("POST", "private-messages", fields);
        }

        /** Edit a private message: one that addPrivateMessage returned, or an id with to_user and from_user. */
        public Data updatePrivateMessage(Object named, Map<String, ?> fields) {
            return data("PUT", "private-messages/" + escaped(named), placed(named, fields));
        }

        /** Delete a private message. */
        public void removePrivateMessage(Object named) {
            removePrivateMessage(named, Map.of());
        }

        public void removePrivateMessage(Object named, Map<String, ?> fields) {
            request("DELETE", "private-messages/" + escaped(named), placed(named, fields));
        }

        /** Add bulk data: messages, users, flows, sources. Returns how much the world has then. */
        public Data populate(Map<String, ?> numbers) {
            return data("POST", "populate", numbers);
        }

        /** Issue an access token: user, application, scope, expires_in. */
        public String addAccessToken(Map<String, ?> fields) {
            return data("POST", "access-tokens", fields).text("access_token");
        }

        /** Issue an authorization code, which a client exchanges for tokens: user, application, scope, redirect_uri. */
        public Data addAuthorizationCode(Map<String, ?> fields) {
            return data("POST", "authorization-codes", fields);
        }

        /** Revoke an access token, and what was issued for the same consent. */
        public void revokeAccessToken(String token) {
            request("DELETE", "access-tokens/" + escaped(token), null);
        }

        /** Revoke everything that users have granted an application: user. */
        public void revokeApplication(Object named, Map<String, ?> fields) {
            request("DELETE", "applications/" + escaped(named) + "/access-tokens", fields);
        }

        // Clock and settings

        /** Return the time of the world. */
        public Instant clock() {
            return Instant.parse(data("GET", "clock", null).text("now"));
        }

        /** Set the clock: now, frozen, system. Returns its time. */
        public Instant setClock(Map<String, ?> fields) {
            return Instant.parse(data("PUT", "clock", fields).text("now"));
        }

        /** Move the clock forward. Returns its time. */
        public Instant advance(Duration by) {
            return setClock(Map.of("advance", by.toMillis() / 1000.0));
        }

        /** Return the settings. */
        public Data settings() {
            return data("GET", "settings", null);
        }

        /** Change settings: shape, strict, auto_consent, … */
        public Data changeSettings(Map<String, ?> fields) {
            return data("PUT", "settings", fields);
        }

        // Faults

        /** Make matching requests fail: operation, times, status, retry_after, connection, … */
        public Data fail(Map<String, ?> fault) {
            return data("POST", "faults", fault);
        }

        /** Make matching requests to integrations fail. */
        public Data failDeliveries(Map<String, ?> fault) {
            return data("POST", "deliveries/faults", fault);
        }

        /** Return the active faults, with how often each was applied. */
        public List<Data> faults() {
            return list("faults", Map.of());
        }

        /** Delete all faults. */
        public void clearFaults() {
            request("DELETE", "faults", null);
        }

        /** Delete a fault. */
        public void clearFault(Object fault) {
            request("DELETE", "faults/" + escaped(fault), null);
        }

        // Journal

        /** Return all requests, oldest first. */
        public List<Data> requests() {
            return requests(Map.of());
        }

        /** Return the requests that match all given criteria, oldest first. */
        public List<Data> requests(Map<String, ?> criteria) {
            return list("requests", criteria);
        }

        /** Return the matching requests once there are `count` of them. Fails after `timeout` seconds. */
        public List<Data> waitForRequests(Map<String, ?> criteria) {
            Data waited = data("POST", "requests/wait", criteria);
            List<Data> found = waited.list("requests");
            if (!waited.is("arrived")) {
                String only = "the awaited requests have not arrived, only " + found.size() + ": ";
                throw new AssertionError(only + Json.write(criteria));
            }
            return found;
        }

        /** Forget the requests so far. */
        public void clearRequests() {
            request("DELETE", "requests", null);
        }

        /** Return the journal as HAR: with_secrets, after, limit. */
        public Data exportRequests(Map<String, ?> options) {
            return data("GET", "requests/export" + query(options), null);
        }

        /** Return what requests had that no page of the documentation knows. */
        public List<Data> contractWarnings() {
            return list("contract-warnings", Map.of());
        }

        /** Return what a failed test should print. */
        public String report() {
            return data("GET", "report", null).text("report");
        }

        /** Add the report to an error, among those that it suppresses, which are printed with it. */
        public void explain(Throwable error) {
            String text;
            try {
                text = report();
            } catch (Failure failure) {
                text = "no report: " + failure.getMessage();
            }
            error.addSuppressed(new Report("fakeflowdock, world " + name() + ":\n" + text));
        }

        // Streams

        /** Return the open streams: user, flow. */
        public List<Data> streams(Map<String, ?> criteria) {
            return list("streams", criteria);
        }

        /** Return the matching streams once `count` of them are open. Fails after `timeout` seconds. */
        public List<Data> waitForStreams(Map<String, ?> criteria) {
            Data waited = data("POST", "streams/wait", criteria);
            List<Data> found = waited.list("streams");
            if (!waited.is("opened")) {
                String only = "the awaited streams were not opened, only " + found.size() + ": ";
                throw new AssertionError(only + Json.write(criteria));
            }
            return found;
        }

        /** End all open streams. */
        public void closeStreams() {
            request("DELETE", "streams", null);
        }

        /** Send an event that no operation makes, to the streams of the options flow or user. */
        public Data emit(Map<String, ?> event, Map<String, ?> options) {
            Data body = new Data();
            body.putAll(options);
            body.put("event", event);
            return data("POST", "streams/events", body).data("event");
        }

        // Thread actions and invitations

        /** Let a user perform an action of a thread: thread, action, user, integration, … */
        public Data perform(Map<String, ?> fields) {
            return data("POST", "perform", fields);
        }

        /** Return the deliveries that match all given criteria, oldest first. */
        public List<Data> deliveries(Map<String, ?> criteria) {
            return list("deliveries", criteria);
        }

        /** Invite an address to a flow: email, flow, inviter, message. */
        public Data addInvitation(Map<String, ?> fields) {
            return data("POST", "invitations", fields);
        }

        /** Cancel a pending invitation, by its number. */
        public void removeInvitation(long invitation) {
            request("DELETE", "invitations/" + invitation, null);
        }

        /** Return the mails of invitations. */
        public List<Data> outbox() {
            return list("outbox", Map.of());
        }

        /** Accept an invitation, as the user with its address, or a new one. */
        public Data accept(long invitation) {
            return data("POST", "accept", Map.of("invitation", invitation));
        }

        /** Accept an invitation as a user. */
        public Data accept(long invitation, long user) {
            return data("POST", "accept", Map.of("invitation", invitation, "user", user));
        }

        // Assertions: an AssertionError has the server's explanation.

        /** Assert that an operation was requested, with these parameters. */
        public void assertRequested(String operation, Map<String, ?> expected, Option... options) {
            assertThat("requested", operation, expected, options);
        }

        /** Assert that an operation was requested. */
        public void assertRequested(String operation, Option... options) {
            assertThat("requested", operation, Map.of(), options);
        }

        /** Assert that an operation was not requested, with these parameters. */
        public void assertNotRequested(String operation, Map<String, ?> expected, Option... options) {
            assertThat("not requested", operation, expected, options);
        }

        public void assertSource(Map<String, ?> expected, Option... options) {
            assertThat("source", null, expected, options);
        }

        public void assertNoSource(Map<String, ?> expected, Option... options) {
            assertThat("no source", null, expected, options);
        }

        public void assertMessage(Map<String, ?> expected, Option... options) {
            assertThat("message", null, expected, options);
        }

        public void assertNoMessage(Map<String, ?> expected, Option... options) {
            assertThat("no message", null, expected, options);
        }

        public void assertPrivateMessage(Map<String, ?> expected, Option... options) {
            assertThat("private message", null, expected, options);
        }

        public void assertNoPrivateMessage(Map<String, ?> expected, Option... options) {
            assertThat("no private message", null, expected, options);
        }

        public void assertInvitation(Map<String, ?> expected, Option... options) {
            assertThat("invitation", null, expected, options);
        }

        public void assertNoInvitation(Map<String, ?> expected, Option... options) {
            assertThat("no invitation", null, expected, options);
        }

        public void assertDelivery(Map<String, ?> expected, Option... options) {
            assertThat("delivery", null, expected, options);
        }

        public void assertNoDelivery(Map<String, ?> expected, Option... options) {
            assertThat("no delivery", null, expected, options);
        }

        private void assertThat(String assertion, String operation, Map<String, ?> expected, Option... options) {
            Data claim = new Data();
            claim.put("assertion", assertion);
            claim.put("expected", expected);
            if (operation != null) {
                claim.put("operation", operation);
            }
            long last = System.nanoTime();
            for (Option option : options) {
                if (option.name.equals("within")) {
                    last += ((Duration) option.value).toNanos();
                } else {
                    claim.put(option.name, option.value);
                }
            }
            for (;;) {
                Data verdict = data("POST", "assertions", claim);
                if (verdict.is("passed")) {
                    return;
                }
                if (System.nanoTime() - last >= 0) {
                    throw new AssertionError(verdict.text("explanation"));
                }
                try {
                    Thread.sleep(POLL);
                } catch (InterruptedException error) {
                    Thread.currentThread().interrupt();
                    throw new AssertionError(verdict.text("explanation"));
                }
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static List<Data> listed(Object list) {
        return (List<Data>) list;
    }

    /** Return the name of an object in a path: its id, or what else names it. */
    private static String escaped(Object named) {
        Object name = named instanceof Map ? ((Map<?, ?>) named).get("id") : named;
        return URLEncoder.encode(String.valueOf(name), StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Fields with the place of a message, because its id is that in a flow or a conversation. */
    private static Map<String, ?> placed(Object message, Map<String, ?> fields) {
        if (!(message instanceof Data)) {
            return fields;
        }
        Data given = (Data) message;
        Map<String, Object> all = new LinkedHashMap<>();
        if (given.get("flow") != null) {
            all.put("flow", given.get("flow"));
        } else {
            all.put("from_user", given.get("user"));
            all.put("to_user", given.get("to_user"));
        }
        all.putAll(fields);
        return all;
    }

    private static String query(Map<String, ?> criteria) {
        List<String> parts = new ArrayList<>();
        criteria.forEach((name, value) ->
                parts.add(escaped(name) + "=" + escaped(value instanceof Map ? Json.write(value) : value)));
        return parts.isEmpty() ? "" : "?" + String.join("&", parts);
    }

    /** JSON: objects are Data, arrays are lists, numbers are Long or Double. */
    private static final class Json {
        private static final Pattern PAIR = Pattern.compile("\\\\.", Pattern.DOTALL);
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Object read(String text) {
            Json json = new Json(text);
            Object value = json.value();
            json.space();
            if (json.at < text.length()) {
                throw json.wrong();
            }
            return value;
        }

        private IllegalArgumentException wrong() {
            return new IllegalArgumentException("not JSON at " + at + ": " + text);
        }

        private void space() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        private boolean next(String expected) {
            space();
            boolean there = text.startsWith(expected, at);
            if (there) {
                at += expected.length();
            }
            return there;
        }

        private void need(String expected) {
            if (!next(expected)) {
                throw wrong();
            }
        }

        private Object value() {
            if (next("{")) {
                return object();
            } else if (next("[")) {
                return array();
            } else if (next("\"")) {
                return string();
            } else if (next("true")) {
                return true;
            } else if (next("false")) {
                return false;
            } else if (next("null")) {
                return null;
            }
            return number();
        }

        private Data object() {
            Data object = new Data();
            if (next("}")) {
                return object;
            }
            do {
                need("\"");
                String name = string();
                need(":");
                object.put(name, value());
            } while (next(","));
            need("}");
            return object;
        }

        private List<Object> array() {
            List<Object> array = new ArrayList<>();
            if (next("]")) {
                return array;
            }
            do {
                array.add(value());
            } while (next(","));
            need("]");
            return array;
        }

        private String string() {
            StringBuilder string = new StringBuilder();
            while (at < text.length()) {
                char each = text.charAt(at++);
                if (each == '"') {
                    return string.toString();
                }
                string.append(each == '\\' ? escape() : each);
            }
            throw wrong();
        }

        private char escape() {
            if (at >= text.length()) {
                throw wrong();
            }
            char each = text.charAt(at++);
            if (each == 'u' && at + 4 <= text.length()) {
                at += 4;
                return (char) Integer.parseInt(text.substring(at - 4, at), 16);
            }
            int known = "\"\\/bfnrt".indexOf(each);
            if (known < 0) {
                throw wrong();
            }
            return "\"\\/\b\f\n\r\t".charAt(known);
        }

        private Number number() {
            int start = at;
            while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            String number = text.substring(start, at);
            try {
                return Long.valueOf(number);
            } catch (NumberFormatException ignored) {
                return Double.valueOf(number);
            }
        }

        static String write(Object value) {
            StringBuilder out = new StringBuilder();
            write(value, out);
            return out.toString();
        }

        private static void write(Object value, StringBuilder out) {
            if (value == null || value instanceof Boolean || value instanceof Number) {
                out.append(value);
            } else if (value instanceof Map) {
                String before = "{";
                boolean ordered = value instanceof LinkedHashMap || value instanceof SortedMap;
                Map<?, ?> map = ordered ? (Map<?, ?>) value : new TreeMap<>((Map<?, ?>) value); // Map.of has no order
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(before);
                    quote(String.valueOf(entry.getKey()), out);
                    out.append(":");
                    write(entry.getValue(), out);
                    before = ",";
                }
                out.append(before.equals("{") ? "{}" : "}");
            } else if (value instanceof Iterable) {
                String before = "[";
                for (Object each : (Iterable<?>) value) {
                    out.append(before);
                    write(each, out);
                    before = ",";
                }
                out.append(before.equals("[") ? "[]" : "]");
            } else if (value instanceof Object[]) {
                write(Arrays.asList((Object[]) value), out);
            } else if (value instanceof Pattern) {
                write(Map.of("$pattern", pattern((Pattern) value)), out);
            } else if (value instanceof CharSequence || value instanceof TemporalAccessor || value instanceof Enum) {
                quote(value.toString(), out);
            } else {
                throw new IllegalArgumentException("no JSON: " + value.getClass().getName());
            }
        }

        /** Java's \z, the end of the text, is \Z on the server. */
        private static String pattern(Pattern pattern) {
            Matcher pairs = PAIR.matcher(pattern.pattern());
            String source = pairs.replaceAll(
                    pair -> Matcher.quoteReplacement(pair.group().equals("\\z") ? "\\Z" : pair.group()));
            String flags = "";
            flags += (pattern.flags() & Pattern.CASE_INSENSITIVE) != 0 ? "i" : "";
            flags += (pattern.flags() & Pattern.MULTILINE) != 0 ? "m" : "";
            flags += (pattern.flags() & Pattern.DOTALL) != 0 ? "s" : "";
            flags += (pattern.flags() & Pattern.COMMENTS) != 0 ? "x" : "";
            return flags.isEmpty() ? source : "(?" + flags + ")" + source;
        }

        private static void quote(String text, StringBuilder out) {
            out.append('"');
            for (char each : text.toCharArray()) {
                if (each == '"' || each == '\\') {
                    out.append('\\').append(each);
                } else if (each < ' ') {
                    out.append(String.format("\\u%04x", (int) each));
                } else {
                    out.append(each);
                }
            }
            out.append('"');
        }
    }
}
