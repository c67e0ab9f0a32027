// A bot with the npm package flowdock-stream, which knows Flowdock's own address only, and never reconnects.
const { createClient } = require('flowdock-stream')

const tell = (...said) => console.log(JSON.stringify(said))
const client = createClient('Example', 'Main', process.env.API_TOKEN)
client.on('ready', () => tell('connected'))
client.on('error', error => tell('error', String(error)))
client.on('end', () => tell('disconnected'))
client.on('data', message => {
  tell('message', message)
  if (message.content === 'Ada ping') client.send('Main', 'pong', message.id)
})
