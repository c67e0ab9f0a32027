# frozen_string_literal: true

require "minitest/autorun"
require "time"
require_relative "fakeflowdock"

FLOWDOCK = FakeFlowdock.open

class FeaturesTest < Minitest::Test
  parallelize_me!

  def in_world(**options, &steps)
    FLOWDOCK.create_world(**options, &steps)
  end

  def call(world, method, path, body = nil)
    uri = URI(world.url + path)
    headers = { "Authorization" => "Bearer #{world.credentials[:access_token]}", "Content-Type" => "application/json" }
    response = Net::HTTP.start(uri.host, uri.port) { |http| http.send_request(method, uri, body&.to_json, headers) }
    [response.code.to_i, JSON.parse(response.body)]
  end

  def send_message(world, content)
    call(world, "POST", "/flows/example/main/messages", { event: "message", content: content }).first
  end

  def assert_fails(pattern, kind = Minitest::Assertion, &steps)
    assert_match pattern, assert_raises(kind, &steps).message
  end

  def test_a_world_has_credentials_of_its_own_from_its_name
    FLOWDOCK.create_world { |first| FLOWDOCK.create_world { |second| refute_equal first.name, second.name } }
    one = FLOWDOCK.create_world(name: "one") # other tests, which run meanwhile, may get a generated name again
    two = FLOWDOCK.create_world(name: "two")
    refute_equal one.credentials[:api_token], two.credentials[:api_token]
    assert_equal one.credentials, FLOWDOCK.world(one.name).credentials
    error = assert_raises(FakeFlowdock::Error) { FLOWDOCK.create_world(name: one.name) }
    assert_equal 409, error.status
    FLOWDOCK.create_world(name: two.name, world: "docs", replace: true)
    two.delete
    names = FLOWDOCK.worlds.map { |world| world[:name] }
    assert_includes names, one.name
    refute_includes names, two.name
    one.delete
    assert_fails(/\AUnknown world '#{one.name}'/, FakeFlowdock::Error) { one.report }
  end

  def test_an_invalid_field_is_named
    error = assert_raises(FakeFlowdock::Error) { FLOWDOCK.create_world(wrld: "empty") }
    assert_equal [422, ["/wrld"]], [error.status, error.errors.map { |each| each[:pointer] }]
    assert_includes error.message, "did you mean world?"
  end

  def test_worlds_see_nothing_of_each_other
    in_world do |one|
      in_world do |two|
        send_message(one, "Only here")
        one.assert_message(content: "Only here", times: 1)
        two.assert_no_message(content: "Only here")
        assert_empty two.requests
      end
    end
  end

  def test_assertions_fail_with_the_explanation_of_the_server
    in_world(seed: { sources: ["Builds"] }) do |world|
      send_message(world, "Done")
      world.assert_requested("send message", content: "Done", status: 201, caller: { application: 1 })
      world.assert_not_requested("send message", { content: "Failed" })
      world.assert_source(name: /\Abuild.\z/i)
      world.assert_no_source(name: "Deploys")
      world.assert_no_private_message(content: "Done")
      world.assert_no_invitation
      world.assert_no_delivery
      assert world.assert_message(content: "Done")[:passed]
      assert_fails(/expected 'Donne', got 'Done'/) { world.assert_message(content: "Donne") }
      assert_fails(/Done/) { world.assert_no_message(content: /^Do/) }
      assert_fails(/did you mean content\?/, FakeFlowdock::Error) { world.assert_message(contnt: "Done") }
    end
  end

  def test_an_assertion_waits_for_what_happens_within_some_seconds
    in_world do |world|
      asserted = Thread.new { world.assert_message(content: "Late", within: 60) }
      send_message(world, "Late")
      assert asserted.value[:passed]
    end
  end

  def test_faults_make_requests_fail_and_are_cleared
    in_world do |world|
      fault = world.fail(operation: "send message", times: 2, status: 503, retry_after: 1)
      assert_equal 503, send_message(world, "One")
      assert_equal([[fault[:id], 1]], world.faults.map { |each| each.values_at(:id, :applied) })
      world.clear_faults(fault)
      assert_equal 201, send_message(world, "Two")
      world.fail(status: 500)
      world.fail_deliveries(connection: "timeout")
      world.clear_faults
      assert_empty world.faults
    end
  end

  def test_the_journal_has_the_requests_and_can_be_waited_for
    in_world do |world|
      waited = Thread.new do
        world.wait_for_requests(operation: "send message", expected: { content: "Second" }, timeout: 60)
      end
      send_message(world, "First")
      send_message(world, "Second")
      assert_equal(["Second"], waited.value.map { |each| each[:parameters][:content] })
      assert_equal 201, world.requests(operation: "send message", limit: 1)[0][:response][:status]
      assert_equal 1, world.requests(expected: { content: /^sec/i }).size
      assert_equal "401", Net::HTTP.get_response(URI("#{world.api_url}/user")).code
      world.assert_requested("get own user", status: 401)
      assert_equal "1.2", world.export_requests[:log][:version]
      assert_fails(/\A3 matching requests expected within 0 s, got 2: {"operation":"send message"}\z/) do
        world.wait_for_requests(operation: "send message", count: 3, timeout: 0)
      end
      world.clear_requests
      assert_empty world.requests
      call(world, "GET", "/users?lmit=3")
      assert_match(/no parameter lmit/, world.contract_warnings[0][:message])
    end
  end

  def test_a_world_is_reset_or_restored_from_a_snapshot
    in_world do |world|
      send_message(world, "Kept")
      assert_equal 1, world.snapshot("ready")[:messages]
      send_message(world, "Lost")
      refute world.difference("ready")[:same]
      world.restore("ready")
      world.add_message(content: "Lost")
      world.reset(to: "ready")
      world.assert_no_message(content: "Lost")
      world.assert_message(content: "Kept")
      world.reset
      world.assert_no_message(content: "Kept")
      assert_empty world.requests
      assert_equal 201, send_message(world, "Again")
      in_world(state: world.state) { |copy| copy.assert_message(content: "Again") }
      world.load_state(world.state)
    end
  end

  def test_a_world_is_arranged
    in_world do |world|
      bob = world.add_user(name: "Bob Example", nick: "Bob")
      assert_equal "Bobby", world.update_user(bob, nick: "Bobby")[:nick]
      assert_equal "Acme", world.add_organization(parameterized_name: "acme")[:name]
      assert_equal "Acme Inc.", world.update_organization("acme", name: "Acme Inc.")[:name]
      flow = world.add_flow(path: "acme/ops", members: ["Bobby"])
      assert_equal [bob[:id]], flow[:members]
      assert_equal "link", world.update_flow(flow, access_mode: "link")[:access_mode]
      world.add_membership(user: 1, flow: "acme/ops")
      assert world.update_membership("Bobby", flow: "acme/ops", admin: true)[:admin]
      world.remove_membership(1, flow: "acme/ops")
      application = world.add_application(name: "CI & co.")
      world.update_application("CI & co.", redirect_uri: "https://ci.example.com/callback")
      world.revoke_access_token(world.add_access_token(user: "Bobby", application: application[:id], scope: "flow"))
      world.revoke_access_token(world.add_access_token[:access_token])
      world.revoke_application(application, user: bob[:id])
      source = world.add_source(name: "Builds", flow: "acme/ops")
      assert_equal source[:flow_token], world.update_source("Builds", error_message: "down")[:flow_token]
      message = world.add_message(content: "Hello", user: "Bobby", flow: "acme/ops")
      assert_equal "Hi", world.update_message(message, content: "Hi")[:content]
      world.assert_message(content: "Hi", user: "Bob Example", flow: "acme/ops")
      world.update_message(message[:id], flow: "acme/ops", tags: ["x"])
      world.remove_message(message)
      world.assert_message(content: "", flow: "acme/ops")
      lunch = world.add_private_message(to_user: "Bobby", content: "Lunch?")
      world.assert_private_message(content: "Lunch?")
      assert_equal "Tea?", world.update_private_message(lunch, content: "Tea?")[:content]
      assert_equal lunch[:id], world.update_private_message(1, to_user: bob[:id], content: "Lunch")[:id]
      world.remove_private_message(lunch)
      world.assert_private_message(content: "")
      world.remove_source(source)
      world.assert_no_source(name: "Builds")
      assert_equal(404, assert_raises(FakeFlowdock::Error) { world.get_source("Builds") }.status)
      assert_equal bob[:id], world.get_user(bob)[:id]
      assert_equal 1, world.get_organization(1)[:id]
      assert_equal flow[:id], world.get_flow(flow)[:id]
      assert_equal application[:id], world.get_application(application)[:id]
      assert_equal "acme", world.set_up_single_sign_on("acme", uid: "acme")[:scim_uid]
      world.end_single_sign_on("acme")
      world.remove_application(application)
      world.remove_flow(flow)
      world.remove_organization("acme")
      world.remove_user(bob)
      assert_equal 4, world.populate(messages: 9, users: 2)[:users]
    end
  end

  def test_the_clock_stands_moves_and_is_set
    in_world do |world|
      now = Time.iso8601(world.set_clock(frozen: true)[:now])
      assert_equal now + 7200, Time.iso8601(world.advance(7200)[:now])
      assert world.set_clock(now: Time.utc(2030))[:frozen]
      assert_match(/\A2030-01-01T00:00:00/, world.clock[:now])
    end
  end

  def test_settings_are_changed
    in_world(settings: { strict: true }) do |world|
      assert world.settings[:strict]
      assert_equal "minimal", world.change_settings(shape: "minimal")[:shape]
    end
  end

  def test_streams_are_waited_for_get_events_and_are_closed
    in_world do |world|
      stream = Thread.new do
        uri = URI("#{world.url}/_fakeflowdock/stream/flows?filter=example/main")
        headers = { "Authorization" => "Bearer #{world.credentials[:access_token]}", "Accept" => "application/json" }
        Net::HTTP.start(uri.host, uri.port) { |http| http.get(uri, headers).body }
      end
      open = world.wait_for_streams(flow: "example/main", timeout: 60)[0]
      assert_equal([open[:number]], world.streams(user: 1).map { |each| each[:number] })
      world.emit({ event: "backend.something" }, flow: "example/main")
      world.close_streams
      assert_match(/"event":"backend.something"/, stream.value)
      assert_fails(/\A1 open stream expected within 0 s, got 0\z/) { world.wait_for_streams(timeout: 0) }
    end
  end

  def test_an_action_of_a_thread_is_performed
    in_world do |world|
      _, source = call(world, "POST", "/flows/example/main/sources", { name: "Tracker" })
      target = { "@type": "EntryPoint", urlTemplate: "http://127.0.0.1:9/close", httpMethod: "POST" }
      thread = { title: "Issue", actions: [{ "@type": "UpdateAction", name: "Close", target: target }] }
      call(world, "POST", "/messages", { flow_token: source["flow_token"], event: "activity", title: "opened",
                                         author: { name: "Tracker" }, external_thread_id: "issue:1", thread: thread })
      delivery = world.perform(thread: "issue:1", action: "Close", send: false)
      assert_equal "not sent", delivery[:outcome]
      assert_equal [delivery], world.deliveries(outcome: "not sent")
      world.assert_delivery(action: "Close", outcome: "not sent")
    end
  end

  def test_the_mail_of_an_invitation_is_read_and_accepted
    in_world do |world|
      call(world, "POST", "/flows/example/main/invitations", { email: "bob@example.com", message: "Join us" })
      mail = world.outbox[0]
      assert_equal "bob@example.com", mail[:email]
      world.assert_invitation(email: "bob@example.com", state: "pending")
      assert_equal mail[:email], world.accept(mail[:invitation])[:email]
      world.assert_invitation(email: "bob@example.com", state: "accepted")
      world.remove_invitation(world.add_invitation(email: "eve@example.com")[:invitation])
      world.assert_no_invitation(email: "eve@example.com")
      assert_equal "flow", world.add_authorization_code(scope: "flow")[:scope]
    end
  end

  def test_what_a_failed_test_raises_has_the_report
    error = assert_raises(Minitest::Assertion) do
      in_world do |world|
        send_message(world, "Done")
        world.assert_message(content: "Donne")
      end
    end
    assert_match(%r{expected 'Donne', got 'Done'.*fakeflowdock, world world-\d+:.*POST .*/messages → 201}m, error.message)
    assert_equal("later", assert_raises(Minitest::Skip) { in_world { skip "later" } }.message)
    assert_match(/\Aown\n\nfakeflowdock, world/, assert_raises(KeyError) { in_world { raise KeyError, "own" } }.message)
    assert_fails(/\Aown/, RuntimeError) { in_world { |world| world.delete && nil || raise("own") } }
  end

  def test_a_server_that_does_not_start_says_why
    error = FakeFlowdock::Error
    assert_fails(/Cannot start .* -m fakeflowdock .*: .*unknown option .*did you mean --world\?/, error) do
      FakeFlowdock.start(args: ["--wrld", "docs"])
    end
    assert_fails(%r{Cannot start /no/python .*No such file}, error) { FakeFlowdock.start(python: "/no/python") }
    assert_fails(%r{No fakeflowdock server answers at http://127.0.0.1:9: }, error) do
      FakeFlowdock.connect("http://127.0.0.1:9")
    end
  end

  def test_a_server_is_started_with_tls_and_a_token_for_the_admin_api_and_stopped
    server = FakeFlowdock.start(args: %w[--tls --admin-token of-some-length --world docs])
    assert_equal "docs", server.ready[:world]
    assert_match(/\Ahttps:/, server.url)
    assert_equal server.ready[:api_token], server.world.credentials[:api_token]
    ca_file = server.ready[:ca_file]
    assert_fails(/certificate/, FakeFlowdock::Error) { FakeFlowdock.connect(server.url) }
    other = FakeFlowdock.connect("#{server.url}/", ca_file: ca_file, admin_token: server.ready[:admin_token])
    assert_equal 1, other.worlds.size
    closed = FakeFlowdock.connect(server.url, ca_file: ca_file)
    assert_equal(401, assert_raises(FakeFlowdock::Error) { closed.worlds }.status)
    other.stop # is not its own
    2.times { server.stop }
    assert_fails(/No fakeflowdock server answers/, FakeFlowdock::Error) { server.worlds }
    assert_nil(FakeFlowdock.start { |started| started.worlds && nil })
  end
end
