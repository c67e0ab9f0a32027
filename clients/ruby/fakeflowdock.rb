# frozen_string_literal: true

# The client library of fakeflowdock for Ruby 2.7 and later. It is one file without dependencies: copy it beside your
# tests. A running server has it at /_fakeflowdock/clients/ruby.rb.
#
# Names in data are those of Flowdock and of fakeflowdock's admin API.

require "json"
require "net/http"
require "open3"
require "timeout"
require "uri"

# A server: one that this process has started, or a running one.
class FakeFlowdock
  # An error of the server, or of its start. `status` and `errors` are those of the response.
  class Error < StandardError
    attr_reader :status, :errors

    def initialize(message, status = nil, errors = [])
      super(message)
      @status = status
      @errors = errors
    end
  end

  # Raised by assertions where neither Minitest nor RSpec is loaded.
  class AssertionFailed < StandardError; end

  # Tests that are skipped are not explained.
  SKIPS = %w[Minitest::Skip RSpec::Core::Pending::SkipDeclaredInExample Test::Unit::PendedError Test::Unit::OmittedError]
          .freeze
  private_constant :SKIPS

  # The address of the server.
  attr_reader :url

  # The ready line, if this process has started the server.
  attr_reader :ready

  class << self
    # Connect to the server at FLOWDOCK_API_URL if that is set, as under `fakeflowdock exec`. Otherwise start one.
    def open(admin_token: nil, ca_file: nil, **options)
      url = ENV["FLOWDOCK_API_URL"].to_s
      url.empty? ? start(**options) : connect(url, admin_token: admin_token, ca_file: ca_file)
    end

    # Connect to a running server.
    def connect(url, admin_token: nil, ca_file: nil)
      new(url, admin_token: admin_token, ca_file: ca_file).tap { |server| server.request("GET", "health") }
    end

    # Start a server on a free port. It ends with this process. With a block, it ends after the block.
    def start(python: nil, args: [], env: {}, timeout: 60)
      python ||= ENV["PYTHON"] || (Gem.win_platform? ? "python" : "python3")
      command = [python, "-m", "fakeflowdock", "--port", "0", "--json", "--until-eof", *args]
      server = launch(command, env, timeout)
      return server unless block_given?

      begin
        yield server
      ensure
        server.stop
      end
    end

    private

    def launch(command, env, timeout)
      stdin, stdout, stderr, waiter = Open3.popen3(env, *command) # stdin ends with this process, and the server with it
      complaints = Complaints.new(stderr)
      line = Timeout.timeout(timeout, Error, "it was not ready after #{timeout} s") { stdout.gets }
      raise Error, complaints.text(waiter) if line.nil?

      ready = JSON.parse(line, symbolize_names: true)
      complaints.forward
      options = { admin_token: ready[:admin_token], ca_file: ready[:ca_file] }
      new(ready[:url], **options, ready: ready, process: [stdin, waiter])
    rescue Error, SystemCallError, JSON::ParserError => e
      kill(waiter) if waiter
      raise Error, "Cannot start #{command.join(" ")}: #{e.message}"
    end

    def kill(waiter)
      Process.kill("KILL", waiter.pid)
    rescue SystemCallError
      nil
    end
  end

  # What a server prints on standard error: kept until it is ready, then forwarded.
  class Complaints
    def initialize(stream)
      @kept = +""
      @lock = Mutex.new
      @thread = Thread.new { stream.each_line { |line| @lock.synchronize { @kept ? @kept << line : warn(line) } } }
    end

    def text(waiter)
      @thread.join
      @kept.empty? ? "it ended with status #{waiter.value.exitstatus}" : @kept.strip
    end

    def forward
      @lock.synchronize do
        warn @kept unless @kept.empty?
        @kept = nil
      end
    end
  end
  private_constant :Complaints

  def initialize(url, admin_token: nil, ca_file: nil, ready: nil, process: nil)
    @url = url.chomp("/")
    @admin_token = admin_token || ENV.fetch("FAKEFLOWDOCK_ADMIN_TOKEN", nil)
    @ca_file = ca_file
    @ready = ready
    @process = process
  end

  # Stop the server, if this process has started it.
  def stop
    stdin, waiter = @process
    @process = nil
    return unless stdin

    stdin.close
    Process.kill("KILL", waiter.pid) unless waiter.join(10)
    waiter.join
  rescue Errno::ESRCH
    nil
  end

  # Make a world with credentials of its own: `name`, `world`, `seed`, `state`, `settings`, …
  # With a block, the world is deleted after it, and an error in the block has the report of the world.
  def create_world(**options)
    world = World.new(self, request("POST", "worlds", options))
    return world unless block_given?

    begin
      result = yield world
      passed = true
      result
    rescue StandardError, *World.failures => e
      raise SKIPS.include?(e.class.name) ? e : world.explain(e)
    ensure
      finish(world, passed)
    end
  end

  # Return a world that exists, by default the server's own.
  def world(name = "default")
    World.new(self, request("GET", "worlds/#{World.escape(name)}"))
  end

  # Return a summary of each world.
  def worlds
    request("GET", "worlds")
  end

  # Send a request to the admin API, below /_fakeflowdock/, and return the body of the response.
  def request(method, path, body = nil, **query)
    uri = URI("#{@url}/_fakeflowdock/#{path}")
    query = query.transform_values { |value| value.is_a?(Hash) ? JSON.generate(World.patterns(value)) : value }
    uri.query = URI.encode_www_form(query) unless query.empty?
    response = exchange(uri, message(method, uri, body))
    text = response.body.to_s
    answer = text.empty? ? nil : JSON.parse(text, symbolize_names: true)
    status = response.code.to_i
    return answer if status < 300

    answer = { message: "#{method} #{uri}: #{status}" } unless answer.is_a?(Hash) && answer[:message]
    raise Error.new(answer[:message], status, answer.fetch(:errors, []))
  rescue JSON::ParserError
    raise Error.new("#{method} #{uri}: #{response.code}, not JSON: #{text[0, 200]}", response.code.to_i)
  end

  private

  # Delete a world. A test that failed has an error of its own, and a test may have deleted its world.
  def finish(world, passed)
    world.delete
  rescue Error => e
    raise if passed && e.status != 404
  end

  def message(method, uri, body)
    message = Net::HTTPGenericRequest.new(method, !body.nil?, true, uri, "Accept" => "application/json")
    message["Authorization"] = "Bearer #{@admin_token}" if @admin_token
    unless body.nil?
      message["Content-Type"] = "application/json"
      message.body = JSON.generate(World.patterns(body))
    end
    message
  end

  def exchange(uri, message)
    http = Net::HTTP.new(uri.hostname, uri.port, nil) # without a proxy
    http.use_ssl = uri.scheme == "https"
    http.ca_file = @ca_file if @ca_file
    http.read_timeout = 330 # a request may wait for 300 seconds
    http.start { http.request(message) }
  rescue SystemCallError, SocketError, OpenSSL::SSL::SSLError, EOFError, Timeout::Error => e
    raise Error, "No fakeflowdock server answers at #{@url}: #{e.message}"
  end

  # A world: its data, journal, faults, clock and settings.
  class World
    POLL = 0.05 # seconds between two attempts of an assertion with `within`
    OPTIONS = %i[times within].freeze
    OF_REQUESTS = %i[times within status caller].freeze
    private_constant :POLL, :OPTIONS, :OF_REQUESTS

    # Its credentials, with the names of the ready line.
    attr_reader :credentials

    attr_reader :name

    # The address of the server, for the code under test. Credentials select the world.
    attr_reader :url

    # An address of this world alone, for code under test that also sends requests without credentials.
    attr_reader :api_url

    def initialize(server, credentials)
      @server = server
      @credentials = credentials
      @name = credentials[:name]
      @url = server.url
      @api_url = credentials[:api_url]
    end

    # Send a request about this world to the admin API.
    def request(method, path, body = nil, **query)
      @server.request(method, "worlds/#{World.escape(@name)}/#{path}", body, **query)
    end

    # Delete the world. Its credentials become unknown.
    def delete
      @server.request("DELETE", "worlds/#{World.escape(@name)}")
    end

    # State

    # Reset the world to its initial state, or `to: "a snapshot"`. Journal and faults are cleared, credentials stay.
    def reset(**options)
      request("POST", "reset", options)
    end

    # Save the current state under a name.
    def snapshot(name)
      request("PUT", "snapshots/#{World.escape(name)}")
    end

    # Restore the state of a snapshot.
    def restore(name)
      request("POST", "snapshots/#{World.escape(name)}/restore")
    end

    # Compare the world with a snapshot.
    def difference(name)
      request("GET", "snapshots/#{World.escape(name)}/difference")
    end

    # Return the whole world, in the format of world files.
    def state
      request("GET", "state")
    end

    # Replace the world by one in the format of world files.
    def load_state(state)
      request("PUT", "state", { state: state })
    end

    # Data: `add_user`, `get_user`, `update_user`, `remove_user`, and so on for organizations, flows, memberships, applications
    # and sources. Objects are named by id, name, nick, e-mail address or path, or by what `add_…` returned.
    # Everything has a default. `update_membership` and `remove_membership` take the user.

    %w[user organization flow membership application source].each do |kind|
      define_method("add_#{kind}") { |**fields| request("POST", "#{kind}s", fields) }
      define_method("update_#{kind}") do |object, **fields|
        request("PUT", "#{kind}s/#{World.escape(object)}", fields)
      end
      define_method("remove_#{kind}") do |object, **fields|
        request("DELETE", "#{kind}s/#{World.escape(object)}", fields)
      end
    end

    %w[user organization flow application source].each do |kind|
      define_method("get_#{kind}") { |object| request("GET", "#{kind}s/#{World.escape(object)}") }
    end

    # Set up Single Sign-On for an organization, with a new token for SCIM.
    def set_up_single_sign_on(organization, **fields)
      request("PUT", "organizations/#{World.escape(organization)}/single-sign-on", fields)
    end

    # End the Single Sign-On of an organization.
    def end_single_sign_on(organization)
      request("DELETE", "organizations/#{World.escape(organization)}/single-sign-on")
    end

    # Messages: `add_message`, `update_message`, `remove_message`, and the same for private messages, which need `to_user`.
    # The id of a message is that in its flow or conversation: give what `add_…` returned, or `flow`, or the two users.

    %w[message private_message].each do |kind|
      path = "#{kind.tr("_", "-")}s"
      define_method("add_#{kind}") { |**fields| request("POST", path, fields) }
      define_method("update_#{kind}") do |object, **fields|
        request("PUT", "#{path}/#{World.escape(object)}", { **World.place(object), **fields })
      end
      define_method("remove_#{kind}") do |object, **fields|
        request("DELETE", "#{path}/#{World.escape(object)}", { **World.place(object), **fields })
      end
    end

    # Add bulk data: `messages: 1000, users: 20, flows: 4, sources: 5`. Returns how much the world has then.
    def populate(**numbers)
      request("POST", "populate", numbers)
    end

    # Issue an access token: `user: "Bob", scope: "flow"`.
    def add_access_token(**fields)
      request("POST", "access-tokens", fields)
    end

    # Issue an authorization code, which a client exchanges for tokens.
    def add_authorization_code(**fields)
      request("POST", "authorization-codes", fields)
    end

    # Revoke an access token, and what was issued for the same consent.
    def revoke_access_token(token)
      request("DELETE", "access-tokens/#{token.is_a?(Hash) ? token[:access_token] : token}")
    end

    # Revoke everything that users have granted an application.
    def revoke_application(application, **fields)
      request("DELETE", "applications/#{World.escape(application)}/access-tokens", fields)
    end

    # Clock and settings

    # Return the time of the world.
    def clock
      request("GET", "clock")
    end

    # Set the clock: `now`, `frozen`, `system`.
    def set_clock(**options)
      now = options[:now]
      options[:now] = now.getutc.strftime("%FT%T.%LZ") if now.respond_to?(:getutc)
      request("PUT", "clock", options)
    end

    # Move the clock forward.
    def advance(seconds)
      request("PUT", "clock", { advance: seconds })
    end

    # Return the settings.
    def settings
      request("GET", "settings")
    end

    # Change settings: `shape`, `strict`, `auto_consent`, …
    def change_settings(**options)
      request("PUT", "settings", options)
    end

    # Faults

    # Make matching requests fail: `operation: "send message", times: 2, status: 503`.
    def fail(**fault)
      request("POST", "faults", fault)
    end

    # Make matching requests to integrations fail.
    def fail_deliveries(**fault)
      request("POST", "deliveries/faults", fault)
    end

    # Return the active faults, with how often each was applied.
    def faults
      request("GET", "faults")
    end

    # Delete all faults, or one.
    def clear_faults(fault = nil)
      request("DELETE", fault ? "faults/#{World.escape(fault)}" : "faults")
    end

    # Journal

    # Return the requests that match all given criteria, oldest first.
    def requests(**criteria)
      request("GET", "requests", **criteria)
    end

    # Return the matching requests once there are `count` of them. Fails after `timeout` seconds.
    def wait_for_requests(count: 1, timeout: 5, **criteria)
      waited = request("POST", "requests/wait", { count: count, timeout: timeout, **criteria })
      return waited[:requests] if waited[:arrived]

      wanted = "#{count} matching request#{"s" if count != 1}"
      found = waited[:requests].size
      flunk("#{wanted} expected within #{timeout} s, got #{found}: #{JSON.generate(World.patterns(criteria))}")
    end

    # Forget the requests so far.
    def clear_requests
      request("DELETE", "requests")
    end

    # Return the journal as HAR.
    def export_requests(**options)
      request("GET", "requests/export", **options)
    end

    # Return contract warnings: what requests had that no page of the documentation knows.
    def contract_warnings
      request("GET", "contract-warnings")
    end

    # Return what a failed test should print.
    def report
      request("GET", "report")[:report]
    end

    # Return an error like the given one, with the report added to its message.
    def explain(error)
      text = begin
        report
      rescue Error => e
        "no report: #{e.message}"
      end
      told = "fakeflowdock, world #{@name}:\n#{text}"
      explained = error.exception("#{error.message}\n\n#{told}")
      explained.set_backtrace(error.backtrace)
      # Test::Unit shows this, and not the message, where it has an expected value.
      explained.user_message = [error.user_message, told].compact.join("\n\n") if explained.respond_to?(:user_message=)
      explained
    end

    # Streams

    # Return the open streams.
    def streams(**criteria)
      request("GET", "streams", **criteria)
    end

    # Return the matching streams once `count` of them are open. Fails after `timeout` seconds.
    def wait_for_streams(count: 1, timeout: 5, **criteria)
      waited = request("POST", "streams/wait", { count: count, timeout: timeout, **criteria })
      return waited[:streams] if waited[:opened]

      flunk("#{count} open stream#{"s" if count != 1} expected within #{timeout} s, got #{waited[:streams].size}")
    end

    # End all open streams.
    def close_streams
      request("DELETE", "streams")
    end

    # Send an event that no operation makes to the streams of a flow or user.
    def emit(event, **options)
      request("POST", "streams/events", { event: event, **options })[:event]
    end

    # Thread actions and invitations

    # Let a user perform an action of a thread: `thread: "issue:42", action: "Close"`.
    def perform(**options)
      request("POST", "perform", options)
    end

    # Return the deliveries that match all given criteria, oldest first.
    def deliveries(**criteria)
      request("GET", "deliveries", **criteria)
    end

    # Invite an address to a flow: `email: "bob@example.com"`.
    def add_invitation(**fields)
      request("POST", "invitations", fields)
    end

    # Cancel a pending invitation, by its number.
    def remove_invitation(invitation)
      request("DELETE", "invitations/#{invitation}")
    end

    # Return the mails of invitations.
    def outbox
      request("GET", "outbox")
    end

    # Accept an invitation, by its number. Default of `user`: the user with its address, or a new one.
    def accept(invitation, **options)
      request("POST", "accept", { invitation: invitation, **options })
    end

    # Assertions: `assert_message(content: "Done", source: "Builds", times: 1)`. Names are attributes, except for `times`,
    # the exact number, and `within`, the seconds for which the assertion is repeated until it holds.

    # Assert that an operation was requested, with these parameters: `assert_requested("send message", content: "Done")`.
    # `status` and `caller` are those of the request.
    def assert_requested(operation, expected = {}, **options)
      assert("requested", expected, options, operation: operation)
    end

    def assert_not_requested(operation, expected = {}, **options)
      assert("not requested", expected, options, operation: operation)
    end

    %w[source message private_message invitation delivery].each do |kind|
      assertion = kind.tr("_", " ")
      define_method("assert_#{kind}") { |expected = {}, **options| assert(assertion, expected, options) }
      define_method("assert_no_#{kind}") { |expected = {}, **options| assert("no #{assertion}", expected, options) }
    end

    class << self
      # Return the kinds of failure of the loaded libraries for tests. Minitest's and RSpec's are no StandardError.
      def failures
        kinds = []
        kinds << Minitest::Assertion if defined?(Minitest::Assertion)
        kinds << RSpec::Expectations::ExpectationNotMetError if defined?(RSpec::Expectations)
        kinds
      end

      # Return the name of an object in a path: its id, or what else names it.
      def escape(object)
        URI.encode_www_form_component(object.is_a?(Hash) ? object[:id] : object).gsub("+", "%20")
      end

      # Return the fields that tell where a message is, because its id is that in a flow or a conversation.
      def place(message)
        return {} unless message.is_a?(Hash)

        message[:flow] ? { flow: message[:flow] } : { from_user: message[:user], to_user: message[:to_user] }.compact
      end

      # Return a value in which each regular expression is a pattern of the admin API.
      def patterns(value)
        case value
        when Regexp then { "$pattern" => flags(value) + value.source.gsub(/\\./m) { |pair| pair == "\\z" ? "\\Z" : pair } }
        when Hash then value.transform_values { |each| patterns(each) }
        when Array then value.map { |each| patterns(each) }
        else value
        end
      end

      private

      # Ruby's ^ and $ are those of lines, and its m is the s of others.
      def flags(pattern)
        known = { Regexp::IGNORECASE => "i", Regexp::MULTILINE => "s", Regexp::EXTENDED => "x" }
        "(?m#{known.select { |bit, _| pattern.options & bit != 0 }.values.join})"
      end
    end

    private

    def assert(assertion, expected, options, **more)
      options, attributes = options.partition { |name, _| (more.empty? ? OPTIONS : OF_REQUESTS).include?(name) }
      within = (options = options.to_h).delete(:within) || 0
      claim = { assertion: assertion, expected: { **expected, **attributes.to_h }, **options, **more }
      last = Process.clock_gettime(Process::CLOCK_MONOTONIC) + within
      loop do
        verdict = request("POST", "assertions", claim)
        return verdict if verdict[:passed]

        flunk(verdict[:explanation]) if Process.clock_gettime(Process::CLOCK_MONOTONIC) >= last
        sleep POLL
      end
    end

    def flunk(message)
      raise Minitest::Assertion, message if defined?(Minitest::Assertion)
      raise RSpec::Expectations::ExpectationNotMetError, message if defined?(RSpec::Expectations)
      raise Test::Unit::AssertionFailedError, message if defined?(Test::Unit::AssertionFailedError)

      raise AssertionFailed, message
    end
  end
end
