# Leads the connections of Ruby to Flowdock's hosts to the fake: `RUBYOPT=-r`, which `fakeflowdock exec` arranges.
#
# Clients that ask the environment for a proxy do not come here. Flowdock's own gem is told to use none, and others never
# look: only where they connect to is another place. Names, certificates and everything above stay as they are.
require 'socket'

module FakeflowdockPreload
  HOSTS = /\A(?:api|stream)\.flowdock\.com\.?\z/i
  DOOR = %r{\Ahttp://([^/:]+):([0-9]+)}.match(ENV['FAKEFLOWDOCK_PROXY'].to_s)

  def self.led(host, port)
    DOOR && host.is_a?(String) && HOSTS.match(host) ? [DOOR[1], DOOR[2].to_i] : [host, port]
  end

  module Sockets # of Net::HTTP, and of most libraries
    def initialize(host = nil, port = nil, *rest, **options, &block)
      super(*FakeflowdockPreload.led(host, port), *rest, **options, &block)
    end
  end

  module Addresses # of those that look up an address first, as Socket.tcp does
    def getaddrinfo(host, port, *rest, **options)
      super(*FakeflowdockPreload.led(host, port), *rest, **options)
    end

    def tcp(host, port)
      super(*FakeflowdockPreload.led(host, port))
    end
  end
end

TCPSocket.prepend(FakeflowdockPreload::Sockets)
Addrinfo.singleton_class.prepend(FakeflowdockPreload::Addresses)
