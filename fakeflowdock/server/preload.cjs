// Leads the connections of Node to Flowdock's hosts to the fake: `node --require`, which `fakeflowdock exec` arranges.
//
// Node asks no proxy, but every client of its own (fetch, http, https, tls) and of npm's connects by one function in the
// end, also through agents that were made before. Only where it connects to is another place: names, certificates and
// everything above stay as they are.
'use strict'

const net = require('net') // as old Nodes call it too: where this cannot be loaded, no program begins

const HOSTS = /^(?:api|stream)\.flowdock\.com\.?$/i
const door = /^http:\/\/([^/:]+):([0-9]+)/.exec(process.env.FAKEFLOWDOCK_PROXY || '')

function led (options) {
  if (!options || typeof options !== 'object' || options.path || !HOSTS.test(options.host || '')) return options
  return { ...options, host: door[1], port: Number(door[2]), family: 4, lookup: undefined, localAddress: undefined }
}

if (door) {
  const connect = net.Socket.prototype.connect
  net.Socket.prototype.connect = function (...given) {
    const first = given[0]
    if (Array.isArray(first)) first[0] = led(first[0]) // as Node's own functions hand it over
    else if (first && typeof first === 'object') given[0] = led(first)
    else if (typeof given[1] === 'string' && HOSTS.test(given[1])) given.splice(0, 2, led({ port: first, host: given[1] }))
    return connect.apply(this, given)
  }
}
