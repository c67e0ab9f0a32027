// Every call of the npm package flowdock, one after the other. It prints, by call, the status and the body as JSON.
const { Session } = require('flowdock')

const session = new Session(process.env.API_TOKEN, '')
session.on('error', error => { throw error })
const called = {}
const call = (name, ...given) => new Promise((resolve, reject) => {
  session[name](...given, (error, body, response) => {
    if (error) return reject(error)
    called[name] = [response.statusCode, body === undefined ? null : body]
    resolve(body)
  })
})

const run = async () => {
  const [flow] = await call('flows')
  const message = await call('message', flow.id, 'Hello', ['greeting'])
  await call('threadMessage', flow.id, message.thread_id, 'In the thread', [])
  await call('comment', flow.id, message.id, 'A comment', [])
  await call('status', flow.id, 'At lunch')
  await call('privateMessage', process.env.OTHER_USER, 'Between us', ['secret'])
  await call('invite', flow.parameterized_name, flow.organization.parameterized_name, 'eve@example.com', 'Join us')
  await call('editMessage', flow.parameterized_name, flow.organization.parameterized_name, message.id, { content: 'Hi' })
  const conversation = await call('get', `/private/${process.env.OTHER_USER}`, {})
  await call('put', `/private/${conversation.id}`, { open: false })
  await call('post', '/messages', { flow: flow.id, event: 'message', content: 'By path' })
  await call('delete', `/flows/example/main/messages/${message.id}`)
}
run().then(() => console.log(JSON.stringify(called)))
