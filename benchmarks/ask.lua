-- What `wrk` sends, from its arguments: a method, a body or "-", and headers "Name: value". It prints a line of JSON.
function init(arguments)
   wrk.method = arguments[1]
   body = arguments[2]
   for i = 3, #arguments do
      local name, value = arguments[i]:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
   end
   if body ~= "-" then wrk.body = body end
   counted = body:find("{n}", 1, true) ~= nil
   count = 0
end

function request()
   if not counted then return wrk.format() end
   count = count + 1
   return wrk.format(nil, nil, nil, (body:gsub("{n}", tostring(count))))
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "wrong": %d, "late": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status + errors.connect + errors.read + errors.write, errors.timeout))
end
