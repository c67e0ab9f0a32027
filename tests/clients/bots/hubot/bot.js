// A script of hubot. Each line that it prints is a JSON list: what happened, and more about it.
module.exports = robot => {
  robot.hear(/.*/, response => console.log(JSON.stringify(['message', { ...response.message, user: undefined }])))
  robot.respond(/ping/i, response => response.send('pong'))
}
