package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"suite/fakeflowdock"
)

type Fields = fakeflowdock.Fields

var flowdock = fakeflowdock.MustOpen()

// A recorder is a test that may fail, and what it said.
type recorder struct {
	said     strings.Builder
	failed   bool
	cleanups []func()
}

func (r *recorder) Helper()                           {}
func (r *recorder) Logf(format string, args ...any)   { fmt.Fprintf(&r.said, format+"\n", args...) }
func (r *recorder) Errorf(format string, args ...any) { r.failed = true; r.Logf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Cleanup(function func())           { r.cleanups = append(r.cleanups, function) }
func (r *recorder) Failed() bool                      { return r.failed }

// What a test says that fails.
func failure(t *testing.T, steps func(r *recorder)) string {
	t.Helper()
	r, done := &recorder{}, make(chan struct{})
	go func() {
		defer close(done)
		steps(r)
	}()
	<-done
	for _, cleanup := range r.cleanups {
		cleanup()
	}
	if !r.failed {
		t.Fatalf("it did not fail: %s", r.said.String())
	}
	return r.said.String()
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("expected %#v, got %#v", want, got)
	}
}

func matches(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile("(?s)" + pattern).MatchString(text) {
		t.Fatalf("expected %s, got %s", pattern, text)
	}
}

func call(t *testing.T, world *fakeflowdock.World, method, path string, body any) int {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, world.URL+path, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+world.AccessToken)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func post(t *testing.T, world *fakeflowdock.World, content string) int {
	t.Helper()
	return call(t, world, "POST", "/flows/example/main/messages", Fields{"event": "message", "content": content})
}

func TestAWorldHasCredentialsOfItsOwnFromItsName(t *testing.T) {
	one, two := flowdock.NewWorld(t), flowdock.NewWorld(t)
	if one.Name == two.Name || one.APIToken == two.APIToken || one.APIToken == "" {
		t.Fatal("one world")
	}
	equal(t, flowdock.World(t, one.Name).Credentials, one.Credentials)
	said := failure(t, func(r *recorder) { flowdock.NewWorld(r, Fields{"name": one.Name}) })
	matches(t, said, `^World '`+one.Name+`' already exists`)
	flowdock.NewWorld(t, Fields{"name": two.Name, "world": "docs", "replace": true})
	two.Delete()
	worlds, err := flowdock.Worlds()
	if err != nil {
		t.Fatal(err)
	}
	for _, world := range worlds {
		if world.Name == two.Name {
			t.Fatal("it was not deleted")
		}
	}
	matches(t, failure(t, func(r *recorder) { flowdock.World(r, two.Name) }), `^Unknown world`)
}

func TestAnInvalidFieldIsNamed(t *testing.T) {
	var failed *fakeflowdock.Error
	if !errors.As(flowdock.Request("POST", "worlds", Fields{"wrld": "empty"}, nil), &failed) {
		t.Fatal("no error")
	}
	equal(t, failed.Status, 422)
	equal(t, failed.Errors[0].Pointer, "/wrld")
	matches(t, failed.Error(), `did you mean world\?`)
}

func TestWorldsSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	one, two := flowdock.NewWorld(t), flowdock.NewWorld(t)
	post(t, one, "Only here")
	one.AssertMessage(Fields{"content": "Only here"}, fakeflowdock.Times(1))
	two.AssertNoMessage(Fields{"content": "Only here"})
	equal(t, len(two.Requests()), 0)
}

func TestAssertionsFailWithTheExplanationOfTheServer(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t, Fields{"seed": Fields{"sources": []string{"Builds"}}})
	post(t, world, "Done")
	caller := fakeflowdock.Caller("application", 1)
	world.AssertRequested("send message", Fields{"content": "Done"}, fakeflowdock.Status(201), caller)
	world.AssertNotRequested("send message", Fields{"content": "Failed"})
	world.AssertSource(Fields{"name": regexp.MustCompile(`(?i)\Abuild.\z`)})
	world.AssertNoSource(Fields{"name": "Deploys"})
	world.AssertNoPrivateMessage(Fields{"content": "Done"})
	world.AssertNoInvitation(nil)
	world.AssertNoDelivery(nil)
	said := failure(t, func(r *recorder) {
		watched := flowdock.NewWorld(r)
		watched.AddMessage(Fields{"content": "Done"})
		equal(t, watched.AssertMessage(Fields{"content": "Donne"}), false)
	})
	matches(t, said, `expected 'Donne', got 'Done'.*fakeflowdock, world world-\d+:\n.*message 1`)
	matches(t, failure(t, func(r *recorder) {
		flowdock.World(r, world.Name).AssertNoMessage(Fields{"content": regexp.MustCompile("^Do")})
	}), "Done")
	matches(t, failure(t, func(r *recorder) {
		flowdock.World(r, world.Name).AssertMessage(Fields{"contnt": "Done"})
	}), `did you mean content\?`)
}

func TestAnAssertionWaitsForWhatHappensWithinSomeSeconds(t *testing.T) {
	t.Parallel()
	world, done := flowdock.NewWorld(t), make(chan bool)
	go func() { done <- world.AssertMessage(Fields{"content": "Late"}, fakeflowdock.Within(time.Minute)) }()
	post(t, world, "Late")
	equal(t, <-done, true)
}

func TestFaultsMakeRequestsFailAndAreCleared(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t)
	fault := world.Fail(Fields{"operation": "send message", "times": 2, "status": 503, "retry_after": 1})
	equal(t, post(t, world, "One"), 503)
	equal(t, world.Faults()[0].Applied, 1)
	world.ClearFaults(fault)
	equal(t, post(t, world, "Two"), 201)
	world.Fail(Fields{"status": 500})
	world.FailDeliveries(Fields{"connection": "timeout"})
	world.ClearFaults()
	equal(t, len(world.Faults()), 0)
}

func TestTheJournalHasTheRequestsAndCanBeWaitedFor(t *testing.T) {
	t.Parallel()
	world, waited := flowdock.NewWorld(t), make(chan []fakeflowdock.Exchange)
	expected := Fields{"content": "Second"}
	go func() {
		waited <- world.WaitForRequests(Fields{"operation": "send message", "expected": expected, "timeout": 60})
	}()
	post(t, world, "First")
	post(t, world, "Second")
	arrived := <-waited
	equal(t, len(arrived), 1)
	equal(t, arrived[0].Parameters["content"], "Second")
	equal(t, world.Requests(Fields{"operation": "send message", "limit": 1})[0].Response.Status, 201)
	equal(t, len(world.Requests(Fields{"expected": Fields{"content": regexp.MustCompile("(?i)^sec")}})), 1)
	response, err := http.Get(world.APIURL + "/user")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	world.AssertRequested("get own user", nil, fakeflowdock.Status(401))
	matches(t, string(world.ExportRequests()), `"version": ?"1.2"`)
	matches(t, failure(t, func(r *recorder) {
		flowdock.World(r, world.Name).WaitForRequests(Fields{"method": "POST", "count": 3, "timeout": 0})
	}), `^the awaited requests have not arrived, only 2: map\[count:3 method:POST timeout:0\]`)
	world.ClearRequests()
	equal(t, len(world.Requests()), 0)
	call(t, world, "GET", "/users?lmit=3", nil)
	matches(t, world.ContractWarnings()[0].Message, "no parameter lmit")
}

func TestAWorldIsResetOrRestoredFromASnapshot(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t)
	post(t, world, "Kept")
	equal(t, world.Snapshot("ready").Messages, 1)
	post(t, world, "Lost")
	equal(t, world.Difference("ready").Same, false)
	world.Restore("ready")
	world.AddMessage(Fields{"content": "Lost"})
	world.Reset(Fields{"to": "ready"})
	world.AssertNoMessage(Fields{"content": "Lost"})
	world.AssertMessage(Fields{"content": "Kept"})
	world.Reset()
	world.AssertNoMessage(Fields{"content": "Kept"})
	equal(t, len(world.Requests()), 0)
	equal(t, post(t, world, "Again"), 201)
	flowdock.NewWorld(t, Fields{"state": world.ReadState()}).AssertMessage(Fields{"content": "Again"})
	world.LoadState(world.ReadState())
}

func TestAWorldIsArranged(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t)
	bob := world.AddUser(Fields{"name": "Bob Example", "nick": "Bob"})
	equal(t, world.UpdateUser(bob.ID, Fields{"nick": "Bobby"}).Nick, "Bobby")
	equal(t, world.AddOrganization(Fields{"parameterized_name": "acme"}).Name, "Acme")
	equal(t, world.UpdateOrganization("acme", Fields{"name": "Acme Inc."}).Name, "Acme Inc.")
	flow := world.AddFlow(Fields{"path": "acme/ops", "members": []string{"Bobby"}})
	equal(t, flow.Members, []int{bob.ID})
	equal(t, world.UpdateFlow(flow.Path, Fields{"access_mode": "link"}).AccessMode, "link")
	world.AddMembership(Fields{"user": 1, "flow": "acme/ops"})
	equal(t, world.UpdateMembership("Bobby", Fields{"flow": "acme/ops", "admin": true}).Admin, true)
	world.RemoveMembership(1, Fields{"flow": "acme/ops"})
	application := world.AddApplication(Fields{"name": "CI & co."})
	world.UpdateApplication("CI & co.", Fields{"redirect_uri": "https://ci.example.com/callback"})
	token := world.AddAccessToken(Fields{"user": "Bobby", "application": application.ID, "scope": "flow"})
	world.RevokeAccessToken(token.AccessToken)
	world.RevokeApplication(application.ID, Fields{"user": bob.ID})
	source := world.AddSource(Fields{"name": "Builds", "flow": "acme/ops"})
	equal(t, world.UpdateSource("Builds", Fields{"error_message": "down"}).FlowToken, source.FlowToken)
	message := world.AddMessage(Fields{"content": "Hello", "user": "Bobby", "flow": "acme/ops"})
	equal(t, world.UpdateMessage(message, Fields{"content": "Hi"}).Content, "Hi")
	world.AssertMessage(Fields{"content": "Hi", "user": "Bob Example", "flow": "acme/ops"})
	world.UpdateMessage(message.ID, Fields{"flow": "acme/ops", "tags": []string{"x"}})
	world.RemoveMessage(message)
	world.AssertMessage(Fields{"content": "", "flow": "acme/ops"})
	lunch := world.AddPrivateMessage(Fields{"to_user": "Bobby", "content": "Lunch?"})
	world.AssertPrivateMessage(Fields{"content": "Lunch?"})
	equal(t, world.UpdatePrivateMessage(lunch, Fields{"content": "Tea?"}).Content, "Tea?")
	equal(t, world.UpdatePrivateMessage(1, Fields{"to_user": bob.ID, "content": "Lunch"}).ID, lunch.ID)
	world.RemovePrivateMessage(lunch)
	world.AssertPrivateMessage(Fields{"content": ""})
	world.RemoveSource(source.ID)
	world.AssertNoSource(Fields{"name": "Builds"})
	matches(t, failure(t, func(r *recorder) { flowdock.World(r, world.Name).GetSource("Builds") }), "^Unknown source")
	equal(t, world.GetUser(bob.ID), world.GetUser("Bobby"))
	equal(t, world.GetOrganization("acme").Name, "Acme Inc.")
	equal(t, world.GetFlow("acme/ops").ID, flow.ID)
	equal(t, world.GetApplication("CI & co.").ID, application.ID)
	equal(t, world.SetUpSingleSignOn("acme", Fields{"uid": "acme"}).SCIMUID, "acme")
	world.EndSingleSignOn("acme")
	world.RemoveApplication(application.ID)
	world.RemoveFlow(flow.ID)
	world.RemoveOrganization("acme")
	world.RemoveUser(bob.ID)
	equal(t, world.Populate(Fields{"messages": 9, "users": 2}).Users, 4)
}

func TestTheClockStandsMovesAndIsSet(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t)
	now := world.SetClock(Fields{"frozen": true}).Now
	equal(t, world.Advance(2*time.Hour).Now.Sub(now), 2*time.Hour)
	equal(t, world.SetClock(Fields{"now": time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}).Frozen, true)
	equal(t, world.Clock().Now.Year(), 2030)
}

func TestSettingsAreChanged(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t, Fields{"settings": Fields{"strict": true}})
	equal(t, world.Settings()["strict"], true)
	equal(t, world.ChangeSettings(Fields{"shape": "minimal"})["shape"], "minimal")
}

func TestStreamsAreWaitedForGetEventsAndAreClosed(t *testing.T) {
	t.Parallel()
	world, read := flowdock.NewWorld(t), make(chan string)
	go func() {
		token := "&access_token=" + world.AccessToken
		response, err := http.Get(world.URL + "/_fakeflowdock/stream/flows?filter=example/main" + token)
		if err != nil {
			read <- err.Error()
			return
		}
		text, _ := io.ReadAll(response.Body)
		read <- string(text)
	}()
	open := world.WaitForStreams(Fields{"flow": "example/main", "timeout": 60})[0]
	equal(t, world.Streams(Fields{"user": 1})[0].Number, open.Number)
	equal(t, world.Emit(Fields{"event": "backend.something"}, Fields{"flow": "example/main"})["event"], "backend.something")
	world.CloseStreams()
	matches(t, <-read, `"event":"backend.something"`)
	matches(t, failure(t, func(r *recorder) {
		flowdock.World(r, world.Name).WaitForStreams(Fields{"timeout": 0})
	}), "^the awaited streams were not opened, only 0")
}

func TestAnActionOfAThreadIsPerformed(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t)
	world.AddSource(Fields{"name": "Tracker"})
	target := Fields{"@type": "EntryPoint", "urlTemplate": "http://127.0.0.1:9/close", "httpMethod": "POST"}
	actions := []any{Fields{"@type": "UpdateAction", "name": "Close", "target": target}}
	world.AddMessage(Fields{"source": "Tracker", "event": "activity", "title": "opened", "author": Fields{"name": "Tracker"},
		"external_thread_id": "issue:1", "thread": Fields{"title": "Issue", "actions": actions}})
	delivery := world.Perform(Fields{"thread": "issue:1", "action": "Close", "send": false})
	equal(t, delivery.Outcome, "not sent")
	equal(t, delivery.Request.URL, "http://127.0.0.1:9/close")
	equal(t, world.Deliveries(Fields{"outcome": "not sent"}), []fakeflowdock.Delivery{delivery})
	world.AssertDelivery(Fields{"action": "Close", "outcome": "not sent"})
}

func TestTheMailOfAnInvitationIsReadAndAccepted(t *testing.T) {
	t.Parallel()
	world := flowdock.NewWorld(t)
	body := Fields{"email": "bob@example.com", "message": "Join us"}
	call(t, world, "POST", "/flows/example/main/invitations", body)
	mail := world.Outbox()[0]
	equal(t, mail.Email, "bob@example.com")
	world.AssertInvitation(Fields{"email": "bob@example.com", "state": "pending"})
	equal(t, world.Accept(mail.Invitation).Email, mail.Email)
	world.AssertInvitation(Fields{"email": "bob@example.com", "state": "accepted"})
	world.RemoveInvitation(world.AddInvitation(Fields{"email": "eve@example.com"}).Invitation)
	world.AssertNoInvitation(Fields{"email": "eve@example.com"})
	equal(t, world.AddAuthorizationCode(Fields{"scope": "flow"}).Scope, "flow")
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	_, err := fakeflowdock.Start(fakeflowdock.Options{Args: []string{"--wrld", "docs"}})
	matches(t, err.Error(), `^cannot start .* -m fakeflowdock .*: .*unknown option .*did you mean --world\?`)
	_, err = fakeflowdock.Start(fakeflowdock.Options{Python: "/no/python"})
	matches(t, err.Error(), "^cannot start /no/python .*: .*no such file")
	_, err = fakeflowdock.Connect("http://127.0.0.1:9")
	matches(t, err.Error(), "^no fakeflowdock server answers at http://127.0.0.1:9: ")
}

func TestAServerIsStartedWithTLSAndATokenForTheAdminAPIAndStopped(t *testing.T) {
	args := []string{"--tls", "--admin-token", "of-some-length", "--world", "docs"}
	server, err := fakeflowdock.Start(fakeflowdock.Options{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, server.Ready.World, "docs")
	matches(t, server.URL, "^https:")
	equal(t, server.World(t, "default").APIToken, server.Ready.APIToken)
	_, err = fakeflowdock.Connect(server.URL)
	matches(t, err.Error(), "certificate")
	trusted := fakeflowdock.Options{CAFile: server.Ready.CAFile, AdminToken: server.Ready.AdminToken}
	other, err := fakeflowdock.Connect(server.URL+"/", trusted)
	if err != nil {
		t.Fatal(err)
	}
	worlds, err := other.Worlds()
	equal(t, []any{len(worlds), err}, []any{1, nil})
	closed, err := fakeflowdock.Connect(server.URL, fakeflowdock.Options{CAFile: server.Ready.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	var failed *fakeflowdock.Error
	_, err = closed.Worlds()
	equal(t, errors.As(err, &failed) && failed.Status == 401, true)
	other.Stop() // is not its own
	server.Stop()
	server.Stop()
	_, err = server.Worlds()
	matches(t, err.Error(), "^no fakeflowdock server answers")
}
