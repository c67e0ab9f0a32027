// A bot with the npm package flowdock. Each line that it prints is a JSON list: what happened, and more about it.
const { Session } = require('flowdock')

const tell = (...said) => console.log(JSON.stringify(said))
const session = new Session(process.env.API_TOKEN, '')
session.on('error', error => tell('error', String(error)))
session.flows((error, flows) => {
  const stream = session.stream(flows.filter(flow => flow.open).map(flow => flow.id), { active: 'idle', user: 1 })
  for (const name of ['connected', 'disconnected', 'clientError', 'reconnecting']) {
    stream.on(name, (...about) => tell(name, ...about))
  }
  stream.on('message', message => {
    tell('message', message)
    if (message.content === 'Ada ping') session.threadMessage(message.flow, message.thread_id, 'pong', [])
  })
})
