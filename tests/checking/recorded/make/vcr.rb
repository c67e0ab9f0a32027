# Record with Ruby's VCR: ruby vcr.rb FOLDER API FLOW_TOKEN API_TOKEN [PREFIX]
require "json"
require "net/http"
require "vcr"

folder, api, token, api_token, prefix = ARGV
VCR.configure do |config|
  config.cassette_library_dir = folder
  config.hook_into :webmock
end

MESSAGE = { flow_token: token, event: "message", content: "Build 42 is grün", external_user_name: "CI" }.freeze

def ask(uri, request, user = nil)
  request.basic_auth(user, "") if user
  Net::HTTP.start(uri.host, uri.port) { |http| http.request(request) }
end

def calls(api, token, api_token)
  json = { "Content-Type" => "application/json" }
  flows, messages, push = [ "/flows", "/flows/example/main/messages?lmit=1&limit=1", "/messages" ].map { |path| URI(api + path) }
  ask(flows, Net::HTTP::Get.new(flows), api_token)
  ask(messages, Net::HTTP::Get.new(messages), api_token)
  [MESSAGE, MESSAGE.merge(content: "")].each do |message|
    post = Net::HTTP::Post.new(push, json)
    post.body = message.to_json
    ask(push, post)
  end
  form = Net::HTTP::Post.new(push)
  form.set_form_data(MESSAGE)
  ask(push, form)
  upload = Net::HTTP::Post.new(URI("#{api}/flows/example/main/messages"))
  dust = StringIO.new([0, 200, 10, 13, 255].pack("C*"))
  upload.set_form([["event", "file"], ["content", dust, { filename: "dust.bin", content_type: "application/octet-stream" }]], "multipart/form-data")
  file = ask(upload.uri, upload, api_token)
  gone = URI("#{api}/flows/example/main/messages/#{JSON.parse(file.body)["id"]}")
  ask(gone, Net::HTTP::Delete.new(gone), api_token)
end

WebMock.allow_net_connect!
prefix ||= "ruby-vcr"
{ prefix => {}, "#{prefix}-bytes" => { preserve_exact_body_bytes: true } }.each do |name, options|
  VCR.use_cassette(name, record: :all, **options) { calls(api, token, api_token) }
end
