// Package fakeflowdock is the client library of fakeflowdock for Go 1.18 and later. It is one file without
// dependencies: copy it into a folder of your module. A running server has it at /_fakeflowdock/clients/go.go.
//
// What a world cannot do fails its test, so that methods return no errors. Fields have the names of Flowdock and of
// fakeflowdock's admin API.
package fakeflowdock

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

const poll = 50 * time.Millisecond // between two attempts of an assertion with Within

// Fields are names and values. A *regexp.Regexp is searched for in a text.
type Fields map[string]any

// TB is what the library needs of a *testing.T.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	Failed() bool
}

// Error is an error of the server. Status and Errors are those of the response.
type Error struct {
	Message string    `json:"message"`
	Errors  []Problem `json:"errors"`
	Status  int       `json:"-"`
}

// Problem is an invalid field.
type Problem struct {
	Pointer string `json:"pointer"`
	Reason  string `json:"reason"`
}

func (e *Error) Error() string { return e.Message }

// Credentials are those of a world. What a world does not have is empty.
type Credentials struct {
	StreamURL      string `json:"stream_url"`
	Organization   string `json:"organization"`
	Flow           string `json:"flow"`
	APIToken       string `json:"api_token"`
	AccessToken    string `json:"access_token"`
	ClientID       string `json:"client_id"`
	ClientSecret   string `json:"client_secret"`
	Email          string `json:"email"`
	Password       string `json:"password"`
	FlowAPIToken   string `json:"flow_api_token"`
	SCIMUID        string `json:"scim_uid"`
	SCIMToken      string `json:"scim_token"`
	SecondAPIToken string `json:"second_api_token"`
	SpareAPIToken  string `json:"spare_api_token"`
}

// Ready is the ready line of a server.
type Ready struct {
	Credentials
	URL        string `json:"url"`
	World      string `json:"world"`
	Version    string `json:"version"`
	PID        int    `json:"pid"`
	CAFile     string `json:"ca_file"`
	AdminToken string `json:"admin_token"`
}

// Options are those of Open, Start and Connect.
type Options struct {
	Python     string        // Start: the Python that has fakeflowdock; by default the variable PYTHON, or python3
	Args       []string      // Start: more options of the server, such as --world
	Env        []string      // Start: more environment variables of the server, as NAME=value
	Timeout    time.Duration // Start: how long to wait for the server; by default a minute
	AdminToken string        // Connect: by default the variable FAKEFLOWDOCK_ADMIN_TOKEN
	CAFile     string        // Connect: the CA certificate of a server with TLS
}

// Server is one that this process has started, or a running one.
type Server struct {
	URL        string
	Ready      *Ready // nil if this process has not started it
	adminToken string
	client     *http.Client
	command    *exec.Cmd
	stdin      io.Closer
	ended      chan struct{}
}

// Open connects to the server at FLOWDOCK_API_URL if that is set, as under `fakeflowdock exec`. Otherwise it starts one.
func Open(options ...Options) (*Server, error) {
	if address := os.Getenv("FLOWDOCK_API_URL"); address != "" {
		return Connect(address, options...)
	}
	return Start(options...)
}

// MustOpen is Open, for a variable of a package: it panics on errors.
func MustOpen(options ...Options) *Server {
	server, err := Open(options...)
	if err != nil {
		panic(err)
	}
	return server
}

// Connect connects to a running server.
func Connect(address string, options ...Options) (*Server, error) {
	server, err := newServer(address, chosen(options))
	if err != nil {
		return nil, err
	}
	return server, server.Request("GET", "health", nil, nil)
}

// Start starts a server on a free port. It ends with this process.
func Start(options ...Options) (*Server, error) {
	given := chosen(options)
	if given.Python == "" {
		given.Python = os.Getenv("PYTHON")
	}
	if given.Python == "" && runtime.GOOS == "windows" {
		given.Python = "python"
	} else if given.Python == "" {
		given.Python = "python3"
	}
	if given.Timeout == 0 {
		given.Timeout = time.Minute
	}
	args := append([]string{"-m", "fakeflowdock", "--port", "0", "--json", "--until-eof"}, given.Args...)
	command := exec.Command(given.Python, args...)
	command.Env = append(os.Environ(), given.Env...)
	server, err := launch(command, given.Timeout)
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", strings.Join(command.Args, " "), err)
	}
	return server, nil
}

func chosen(options []Options) Options {
	if len(options) == 0 {
		return Options{}
	}
	return options[0]
}

func launch(command *exec.Cmd, timeout time.Duration) (*Server, error) {
	stdin, err := command.StdinPipe() // ends with this process, and the server with it
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	said := &complaints{}
	command.Stderr = said
	if err := command.Start(); err != nil {
		return nil, err
	}
	lines, ended := make(chan []byte, 1), make(chan struct{})
	go func() {
		line, _ := bufio.NewReader(stdout).ReadBytes('\n')
		lines <- line
	}()
	var line []byte
	select {
	case line = <-lines:
	case <-time.After(timeout):
		err = fmt.Errorf("it was not ready after %s", timeout)
	}
	var ready Ready
	if err == nil && len(line) > 0 {
		err = json.Unmarshal(line, &ready)
	} else if err == nil {
		status := command.Wait()
		if err = errors.New(strings.TrimSpace(said.String())); err.Error() == "" {
			err = status
		}
		return nil, err
	}
	var server *Server
	if err == nil {
		server, err = newServer(ready.URL, Options{AdminToken: ready.AdminToken, CAFile: ready.CAFile})
	}
	if err != nil {
		_ = command.Process.Kill()
		_ = command.Wait()
		return nil, err
	}
	said.forward()
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	server.Ready, server.command, server.stdin, server.ended = &ready, command, stdin, ended
	return server, nil
}

// What a server prints on standard error: kept until it is ready, then forwarded.
type complaints struct {
	sync.Mutex
	bytes.Buffer
	forwarded bool
}

func (c *complaints) Write(text []byte) (int, error) {
	c.Lock()
	defer c.Unlock()
	if c.forwarded {
		return os.Stderr.Write(text)
	}
	return c.Buffer.Write(text)
}

func (c *complaints) forward() {
	c.Lock()
	defer c.Unlock()
	_, _ = c.Buffer.WriteTo(os.Stderr)
	c.forwarded = true
}

func newServer(address string, options Options) (*Server, error) {
	server := &Server{URL: strings.TrimRight(address, "/"), adminToken: options.AdminToken}
	if server.adminToken == "" {
		server.adminToken = os.Getenv("FAKEFLOWDOCK_ADMIN_TOKEN")
	}
	transport := &http.Transport{DisableKeepAlives: true} // and without a proxy
	if options.CAFile != "" {
		pem, err := os.ReadFile(options.CAFile)
		if err != nil {
			return nil, err
		}
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate", options.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities}
	}
	server.client = &http.Client{Transport: transport}
	return server, nil
}

// Stop stops the server, if this process has started it.
func (s *Server) Stop() {
	if s.command == nil {
		return
	}
	_ = s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		_ = s.command.Process.Kill()
		<-s.ended
	}
	s.command = nil
}

// Request sends a request to the admin API, below /_fakeflowdock/, and decodes the body of the response into answer.
func (s *Server) Request(method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(patterns(body))
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, s.URL+"/_fakeflowdock/"+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if s.adminToken != "" {
		request.Header.Set("Authorization", "Bearer "+s.adminToken)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("no fakeflowdock server answers at %s: %w", s.URL, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		failed := &Error{Status: response.StatusCode}
		if json.Unmarshal(text, failed) != nil || failed.Message == "" {
			failed.Message = fmt.Sprintf("%s %s: %d", method, request.URL, response.StatusCode)
		}
		return failed
	}
	if answer == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: %d: %w", method, request.URL, response.StatusCode, err)
	}
	return nil
}

// WorldSummary is the contents of a world, in numbers.
type WorldSummary struct {
	Name                                                       string
	Now                                                        time.Time
	Users, Flows, Sources, Messages, Requests, Faults, Streams int
}

// Worlds returns a summary of each world.
func (s *Server) Worlds() ([]WorldSummary, error) {
	var worlds []WorldSummary
	return worlds, s.Request("GET", "worlds", nil, &worlds)
}

// World is a world: its data, journal, faults, clock and settings. URL is the address for the code under test.
type World struct {
	Credentials
	Name   string `json:"name"`
	URL    string `json:"-"`
	APIURL string `json:"api_url"` // of this world alone, for code that also sends requests without credentials
	server *Server
	t      TB
}

// NewWorld makes a world with credentials of its own, which is deleted after the test. A test that failed has the
// report of the world. Fields are name, world, seed, state, settings, …
func (s *Server) NewWorld(t TB, options ...Fields) *World {
	t.Helper()
	world := &World{server: s, t: t, URL: s.URL}
	if err := s.Request("POST", "worlds", merged(options), world); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			world.logReport()
		}
		var unknown *Error
		err := s.Request("DELETE", "worlds/"+escaped(world.Name), nil, nil)
		if err != nil && !t.Failed() && !(errors.As(err, &unknown) && unknown.Status == 404) {
			t.Errorf("%v", err)
		}
	})
	return world
}

// World returns a world that exists; "default" is the server's own. It stays after the test.
func (s *Server) World(t TB, name string) *World {
	t.Helper()
	world := &World{server: s, t: t, URL: s.URL}
	if err := s.Request("GET", "worlds/"+escaped(name), nil, world); err != nil {
		t.Fatalf("%v", err)
	}
	return world
}

func (w *World) logReport() {
	var report struct{ Report string }
	if err := w.server.Request("GET", w.path("report"), nil, &report); err != nil {
		report.Report = fmt.Sprintf("no report: %v", err)
	}
	w.t.Logf("fakeflowdock, world %s:\n%s", w.Name, report.Report)
}

func (w *World) path(path string) string { return "worlds/" + escaped(w.Name) + "/" + path }

// Request sends a request about this world to the admin API, and decodes the body of the response into answer.
func (w *World) Request(method, path string, body, answer any) {
	w.t.Helper()
	if err := w.server.Request(method, w.path(path), body, answer); err != nil {
		w.t.Fatalf("%v", err)
	}
}

func send[T any](w *World, method, path string, body any) T {
	w.t.Helper()
	var answer T
	w.Request(method, path, body, &answer)
	return answer
}

// Delete deletes the world before the end of the test.
func (w *World) Delete() {
	w.t.Helper()
	if err := w.server.Request("DELETE", "worlds/"+escaped(w.Name), nil, nil); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// State

// Snapshot is a saved state of a world.
type Snapshot struct {
	Name                     string
	Now                      time.Time
	Flows, Sources, Messages int
}

// Difference is what differs between a world and a snapshot.
type Difference struct {
	Same  bool
	Lines []string
}

// Reset resets the world to its initial state, or to a snapshot: to. Journal and faults are cleared.
func (w *World) Reset(options ...Fields) {
	w.t.Helper()
	w.Request("POST", "reset", merged(options), nil)
}

// Snapshot saves the current state under a name.
func (w *World) Snapshot(name string) Snapshot {
	w.t.Helper()
	return send[Snapshot](w, "PUT", "snapshots/"+escaped(name), nil)
}

// Restore restores the state of a snapshot.
func (w *World) Restore(name string) {
	w.t.Helper()
	w.Request("POST", "snapshots/"+escaped(name)+"/restore", nil, nil)
}

// Difference compares the world with a snapshot.
func (w *World) Difference(name string) Difference {
	w.t.Helper()
	return send[Difference](w, "GET", "snapshots/"+escaped(name)+"/difference", nil)
}

// ReadState returns the whole world, in the format of world files.
func (w *World) ReadState() json.RawMessage {
	w.t.Helper()
	return send[json.RawMessage](w, "GET", "state", nil)
}

// LoadState replaces the world by one in the format of world files.
func (w *World) LoadState(state json.RawMessage) {
	w.t.Helper()
	w.Request("PUT", "state", Fields{"state": state}, nil)
}

// Data. Objects are named by id, name, nick, e-mail address or path. Everything has a default.

// User is a user with their secrets.
type User struct {
	ID            int      `json:"id"`
	Name          string   `json:"name"`
	Nick          string   `json:"nick"`
	Email         string   `json:"email"`
	Avatar        string   `json:"avatar"`
	Website       string   `json:"website"`
	SSOName       string   `json:"sso_name"`
	Organizations []string `json:"organizations"`
	Password      string   `json:"password"`
	APIToken      string   `json:"api_token"`
}

// Organization is an organization with its secret.
type Organization struct {
	ID                int    `json:"id"`
	Name              string `json:"name"`
	ParameterizedName string `json:"parameterized_name"`
	SCIMUID           string `json:"scim_uid"`
	SCIMToken         string `json:"scim_token"`
}

// Flow is a flow with its secrets.
type Flow struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Path         string `json:"path"`
	Organization string `json:"organization"`
	Members      []int  `json:"members"`
	Admins       []int  `json:"admins"`
	Blocked      []int  `json:"blocked"`
	AccessMode   string `json:"access_mode"`
	Disabled     bool   `json:"disabled"`
	JoinKey      string `json:"join_key"`
	FlowAPIToken string `json:"flow_api_token"`
}

// Membership is that of a user in a flow.
type Membership struct {
	User    int
	Flow    string
	Admin   bool
	Blocked bool
}

// Application is an OAuth application with its secret.
type Application struct {
	ID               int    `json:"id"`
	Name             string `json:"name"`
	IconURL          string `json:"icon_url"`
	RedirectURI      string `json:"redirect_uri"`
	SetupURI         string `json:"setup_uri"`
	ConfigurationURI string `json:"configuration_uri"`
	Owner            int    `json:"owner"`
	ClientID         string `json:"client_id"`
	ClientSecret     string `json:"client_secret"`
}

// AccessToken is an access token. ExpiresAt is nil if it does not expire.
type AccessToken struct {
	AccessToken string     `json:"access_token"`
	User        int        `json:"user"`
	Application int        `json:"application"`
	Scope       string     `json:"scope"`
	ExpiresAt   *time.Time `json:"expires_at"`
}

// Source is a source with its secret.
type Source struct {
	ID               int        `json:"id"`
	Name             string     `json:"name"`
	Flow             string     `json:"flow"`
	Application      int        `json:"application"`
	Creator          int        `json:"creator"`
	ExternalURL      string     `json:"external_url"`
	ErrorMessage     string     `json:"error_message"`
	ConfigurationURL string     `json:"configuration_url"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
	LastPostedAt     *time.Time `json:"last_posted_at"`
	FlowToken        string     `json:"flow_token"`
}

// Message is a message of a flow, or a private one.
type Message struct {
	ID       int        `json:"id"`
	Event    string     `json:"event"`
	Flow     string     `json:"flow"`
	User     int        `json:"user"`
	ToUser   int        `json:"to_user"`
	Source   int        `json:"source"`
	Comments int        `json:"comments"`
	ThreadID string     `json:"thread_id"`
	Content  any        `json:"content"`
	Title    string     `json:"title"`
	Tags     []string   `json:"tags"`
	UUID     string     `json:"uuid"`
	Sent     time.Time  `json:"sent"`
	Edited   *time.Time `json:"edited"`
}

// AddUser adds a user: name, nick, email, admin, ….
func (w *World) AddUser(fields Fields) User {
	w.t.Helper()
	return send[User](w, "POST", "users", fields)
}

// GetUser returns a user with their secrets.
func (w *World) GetUser(name any) User {
	w.t.Helper()
	return send[User](w, "GET", "users/"+escaped(name), nil)
}

// UpdateUser changes a user.
func (w *World) UpdateUser(name any, fields Fields) User {
	w.t.Helper()
	return send[User](w, "PUT", "users/"+escaped(name), fields)
}

// RemoveUser removes a user from an organization, or from all.
func (w *World) RemoveUser(name any, fields ...Fields) {
	w.t.Helper()
	w.Request("DELETE", "users/"+escaped(name), merged(fields), nil)
}

// AddOrganization adds an organization: parameterized_name, name.
func (w *World) AddOrganization(fields Fields) Organization {
	w.t.Helper()
	return send[Organization](w, "POST", "organizations", fields)
}

// GetOrganization returns an organization with its secret.
func (w *World) GetOrganization(name any) Organization {
	w.t.Helper()
	return send[Organization](w, "GET", "organizations/"+escaped(name), nil)
}

// UpdateOrganization renames an organization.
func (w *World) UpdateOrganization(name any, fields Fields) Organization {
	w.t.Helper()
	return send[Organization](w, "PUT", "organizations/"+escaped(name), fields)
}

// RemoveOrganization archives the flows of an organization, and removes its users.
func (w *World) RemoveOrganization(name any) {
	w.t.Helper()
	w.Request("DELETE", "organizations/"+escaped(name), nil, nil)
}

// SetUpSingleSignOn sets up Single Sign-On for an organization, with a new token for SCIM: uid.
func (w *World) SetUpSingleSignOn(organization any, fields ...Fields) Organization {
	w.t.Helper()
	return send[Organization](w, "PUT", "organizations/"+escaped(organization)+"/single-sign-on", merged(fields))
}

// EndSingleSignOn ends the Single Sign-On of an organization.
func (w *World) EndSingleSignOn(organization any) {
	w.t.Helper()
	w.Request("DELETE", "organizations/"+escaped(organization)+"/single-sign-on", nil, nil)
}

// AddFlow adds a flow: path, members, name, access_mode.
func (w *World) AddFlow(fields Fields) Flow {
	w.t.Helper()
	return send[Flow](w, "POST", "flows", fields)
}

// GetFlow returns a flow with its secrets.
func (w *World) GetFlow(name any) Flow {
	w.t.Helper()
	return send[Flow](w, "GET", "flows/"+escaped(name), nil)
}

// UpdateFlow changes or archives a flow.
func (w *World) UpdateFlow(name any, fields Fields) Flow {
	w.t.Helper()
	return send[Flow](w, "PUT", "flows/"+escaped(name), fields)
}

// RemoveFlow archives a flow.
func (w *World) RemoveFlow(name any, fields ...Fields) {
	w.t.Helper()
	w.Request("DELETE", "flows/"+escaped(name), merged(fields), nil)
}

// AddMembership makes a user a member of a flow: user, flow.
func (w *World) AddMembership(fields Fields) Membership {
	w.t.Helper()
	return send[Membership](w, "POST", "memberships", fields)
}

// UpdateMembership makes a user an administrator of a flow, or blocks them.
func (w *World) UpdateMembership(name any, fields Fields) Membership {
	w.t.Helper()
	return send[Membership](w, "PUT", "memberships/"+escaped(name), fields)
}

// RemoveMembership removes a user from a flow.
func (w *World) RemoveMembership(name any, fields ...Fields) {
	w.t.Helper()
	w.Request("DELETE", "memberships/"+escaped(name), merged(fields), nil)
}

// AddApplication adds an OAuth application: name, redirect_uri, ….
func (w *World) AddApplication(fields Fields) Application {
	w.t.Helper()
	return send[Application](w, "POST", "applications", fields)
}

// GetApplication returns an application with its secret.
func (w *World) GetApplication(name any) Application {
	w.t.Helper()
	return send[Application](w, "GET", "applications/"+escaped(name), nil)
}

// UpdateApplication changes an application.
func (w *World) UpdateApplication(name any, fields Fields) Application {
	w.t.Helper()
	return send[Application](w, "PUT", "applications/"+escaped(name), fields)
}

// RemoveApplication removes an application.
func (w *World) RemoveApplication(name any) {
	w.t.Helper()
	w.Request("DELETE", "applications/"+escaped(name), nil, nil)
}

// AddSource adds a source: name, flow, application, ….
func (w *World) AddSource(fields Fields) Source {
	w.t.Helper()
	return send[Source](w, "POST", "sources", fields)
}

// GetSource returns a source with its secret.
func (w *World) GetSource(name any) Source {
	w.t.Helper()
	return send[Source](w, "GET", "sources/"+escaped(name), nil)
}

// UpdateSource changes a source.
func (w *World) UpdateSource(name any, fields Fields) Source {
	w.t.Helper()
	return send[Source](w, "PUT", "sources/"+escaped(name), fields)
}

// RemoveSource deletes a source.
func (w *World) RemoveSource(name any, fields ...Fields) {
	w.t.Helper()
	w.Request("DELETE", "sources/"+escaped(name), merged(fields), nil)
}

// AddMessage adds a message: content, user, flow, source, ….
func (w *World) AddMessage(fields Fields) Message {
	w.t.Helper()
	return send[Message](w, "POST", "messages", fields)
}

// UpdateMessage edits a message: a Message, or an id with its flow.
func (w *World) UpdateMessage(message any, fields Fields) Message {
	w.t.Helper()
	id, fields := placed(message, fields)
	return send[Message](w, "PUT", "messages/"+id, fields)
}

// RemoveMessage deletes a message.
func (w *World) RemoveMessage(message any, fields ...Fields) {
	w.t.Helper()
	id, all := placed(message, fields...)
	w.Request("DELETE", "messages/"+id, all, nil)
}

// AddPrivateMessage adds a private message: to_user, from_user, content, …
func (w *World) AddPrivateMessage(fields Fields) Message {
	w.t.Helper()
	return send[Message](w, "POST", "private-messages", fields)
}

// UpdatePrivateMessage edits a private message: a Message, or an id with to_user and from_user.
func (w *World) UpdatePrivateMessage(message any, fields Fields) Message {
	w.t.Helper()
	id, fields := placed(message, fields)
	return send[Message](w, "PUT", "private-messages/"+id, fields)
}

// RemovePrivateMessage deletes a private message.
func (w *World) RemovePrivateMessage(message any, fields ...Fields) {
	w.t.Helper()
	id, all := placed(message, fields...)
	w.Request("DELETE", "private-messages/"+id, all, nil)
}

// Size is how much a world has.
type Size struct{ Users, Flows, Sources, Messages int }

// Populate adds bulk data: messages, users, flows, sources. It returns how much the world has then.
func (w *World) Populate(numbers Fields) Size {
	w.t.Helper()
	return send[Size](w, "POST", "populate", numbers)
}

// AddAccessToken issues an access token: user, application, scope, expires_in.
func (w *World) AddAccessToken(fields ...Fields) AccessToken {
	w.t.Helper()
	return send[AccessToken](w, "POST", "access-tokens", merged(fields))
}

// AuthorizationCode is an authorization code, which a client exchanges for tokens.
type AuthorizationCode struct {
	Code        string    `json:"code"`
	User        int       `json:"user"`
	Application int       `json:"application"`
	Scope       string    `json:"scope"`
	RedirectURI string    `json:"redirect_uri"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// AddAuthorizationCode issues an authorization code: user, application, scope, redirect_uri.
func (w *World) AddAuthorizationCode(fields ...Fields) AuthorizationCode {
	w.t.Helper()
	return send[AuthorizationCode](w, "POST", "authorization-codes", merged(fields))
}

// RevokeAccessToken revokes an access token, and what was issued for the same consent.
func (w *World) RevokeAccessToken(token string) {
	w.t.Helper()
	w.Request("DELETE", "access-tokens/"+escaped(token), nil, nil)
}

// RevokeApplication revokes everything that users have granted an application.
func (w *World) RevokeApplication(name any, fields ...Fields) {
	w.t.Helper()
	w.Request("DELETE", "applications/"+escaped(name)+"/access-tokens", merged(fields), nil)
}

// Clock and settings

// Clock is the time of a world.
type Clock struct {
	Now    time.Time
	Frozen bool
	System bool
}

// Clock returns the time of the world.
func (w *World) Clock() Clock { w.t.Helper(); return send[Clock](w, "GET", "clock", nil) }

// SetClock sets the clock: now, frozen, system. A time.Time is a time.
func (w *World) SetClock(fields Fields) Clock {
	w.t.Helper()
	return send[Clock](w, "PUT", "clock", fields)
}

// Advance moves the clock forward.
func (w *World) Advance(by time.Duration) Clock {
	w.t.Helper()
	return send[Clock](w, "PUT", "clock", Fields{"advance": by.Seconds()})
}

// Settings returns the settings.
func (w *World) Settings() Fields { w.t.Helper(); return send[Fields](w, "GET", "settings", nil) }

// ChangeSettings changes settings: shape, strict, auto_consent, …
func (w *World) ChangeSettings(fields Fields) Fields {
	w.t.Helper()
	return send[Fields](w, "PUT", "settings", fields)
}

// Faults

// Fault is an active fault.
type Fault struct {
	ID          int
	Description string
	Matched     int
	Applied     int
	Record      string
}

// Fail makes matching requests fail: operation, times, status, retry_after, connection, …
func (w *World) Fail(fault Fields) Fault {
	w.t.Helper()
	return send[Fault](w, "POST", "faults", fault)
}

// FailDeliveries makes matching requests to integrations fail.
func (w *World) FailDeliveries(fault Fields) Fault {
	w.t.Helper()
	return send[Fault](w, "POST", "deliveries/faults", fault)
}

// Faults returns the active faults, with how often each was applied.
func (w *World) Faults() []Fault { w.t.Helper(); return send[[]Fault](w, "GET", "faults", nil) }

// ClearFaults deletes all faults, or these.
func (w *World) ClearFaults(faults ...Fault) {
	w.t.Helper()
	if len(faults) == 0 {
		w.Request("DELETE", "faults", nil, nil)
	}
	for _, fault := range faults {
		w.Request("DELETE", "faults/"+escaped(fault.ID), nil, nil)
	}
}

// Journal

// Exchange is one request and its answer. Response is nil if a fault lost it.
type Exchange struct {
	Number     int               `json:"number"`
	Time       time.Time         `json:"time"`
	WorldTime  time.Time         `json:"world_time"`
	RequestID  string            `json:"request_id"`
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	URL        string            `json:"url"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Parameters Fields            `json:"parameters"`
	Operation  string            `json:"operation"`
	Caller     map[string]int    `json:"caller"`
	Response   *Response         `json:"response"`
	Refusal    *Refusal          `json:"refusal"`
	Warnings   []Finding         `json:"warnings"`
	Failure    string            `json:"failure"`
	Seconds    float64           `json:"seconds"`
}

// Response is what went back.
type Response struct {
	Status  int
	Headers map[string]string
	Body    string
}

// Refusal is why a request was refused.
type Refusal struct{ Name, Message, Page, Grade string }

// Finding is one thing that is not as Flowdock's documentation has it.
type Finding struct {
	Rule, Severity, Operation, Where, Pointer, Message, Actual, Expected, Suggestion, Page, Grade string
}

// Requests returns the requests that match all given criteria, oldest first.
func (w *World) Requests(criteria ...Fields) []Exchange {
	w.t.Helper()
	return send[[]Exchange](w, "GET", "requests"+query(criteria), nil)
}

// WaitForRequests returns the matching requests once there are `count` of them. After `timeout` seconds the test fails.
func (w *World) WaitForRequests(criteria Fields) []Exchange {
	w.t.Helper()
	waited := send[struct {
		Arrived  bool
		Requests []Exchange
	}](w, "POST", "requests/wait", criteria)
	if !waited.Arrived {
		w.t.Fatalf("the awaited requests have not arrived, only %d: %v", len(waited.Requests), criteria)
	}
	return waited.Requests
}

// ClearRequests forgets the requests so far.
func (w *World) ClearRequests() { w.t.Helper(); w.Request("DELETE", "requests", nil, nil) }

// ExportRequests returns the journal as HAR.
func (w *World) ExportRequests(options ...Fields) json.RawMessage {
	w.t.Helper()
	return send[json.RawMessage](w, "GET", "requests/export"+query(options), nil)
}

// ContractWarnings returns what requests had that no page of the documentation knows.
func (w *World) ContractWarnings() []Finding {
	w.t.Helper()
	return send[[]Finding](w, "GET", "contract-warnings", nil)
}

// Report returns what a failed test should print.
func (w *World) Report() string {
	w.t.Helper()
	return send[struct{ Report string }](w, "GET", "report", nil).Report
}

// Streams

// Stream is an open stream.
type Stream struct {
	Number     int      `json:"number"`
	User       int      `json:"user"`
	Flows      []string `json:"flows"`
	Format     string   `json:"format"`
	Parameters Fields   `json:"parameters"`
	Events     int      `json:"events"`
	LastEvents []string `json:"last_events"`
	State      string   `json:"state"`
	Seconds    float64  `json:"seconds"`
}

// Streams returns the open streams: user, flow.
func (w *World) Streams(criteria ...Fields) []Stream {
	w.t.Helper()
	return send[[]Stream](w, "GET", "streams"+query(criteria), nil)
}

// WaitForStreams returns the matching streams once `count` of them are open. After `timeout` seconds the test fails.
func (w *World) WaitForStreams(criteria Fields) []Stream {
	w.t.Helper()
	waited := send[struct {
		Opened  bool
		Streams []Stream
	}](w, "POST", "streams/wait", criteria)
	if !waited.Opened {
		w.t.Fatalf("the awaited streams were not opened, only %d: %v", len(waited.Streams), criteria)
	}
	return waited.Streams
}

// CloseStreams ends all open streams.
func (w *World) CloseStreams() { w.t.Helper(); w.Request("DELETE", "streams", nil, nil) }

// Emit sends an event that no operation makes to the streams of a flow or user.
func (w *World) Emit(event Fields, options ...Fields) Fields {
	w.t.Helper()
	body := merged(append(options, Fields{"event": event}))
	return send[struct{ Event Fields }](w, "POST", "streams/events", body).Event
}

// Thread actions and invitations

// Delivery is an action that a user performed. Response is nil if the integration sent none.
type Delivery struct {
	Number  int
	Thread  string
	Action  string
	User    int
	Outcome string
	Reason  string
	Request struct {
		Method, URL, Body string
		Headers           map[string]string
	}
	Response *Response
	Seconds  float64
}

// Mailing is the mail of an invitation.
type Mailing struct {
	Email      string    `json:"email"`
	Message    string    `json:"message"`
	JoinURL    string    `json:"join_url"`
	Flow       string    `json:"flow"`
	Invitation int       `json:"invitation"`
	Sent       time.Time `json:"sent"`
}

// AdmittedUser is the user who accepted an invitation.
type AdmittedUser struct {
	Invitation int    `json:"invitation"`
	User       int    `json:"user"`
	Email      string `json:"email"`
	APIToken   string `json:"api_token"`
}

// Perform lets a user perform an action of a thread: thread, action, user, integration, …
func (w *World) Perform(fields Fields) Delivery {
	w.t.Helper()
	return send[Delivery](w, "POST", "perform", fields)
}

// Deliveries returns the deliveries that match all given criteria, oldest first.
func (w *World) Deliveries(criteria ...Fields) []Delivery {
	w.t.Helper()
	return send[[]Delivery](w, "GET", "deliveries"+query(criteria), nil)
}

// Invitation is an invitation to a flow, by its number.
type Invitation struct {
	Invitation int    `json:"invitation"`
	Email      string `json:"email"`
	Flow       string `json:"flow"`
	Inviter    int    `json:"inviter"`
	Message    string `json:"message"`
	State      string `json:"state"`
}

// AddInvitation invites an address to a flow: email, flow, inviter, message.
func (w *World) AddInvitation(fields Fields) Invitation {
	w.t.Helper()
	return send[Invitation](w, "POST", "invitations", fields)
}

// RemoveInvitation cancels a pending invitation.
func (w *World) RemoveInvitation(invitation int) {
	w.t.Helper()
	w.Request("DELETE", "invitations/"+escaped(invitation), nil, nil)
}

// Outbox returns the mails of invitations.
func (w *World) Outbox() []Mailing { w.t.Helper(); return send[[]Mailing](w, "GET", "outbox", nil) }

// Accept accepts an invitation. By default the user is the one with its address, or a new one.
func (w *World) Accept(invitation int, options ...Fields) AdmittedUser {
	w.t.Helper()
	return send[AdmittedUser](w, "POST", "accept", merged(append(options, Fields{"invitation": invitation})))
}

// Assertions

// AssertOption is an option of an assertion.
type AssertOption func(*claim)

type claim struct {
	fields Fields
	within time.Duration
}

// Times asserts how many there are, exactly.
func Times(times int) AssertOption { return func(c *claim) { c.fields["times"] = times } }

// Status asserts the status of the response to a request.
func Status(status int) AssertOption { return func(c *claim) { c.fields["status"] = status } }

// Caller asserts who sent a request: the id of a "user", "source" or "application".
func Caller(kind string, id int) AssertOption {
	return func(c *claim) { c.fields["caller"] = Fields{kind: id} }
}

// Within repeats an assertion until it holds, at most for a time.
func Within(limit time.Duration) AssertOption { return func(c *claim) { c.within = limit } }

func operation(name string) AssertOption { return func(c *claim) { c.fields["operation"] = name } }

// AssertRequested asserts that an operation was requested, with these parameters. Like every assertion it fails the
// test with the server's explanation, and returns whether it holds.
func (w *World) AssertRequested(name string, expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("requested", expected, append(options, operation(name)))
}

// AssertNotRequested asserts that an operation was not requested.
func (w *World) AssertNotRequested(name string, expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("not requested", expected, append(options, operation(name)))
}

// AssertSource asserts that there is a source.
func (w *World) AssertSource(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("source", expected, options)
}

// AssertNoSource asserts that there is no source.
func (w *World) AssertNoSource(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("no source", expected, options)
}

// AssertMessage asserts that there is a message.
func (w *World) AssertMessage(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("message", expected, options)
}

// AssertNoMessage asserts that there is no message.
func (w *World) AssertNoMessage(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("no message", expected, options)
}

// AssertPrivateMessage asserts that there is a private message.
func (w *World) AssertPrivateMessage(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("private message", expected, options)
}

// AssertNoPrivateMessage asserts that there is no private message.
func (w *World) AssertNoPrivateMessage(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("no private message", expected, options)
}

// AssertInvitation asserts that there is an invitation.
func (w *World) AssertInvitation(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("invitation", expected, options)
}

// AssertNoInvitation asserts that there is no invitation.
func (w *World) AssertNoInvitation(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("no invitation", expected, options)
}

// AssertDelivery asserts that there is a delivery.
func (w *World) AssertDelivery(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("delivery", expected, options)
}

// AssertNoDelivery asserts that there is no delivery.
func (w *World) AssertNoDelivery(expected Fields, options ...AssertOption) bool {
	w.t.Helper()
	return w.assert("no delivery", expected, options)
}

func (w *World) assert(assertion string, expected Fields, options []AssertOption) bool {
	w.t.Helper()
	if expected == nil {
		expected = Fields{}
	}
	made := claim{fields: Fields{"assertion": assertion, "expected": expected}}
	for _, option := range options {
		option(&made)
	}
	last := time.Now().Add(made.within)
	for {
		verdict := send[struct {
			Passed      bool
			Explanation string
		}](w, "POST", "assertions", made.fields)
		if verdict.Passed {
			return true
		}
		if !time.Now().Before(last) {
			w.t.Errorf("%s", verdict.Explanation)
			return false
		}
		time.Sleep(poll)
	}
}

func merged(all []Fields) Fields {
	whole := Fields{}
	for _, fields := range all {
		for name, value := range fields {
			whole[name] = value
		}
	}
	return whole
}

func escaped(name any) string { return url.PathEscape(fmt.Sprint(name)) }

// placed returns the id of a message, and fields with its place: the id is that in a flow or a conversation.
func placed(message any, all ...Fields) (string, Fields) {
	given, is := message.(Message)
	if !is {
		return escaped(message), merged(all)
	}
	place := Fields{"flow": given.Flow}
	if given.Flow == "" {
		place = Fields{"from_user": given.User, "to_user": given.ToUser}
	}
	return escaped(given.ID), merged(append([]Fields{place}, all...))
}

func query(criteria []Fields) string {
	values := url.Values{}
	for name, value := range merged(criteria) {
		text := fmt.Sprint(value)
		if fields, is := value.(Fields); is {
			encoded, _ := json.Marshal(patterns(fields))
			text = string(encoded)
		}
		values.Set(name, text)
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// In Go \z is the end of the text, which is \Z on the server.
var escapes = regexp.MustCompile(`(?s)\\.`)

// patterns returns a value in which each regular expression is a pattern of the admin API.
func patterns(value any) any {
	if pattern, is := value.(*regexp.Regexp); is {
		return Fields{"$pattern": escapes.ReplaceAllStringFunc(pattern.String(), func(pair string) string {
			if pair == `\z` {
				return `\Z`
			}
			return pair
		})}
	}
	if _, is := value.(json.Marshaler); is {
		return value
	}
	switch held := reflect.ValueOf(value); held.Kind() {
	case reflect.Map:
		if held.Type().Key().Kind() != reflect.String {
			return value
		}
		whole := Fields{}
		for _, name := range held.MapKeys() {
			whole[name.String()] = patterns(held.MapIndex(name).Interface())
		}
		return whole
	case reflect.Slice, reflect.Array:
		if held.Type().Elem().Kind() == reflect.Uint8 {
			return value // base64, as encoding/json has it
		}
		whole := make([]any, held.Len())
		for index := range whole {
			whole[index] = patterns(held.Index(index).Interface())
		}
		return whole
	}
	return value
}
